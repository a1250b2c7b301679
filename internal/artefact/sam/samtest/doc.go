// Package samtest makes SAM, SYSTEM and SECURITY hives of one machine for
// tests, with accounts and secrets whose passwords the test knows.
//
// In: accounts and secrets. Out: trees for regftest.Build. May touch: memory.
// Never: is imported by anything but tests. It shares no code with sam, so that
// a mistake there is not repeated here; secretsdump is the judge of both.
package samtest
