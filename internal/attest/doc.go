// Package attest makes, signs and checks the statement that an image was
// inspected clean: in-toto Statement v1 in DSSE envelopes, one line each, as
// in an in-toto bundle (.intoto.jsonl).
//
// In: what an inspection said, a key. Out: signed lines; the statement behind
// them, once the signature held. May touch: the random numbers that keys and
// signatures need. Never: opens an image or a file, signs what is not clean
// (the verb refuses). Next room: the verbs certify and verify.
package attest
