// Package policy is the RAM policy language of Alibaba Cloud: it parses
// documents with positions, decides requests with reasons, finds mistakes, and
// holds as data what a safe account must deny.
//
// In: policy documents and requests, as text and plain values. Out: documents,
// decisions with the statements that made them, problems with advice, the
// baseline and the policies that close it. May touch: nothing. Never: guesses.
// What the service does not document is Undetermined, with the reason. Next
// room: the verbs, which make findings of it.
//
// A decision is three-valued. Where the documentation is silent (a missing key
// under a negated operator, policy variables, keys with several values), both
// ways are followed and the result is Undetermined when they differ.
package policy
