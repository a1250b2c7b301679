// Command assay says what a machine image gives away, makes a clean copy and
// keeps it that way. This package turns argv into calls of the verbs at the
// module's root and their verdicts into exit codes: one file a sub-command, no
// logic.
package main
