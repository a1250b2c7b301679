// Package recall proves that no row of the catalogue of leftovers is forgotten.
//
// In: the catalogue's Linux rows with the checks that speak about them
// (testdata/catalogue.tsv), and at least one planted instance of each row that
// a tree of files can hold (testdata/plants.tsv). Out: test results: each plant
// must be named by a finding of a check that covers its row. May touch:
// testdata. Never: is imported, holds code. Next room: none.
package recall
