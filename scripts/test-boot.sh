#!/usr/bin/env bash
# make test-boot: a cleaned Debian image boots, and only its new owner gets in.
#
# A real Debian 12 (debootstrap) on a GPT disk with an ESP, an ext4 root and a
# swap partition, started by its own boot loader (extlinux), is used for a while
# as a careless administrator would: it boots once as another instance, with
# passwords, keys, histories and AccessKeys. assay cleans it twice, with the
# default profile and with --profile documents. Both copies are checked by
# e2fsck, searched for the secrets, and booted by qemu-system in software
# emulation with a NoCloud seed that holds a new key. Judges are the serial
# console, systemd and OpenSSH's client; none of them is ours.
#
# Needs root (debootstrap, loop devices), qemu-system-x86_64, extlinux, mtools
# and a Debian mirror; without them it says so and ends with 0, or with 1 when
# ASSAY_REQUIRE=1. Leaves nothing behind but what BOOT_KEEP=1 asks for.
#
#   BOOT_LIMIT=900   seconds for the whole run
#   BOOT_TREE=DIR    take the system from DIR instead of from the mirror
#   BOOT_KEEP=1      keep the work folder: images, serial logs, facts
#   ASSAY=bin/assay  the program to test
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
here=$PWD/scripts/boot
ASSAY=$(realpath "${ASSAY:-bin/assay}")
LIMIT=${BOOT_LIMIT:-900}
MIRROR=${BOOT_MIRROR:-http://deb.debian.org/debian}

missing=
for tool in qemu-system-x86_64 qemu-img debootstrap extlinux mkfs.ext4 mkfs.vfat mcopy sfdisk losetup mkswap e2fsck ssh ssh-keygen openssl; do
	command -v $tool >/dev/null || missing="$missing $tool"
done
[ -e /usr/lib/EXTLINUX/gptmbr.bin ] || missing="$missing extlinux's-gptmbr.bin"
[ "$(id -u)" = 0 ] || missing="$missing root"
if [ -n "$missing" ]; then
	echo "test-boot: skipped, missing:$missing" >&2
	exit "${ASSAY_REQUIRE:-0}"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/assay-boot.XXXX")
failed=0
. "$here/lib.sh"
. "$here/image.sh"
. "$here/machine.sh"
trap tidy EXIT
trap 'exit 1' INT TERM

# copy NAME FORMAT FLAGS…: cleans the used image, judges the copy at rest.
copy() {
	local name=$1 format=$2 out=$work/$1.$2 code=0
	shift 2
	say "$name: cleaning to $format"
	"$ASSAY" clean "$work/used.raw" -o "$out" --out-format "$format" --no-progress "$@" >"$work/$name.clean.txt" 2>&1 || code=$?
	# 3: what needs a person is listed. The copy is there, and must boot as it is.
	expect "$name: assay clean ends with 0 or 3 (was $code)" test $code -eq 0 -o $code -eq 3
	[ -e "$out" ] || { tail -20 "$work/$name.clean.txt" >&2; return 1; }
	[ "$format" = raw ] || qemu-img convert -O raw "$out" "$work/$name.flat"
	[ "$format" = raw ] && ln "$out" "$work/$name.flat"
	expect "$name: e2fsck finds nothing" e2fsck -fn "$work/$name.flat?offset=$((ROOT_AT * 512))"
	expect "$name: no secret is left in any byte" test -z "$(secrets "$work/$name.flat")"
	rm -f "$work/$name.flat"
}

# judge NAME: what every cleaned copy must show after its boot.
judge() {
	local name=$1 f=$work/$1.facts
	expect "$name: login prompt on the serial console" grep -aq 'login: ' "$work/$name.serial"
	expect "$name: no emergency mode" lacks "$work/$name.serial" 'emergency mode|Give root password|Kernel panic'
	expect "$name: the new key is accepted" test -s "$f"
	[ -s "$f" ] || return 0
	expect "$name: cloud-init is done" grep -q '^status: done' "$f"
	expect "$name: no unit failed that did not fail before" test -z "$(comm -13 <(fact failed used) <(fact failed "$name"))"
	expect "$name: a machine-id, and a new one" new machine-id "$name"
	expect "$name: host keys, and new ones" new host-key "$name"
	expect "$name: host keys seen from outside are new" new seen-key "$name"
	expect "$name: the swap partition is in use" test -n "$(fact swap "$name")"
	expect "$name: the new user may sudo" grep -q '^sudo: root' "$f"
	local user
	for user in root zhangwei debian; do
		expect "$name: the old key of $user is refused" refuses "$name" key "$user"
	done
	for user in root zhangwei; do
		expect "$name: the old password of $user is refused" refuses "$name" password "$user"
	done
	expect "$name: user zhangwei is gone, and his sudo rule" lacks "$f" zhangwei
}

make_image
say "first life: another instance is made of the image and used"
seed used old-instance "$work/old.pub"
start used "$work/used.raw" raw
visit used "$work/old"
expect "used: the planted key of root works" admits used key root
expect "used: the planted key of zhangwei works" admits used key zhangwei
expect "used: the planted password of zhangwei works" admits used password zhangwei
expect "used: the planted password of root works" admits used password root
halt used "$work/old"
expect "used: every secret is in the image's bytes" test "$(secrets "$work/used.raw" | wc -l)" = $((${#SECRETS[@]} + 1))
[ $failed = 0 ] || die "the careless image is not what the test wants; nothing was cleaned"

copy image raw --remove-user zhangwei
copy documents qcow2 --profile documents
for name in image documents; do
	seed $name "new-$name" "$work/new.pub"
done
say "second life: both copies boot"
start image "$work/image.raw" raw
start documents "$work/documents.qcow2" qcow2
for name in image documents; do
	visit $name "$work/new"
	judge $name
	halt $name "$work/new"
done
say "done, $failed failed"
exit $((failed > 0))
