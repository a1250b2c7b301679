// Package guest turns mounted trees into one machine and answers each question
// about it once: which system it is, who has an account, where the homes are,
// what sshd would accept, which files a package owns, what the first boot makes
// anew.
//
// In: volumes and their file systems, or a tree. Out: Guest, the subject of
// every check on machines. May touch: the tree, read only. Never: judges, opens
// host files, follows a link out of the guest. Next room: checks.
package guest
