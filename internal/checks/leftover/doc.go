// Package leftover makes findings of files that are known by where they lie:
// histories, logs, credential files, caches.
//
// In: a Pass and a list of patterns. Out: findings, grouped so that 300 log
// files are one finding with places, not 300. May touch: the guest through the
// Pass. Never: reads contents. Next room: checks.
package leftover
