// Package span does arithmetic on byte ranges: what is allocated, free, slack.
//
// In: ranges. Out: sorted, merged ranges. May touch: memory. Never: reads the
// bytes themselves. Next room: disk (holes), volume (maps), fsys (free space).
package span
