#!/usr/bin/env bash
# make bench-inspect: an 8 GiB ext4 image with 200,000 files, inspected by assay
# beside find and cat on the kernel's mount of the same image, all in one run.
# Needs root (loop mount, cold caches), about 4 GiB in $TMPDIR. Peers that are
# not installed are left out. Medians of $RUNS runs.
set -eu
RUNS=${RUNS:-3}
FILES=${FILES:-200000}
dir=$(mktemp -d "${TMPDIR:-/tmp}/assay-bench.XXXX")
mnt=$dir/mnt
cleanup() {
	mountpoint -q "$mnt" && umount "$mnt"
	rm -rf "$dir"
}
trap cleanup EXIT
[ "$(id -u)" = 0 ] || { echo "bench-inspect needs root: it mounts the image and drops caches" >&2; exit 1; }

echo "building $FILES files …" >&2
mkdir -p "$dir/tree" "$mnt"
python3 - "$dir/tree" "$FILES" <<'PY'
import os, random, sys
root, n = sys.argv[1], int(sys.argv[2])
r = random.Random(7)
blob = r.randbytes(1 << 20)
for d in range(n // 100):
    p = f"{root}/usr/share/d{d // 50}/e{d % 50}"
    os.makedirs(p)
    for f in range(100):
        size = min(int(r.lognormvariate(8, 1.3)), 200000)
        o = r.randrange(len(blob) - 200001)
        with open(f"{p}/file{f}.dat", "wb") as h:
            h.write(blob[o:o + size])
for p, s in {"etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n', "etc/passwd": "root:x:0:0:root:/root:/bin/bash\n",
             "etc/shadow": "root:*:19900:0:99999:7:::\n", "etc/fstab": "", "root/.bash_history": "ls\n", "bin/sh": ""}.items():
    os.makedirs(os.path.dirname(f"{root}/{p}") or root, exist_ok=True)
    open(f"{root}/{p}", "w").write(s)
PY
mke2fs -q -F -t ext4 -N $((FILES + FILES / 4)) -d "$dir/tree" "$dir/disk.raw" 8g
rm -rf "$dir/tree"
cold() { sync; echo 3 >/proc/sys/vm/drop_caches; }
# median of the seconds that a command takes, caches cold or warm before it
timed() {
	local how=$1
	shift
	local all=()
	for _ in $(seq "$RUNS"); do
		[ "$how" = cold ] && cold
		local t0 t1
		t0=$(date +%s.%N)
		"$@" >/dev/null 2>&1 || true
		t1=$(date +%s.%N)
		all+=("$(echo "$t1 $t0" | awk '{printf "%.2f", $1-$2}')")
	done
	printf '%s\n' "${all[@]}" | sort -n | awk '{a[NR]=$1} END {print a[int((NR+1)/2)]}'
}
mounted() { mount -o loop,ro,noatime "$dir/disk.raw" "$mnt"; "$@"; umount "$mnt"; }
walk() { find "$mnt" | wc -l; }
catall() { find "$mnt" -type f -print0 | xargs -0 cat | wc -c; }
inspect() { bin/assay inspect --no-progress --no-content "$dir/disk.raw"; }
whole() { bin/assay inspect --no-progress "$dir/disk.raw"; }
a_cold=$(timed cold inspect) f_cold=$(timed cold mounted walk)
a_warm=$(timed warm inspect) f_warm=$(timed warm mounted walk)
w_warm=$(timed warm whole) c_warm=$(timed warm mounted catall)
w_cold=$(timed cold whole) c_cold=$(timed cold mounted catall)
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f×", b / (a > 0 ? a : 0.01) }'; }
echo "| 8 GiB ext4, $FILES files | assay | kernel mount | ratio |"
echo "|---|---|---|---|"
echo "| \`inspect --no-content\` / \`find \\| wc -l\`, cold | $a_cold s | $f_cold s | $(ratio "$a_cold" "$f_cold") |"
echo "| the same, warm | $a_warm s | $f_warm s | $(ratio "$a_warm" "$f_warm") |"
echo "| \`inspect\` / \`cat\` of every file, cold | $w_cold s | $c_cold s | $(ratio "$w_cold" "$c_cold") |"
echo "| the same, warm | $w_warm s | $c_warm s | $(ratio "$w_warm" "$c_warm") |"
if command -v guestfish >/dev/null; then
	g=$(LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=force_tcg timed warm guestfish --ro -a "$dir/disk.raw" -m /dev/sda find /)
	echo "| \`inspect --no-content\` / \`guestfish … find /\`, warm | $a_warm s | $g s | $(ratio "$a_warm" "$g") |"
fi
