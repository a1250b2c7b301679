// Package aliyun asks Alibaba Cloud: a cloud.Caller on the official generic
// client and the official chain of credentials.
//
// In: cloud.Requests. Out: raw JSON answers, or *cloud.Error with a hint. The
// APIs it may call are a table of data (Table), from which also the least
// policy of a run is made (Permissions). May touch: the network, the user's
// Alibaba Cloud credentials (environment, CLI profile, roles). Never: decides,
// prints, stores, shows a secret; URLs never appear in its errors. Next room:
// cloud (the collector), fleet (the hand that writes).
//
// The official client signs and sends; retries, limits, reading and errors are
// ours, because its retry waits for nothing and its errors hold whole URLs.
package aliyun
