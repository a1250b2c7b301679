#!/usr/bin/env bash
# make bench-clean: a careless 8 GiB image with about 2 GiB of data, cleaned by
# assay (which inspects it before and after) beside qemu-img convert of the same
# image to the same format, and virt-sysprep followed by virt-sparsify, all in
# one run. assay's copy is on the disk when it ends; qemu-img's is so with the
# sync of its second row. Needs about 12 GiB in $TMPDIR and mke2fs; peers that are not
# installed are left out. Medians of $RUNS runs, caches warm.
set -eu
cd "$(dirname "$0")/.."
dir=$(mktemp -d "${TMPDIR:-/tmp}/assay-bench.XXXX")
trap 'rm -rf "$dir"' EXIT

echo "building 2 GiB of files …" >&2
mkdir -p "$dir/tree"
python3 - "$dir/tree" <<'PY'
import os, random, sys
root = sys.argv[1]
r = random.Random(7)
blob = r.randbytes(1 << 20)
text = "".join(f"line {i} of a file that a package brought: {r.random()}\n" for i in range(20000)).encode()
total, d = 0, 0
while total < 2 << 30:
    p = f"{root}/usr/lib/d{d // 50}/e{d % 50}"
    os.makedirs(p)
    for f in range(20):
        size = min(int(r.lognormvariate(10.3, 1.6)), 8 << 20)
        src = blob if f % 3 else text
        with open(f"{p}/f{f}", "wb") as h:
            o = r.randrange(len(src) // 2)
            left = size
            while left > 0:
                n = min(left, len(src) - o)
                h.write(src[o:o + n])
                left, o = left - n, 0
        total += size
    d += 1
files = {"etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n', "etc/passwd": "root:x:0:0:root:/root:/bin/bash\n",
         "etc/shadow": "root:$6$abcdefgh$" + "x" * 86 + ":19900:0:99999:7:::\n", "etc/group": "root:x:0:\n", "etc/fstab": "", "bin/sh": "", "bin/bash": "",
         "root/.bash_history": "mysql -uroot -pTr0ub4dor3x shop\n", "root/.ssh/authorized_keys": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx1TqV1l3m3Tz0mN1c5m6K1yZC5s6d1q5d2tJ5p0n1a ops\n",
         "var/log/auth.log": "Accepted publickey for root from 10.0.3.17\n" * 1000}
for p, s in files.items():
    os.makedirs(os.path.dirname(f"{root}/{p}") or root, exist_ok=True)
    open(f"{root}/{p}", "w").write(s)
PY
mke2fs -q -F -t ext4 -d "$dir/tree" "$dir/disk.raw" 8g
rm -rf "$dir/tree"
cat "$dir/disk.raw" >/dev/null

. scripts/bench-lib.sh
title
plain
row "qemu-img convert -c -O qcow2 (deflate)" - qemu-img convert -c -O qcow2 "$dir/disk.raw" "$dir/out"
base=$last
row "assay clean, zlib, without contents" "$base" bin/assay clean "$dir/disk.raw" -o "$dir/out" --out-format qcow2 --compress zlib --no-progress --no-content
row "assay clean, qcow2, zlib" "$base" bin/assay clean "$dir/disk.raw" -o "$dir/out" --out-format qcow2 --compress zlib --no-progress
if [ -z "${NO_VIRT:-}" ] && command -v virt-sysprep >/dev/null && command -v virt-sparsify >/dev/null; then
	RUNS=1
	export LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=${LIBGUESTFS_BACKEND_SETTINGS-force_tcg}
	cat >"$dir/virt.sh" <<'SH'
cp --sparse=always "$1/disk.raw" "$1/out.raw" && virt-sysprep -q -a "$1/out.raw" && virt-sparsify -q "$1/out.raw" --convert qcow2 "$1/out.qcow2"
SH
	row "virt-sysprep, then virt-sparsify" "$base" bash "$dir/virt.sh" "$dir"
fi
