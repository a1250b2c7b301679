// Package secrets finds hard-coded credentials in the contents of all files,
// and in what deleted files left on the disk.
//
// In: the guest through a Pass. Out: findings, one a secret with all its
// places. May touch: every regular file, through package content. Never: shows
// a secret. Next room: the verbs, which drop what another check reports at the
// same place.
package secrets
