#!/usr/bin/env bash
# Installs the Debian packages given as arguments, when run as root where
# apt-get exists; else says which of them are missing.
set -u
missing=()
for p in "$@"; do
	dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null | grep -q '^installed$' || missing+=("$p")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "installing: ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	for try in 1 2 3; do
		apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/tmp/assay-tools.log 2>&1 && exit 0
		sleep 5
	done
	tail -5 /tmp/assay-tools.log >&2
	echo "could not install: ${missing[*]}; tests that need them are skipped (ASSAY_REQUIRE=1 makes that a failure)" >&2
	exit 0
fi
echo "not installed: ${missing[*]}"
echo "tests that need them are skipped; as root, make test installs them"
