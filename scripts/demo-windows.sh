#!/usr/bin/env bash
# A careless image of Windows, from inspection to a clean copy, judged by tools
# that are not ours. Needs root (ntfs-3g), mkntfs, sfdisk, mtools and go.
set -eu
cd "$(dirname "$0")/.."
mkdir -p demo
img=$PWD/demo/windows.img
clean=$PWD/demo/windows-clean.qcow2
rm -f "$img" "$clean"
go build -o bin/assay ./cmd/assay
ASSAY_WINDOWS_IMAGE=$img go test ./internal/e2e -run '^TestWindowsImage$' -count 1

# step NAME EXIT COMMAND: shows the command, runs it, wants its exit code.
step() {
	local name=$1 want=$2 code=0
	shift 2
	printf '\n== %s\n$ %s\n\n' "$name" "${*/#bin\/assay/assay}"
	"$@" || code=$?
	[ $code -eq "$want" ] || { echo "expected exit $want, got $code" >&2; exit 1; }
}

step "1. What is in it?" 3 bin/assay inspect "$img" --report demo/windows.html "$@"
# What is safe is done unasked; these are the decisions of a person.
step "2. A clean copy" 0 bin/assay clean "$img" -o "$clean" --redact \
	--remove windows/account/local-accounts --remove windows/account/lsa-secrets \
	--remove windows/registry/environment --remove windows/registry/saved-passwords --remove windows/registry/snmp \
	--remove windows/files/private-keys --remove windows/files/memory-dumps --remove windows/files/saved-connections \
	--remove /Users/ops/Downloads "$@"
step "3. Is it clean?" 0 bin/assay inspect "$clean" "$@"
echo
echo "report:  $PWD/demo/windows.html"
