// Package need lets a test say which tools of the machine it needs.
//
// In: a test and a tool's name. Out: the test runs, skips with a message, or,
// with ASSAY_REQUIRE=1 (as in CI), fails: nothing is skipped there in silence.
// May touch: PATH and the environment. Never: is imported by product code.
// Next room: none.
package need
