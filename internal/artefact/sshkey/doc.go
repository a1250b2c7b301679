// Package sshkey reads the keys of SSH and the private keys that are kept like
// them: authorized_keys lines, public key blobs, and private keys in the
// formats of OpenSSH, PEM, PKCS#8, PuTTY, ssh.com, SSH 1, Dropbear and OpenPGP.
//
// In: bytes of any file, also cut or damaged ones. Out: keys with type, size,
// fingerprint, options, and for private ones the format, whether a passphrase
// protects them, where they stand and the public half where the bytes give it.
// May touch: memory. Never: decrypts, tries a passphrase, judges. Next room:
// checks and the secret engine.
package sshkey
