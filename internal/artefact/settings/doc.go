// Package settings reads the configuration formats met inside guests into one
// flat shape: a key, its value, what it stands under, and its line.
//
// In: the bytes of a file, of any quality. Out: settings in file order, and an
// error that names a line where the rest could not be understood. May touch:
// memory. Never: expands variables, anchors or entities, or judges a value.
// Next room: checks.
package settings
