// Package reporttest gives the handlers' tests one stream that has everything
// in it: hostile names, all severities, acceptances, gaps, several targets.
//
// In: nothing. Out: messages. May touch: memory. Never: is imported by product
// code. Next room: the tests below report.
package reporttest
