// Package sam reads what Windows knows of its local accounts and secrets: the
// hives SAM and SECURITY, with the boot key that SYSTEM hides.
//
// In: hives. Out: accounts, each with a verdict on its password; the names and
// states of LSA secrets; how many domain logons are cached; or a hive in which
// an account is locked. May touch: memory. Never: lets a hash, a key or a
// decrypted secret out, judges, makes randomness of its own. Next room: guest.
//
// Windows publishes none of these formats. Offsets follow impacket's
// secretsdump and the chntpw and creddump projects, which agree, and are proven
// on hives of Windows XP to 10 and Server 2019.
package sam
