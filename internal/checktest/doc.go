// Package checktest is a check's whole test in one readable file.
//
// In: testdata/CHECK/*.txtar beside a catalogue; each holds a tree (in/…), its
// metadata (meta) and the findings wanted (want). Out: test results. May touch:
// testdata. Never: is imported by product code. Next room: none.
package checktest
