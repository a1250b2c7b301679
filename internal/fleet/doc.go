// Package fleet is the only hand that writes into a cloud and into running
// instances: what a fix does is planned as data, carried out step by step, and
// every step can be undone until the whole is proven.
//
// In: facts about an instance, wishes, a shell, a door, a cloud.Caller. Out:
// plans, events, an instance that only trusted keys enter. May touch: the cloud
// and instances, through what it is handed. Never: opens files of the host
// (durable keeps its journal), decides what is wrong (checks do), prints.
// Next room: the verbs.
package fleet
