#!/usr/bin/env bash
# make demo: build a careless image, inspect it, write the HTML report.
set -eu
img=demo/web-server.img
report=demo/report.html
mkdir -p demo
go run ./internal/demo -o "$img"
if command -v qemu-img >/dev/null; then
	qemu-img convert -f raw -O qcow2 -c "$img" demo/web-server.qcow2
	img=demo/web-server.qcow2
fi
code=0
bin/assay inspect "$img" --report "$report" --report demo/report.json "$@" || code=$?
echo
echo "image:   $PWD/$img"
echo "report:  $PWD/$report"
# The image is dirty on purpose: findings (3) are what the demo shows.
[ $code -eq 3 ] || { echo "expected exit 3 (findings), got $code" >&2; exit 1; }
