// Package cloudconfig reads what cloud-init was given: user data, vendor data
// and its own configuration.
//
// In: bytes, raw, gzipped, in base64 or a MIME archive. Out: the parts, and
// the credentials that each one sets, with their lines. May touch: memory.
// Never: runs, fetches or expands anything, or judges. Next room: checks.
package cloudconfig
