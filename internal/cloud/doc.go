// Package cloud is what is asked of a cloud, as data: requests, answers, and
// the Snapshot of an account that the account checks judge.
//
// In: a Caller. Out: types, the table of reads, and the collector that fills a
// Snapshot through the Caller: regions side by side, a refused call is a gap.
// May touch: nothing outside; the network is aliyun's. Never: changes a cloud
// (package fleet does), reads the clock. Next: checks/account, fleet.
package cloud
