// Package double is a test double of the cloud: the APIs that assay calls, with
// state, over HTTP on loopback, as strict as the service and stricter.
//
// In: a State (what the accounts hold), a fault plan, a clock. Out: an HTTP
// handler that checks signatures, parameters and policies and answers in the
// service's own shapes. May touch: a loopback listener. Never: a real cloud,
// files, anything that is left when it ends. Next room: none; the tests of
// cloud, aliyun and fleet, and assay double.
//
// Its parameter table is generated from the official API metadata (gen.go);
// the shapes of answers follow the structures of the official Go SDK. Denials
// come from policy documents, decided by package policy: what the engine calls
// undetermined is denied here, so that no test passes by luck.
package double
