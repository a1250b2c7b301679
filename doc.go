// Package assay is the front door: one verb a journey.
//
// In: targets that were opened by the caller, and options. Out: a stream of
// messages to a report.Handler, and a verdict. May touch: what it is handed,
// and goroutines for the checks. Never: prints, exits, asks.
// Next room: cmd/assay.
package assay

// Version is the version of this tool.
const Version = "0.1.0"
