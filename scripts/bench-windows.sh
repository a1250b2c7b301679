#!/usr/bin/env bash
# make bench-windows: a careless Windows image of 4 GiB with 1.5 GiB of files,
# cleaned by assay (which inspects it before and after) beside qemu-img convert
# of the same image to the same format, in one run. Needs root (ntfs-3g),
# mkntfs, sfdisk, mtools and go, and about 8 GiB in $TMPDIR. Medians of $RUNS
# runs, caches warm.
set -eu
cd "$(dirname "$0")/.."
dir=$(mktemp -d "${TMPDIR:-/tmp}/assay-bench.XXXX")
trap 'rm -rf "$dir"' EXIT
echo "building a Windows image with ${FILL:=1536} MiB of files …" >&2
ASSAY_WINDOWS_FILL=$FILL ASSAY_WINDOWS_IMAGE=$dir/disk.raw TMPDIR=$dir go test ./internal/e2e -run '^TestWindowsImage$' -count 1 >/dev/null
cat "$dir/disk.raw" >/dev/null
. scripts/bench-lib.sh
title
plain
