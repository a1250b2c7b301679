// Command demo builds the image of make demo: a small Debian-like web server,
// as a careless administrator leaves it before "create custom image". It needs
// no root, only mke2fs and debugfs of e2fsprogs. Every secret in it is made up
// when it runs.
//
// In: -o FILE, -seed N. Out: a raw disk with a GPT, an ext4 root and a swap
// partition. May touch: FILE and a temporary folder; runs mke2fs and debugfs.
// Never: is part of assay. Next room: assay inspect.
package main
