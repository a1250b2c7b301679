// Package sarif writes SARIF 2.1.0, the format that code-scanning services
// read.
//
// In: messages. Out: one SARIF log on a writer, a run for each target. May
// touch: that writer. Never: puts a secret or a snippet of a guest into it:
// SARIF has no way to say that something was masked.
// Source: OASIS, Static Analysis Results Interchange Format 2.1.0.
// Next room: a code-scanning service.
package sarif
