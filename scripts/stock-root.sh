#!/usr/bin/env bash
# Makes a Debian root as debootstrap delivers it, about which the scanner must
# have nothing to say (internal/need.StockRoot), where root can and there is
# none yet. Says so where it cannot: the tests then miss it.
set -u
dir=/tmp/assay-debootstrap-minbase
[ -e "$dir/var/lib/dpkg/status" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v debootstrap >/dev/null; then
	echo "no stock Debian root: as root, with debootstrap, make test makes one"
	exit 0
fi
echo "making a stock Debian root in $dir"
new=$(mktemp -d "$dir.XXXX") || exit 0
trap 'rm -rf --one-file-system "$new"' EXIT
for try in 1 2; do
	if debootstrap --variant=minbase bookworm "$new" >"$new.log" 2>&1; then
		rm -f "$new.log"
		chmod 755 "$new"
		mv -T "$new" "$dir"
		exit 0
	fi
done
tail -3 "$new.log" >&2
rm -f "$new.log"
echo "no stock Debian root could be made; tests that need it are skipped (ASSAY_REQUIRE=1 makes that a failure)" >&2
