// Package check is the contract between one rule and the driver that runs it.
// It knows neither disks nor clouds: the subject is a type parameter.
//
// In: a subject and a catalogue of checks. Out: findings and gaps, in the
// order of the catalogue whatever the concurrency. May touch: the subject; it
// may start goroutines, bounded by Options.Parallel. Never: opens files,
// prints, reads the clock. Next room: the verbs at the module's root.
package check
