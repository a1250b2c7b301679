// Package junit writes JUnit XML, which every CI server shows.
//
// In: messages. Out: one XML document: a suite for each target, a case for
// each check that ran, a failure for each of its findings, a skipped one for
// what the user accepted, an error for each gap. May touch: its writer.
// Never: writes a character that XML 1.0 forbids. Next room: a CI server.
package junit
