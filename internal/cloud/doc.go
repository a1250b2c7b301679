// Package cloud is what is asked of a cloud, as data: requests, answers, and
// the Snapshot of an account that the account checks judge.
//
// In: nothing. Out: types, and the collector that fills a Snapshot through a
// Caller. May touch: nothing outside; the network is aliyun's. Never: changes
// a cloud (package fleet does). Next: checks/account, fleet.
package cloud
