// Package remote is a root shell on a running machine, whatever leads there,
// and the probe that brings what the checks need to know of the machine.
//
// In: a script and its standard input. Out: what it printed and its exit
// status; the probe's archive as files. May touch: memory; its children openssh
// and assistant touch the network. Never: decides what is changed (fleet
// does), judges, or lets a secret into an error. Next room: fleet, and the
// verbs, which make a guest of the probe's files.
package remote
