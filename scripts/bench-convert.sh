#!/usr/bin/env bash
# Writes a disk of 8 GiB with about 2 GiB of data in every format, beside
# qemu-img convert on the same file. DIR is where the files lie (default: a new
# folder in /tmp), ROUNDS how often each is done (the best time counts), WHAT
# which formats, as a pattern.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d -p "${DIR:-/tmp}" assay-convert.XXXXXX)
trap 'rm -rf "$work"' EXIT

# The data: what the system's own programs and libraries are made of, in an
# ext4 that was filled, and noise for a fifth of it.
mkdir "$work/tree"
head -c 400M /dev/urandom >"$work/tree/noise"
tar -C / -cf - usr/lib usr/bin usr/share 2>/dev/null | head -c 1640M >"$work/tree/usr.tar" || true
truncate -s 8G "$work/disk.raw"
mke2fs -q -F -t ext4 -d "$work/tree" "$work/disk.raw"
rm -rf "$work/tree"
du -h --apparent-size "$work/disk.raw" | cut -f1 | tr '\n' ' '; echo "virtual, $(du -h "$work/disk.raw" | cut -f1) of data"

TMPDIR=$work ASSAY_BENCH_IMAGE=$work/disk.raw go test ./internal/disk -run '^$' \
	-bench "WriteAgainstQemu/${WHAT:-}" -benchtime "${ROUNDS:-3}x" -timeout 60m | grep --line-buffered -E '^Benchmark'
