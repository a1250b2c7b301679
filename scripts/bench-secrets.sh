#!/usr/bin/env bash
# make bench-secrets: the contents of real trees, read by assay and by gitleaks
# in one run, warm cache, medians of $RUNS runs. gitleaks is built by go install
# into a temporary folder; it is no dependency of assay. Trees: a Debian root
# (debootstrap, as root) and the Go source tree.
set -eu
RUNS=${RUNS:-3}
dir=$(mktemp -d "${TMPDIR:-/tmp}/assay-bench.XXXX")
trap 'rm -rf "$dir"' EXIT
GOBIN=$dir CGO_ENABLED=0 go install github.com/zricethezav/gitleaks/v8@v8.30.1 2>"$dir/log" || { echo "gitleaks is not to be had here:"; tail -2 "$dir/log"; }
root=${ROOT:-/tmp/assay-debootstrap-minbase}
if [ ! -d "$root/etc" ]; then
	[ "$(id -u)" = 0 ] || { echo "needs root to make a Debian root, or ROOT=…" >&2; exit 1; }
	debootstrap --variant=minbase bookworm "$root" >/dev/null
fi
timed() { # prints median seconds and peak MiB
	local all=() rss=0
	for _ in $(seq "$RUNS"); do
		/usr/bin/time -f '%e %M' -o "$dir/t" "$@" >/dev/null 2>&1 || true
		read -r s m < <(tail -1 "$dir/t")
		all+=("$s")
		((m > rss)) && rss=$m
	done
	echo "$(printf '%s\n' "${all[@]}" | sort -n | awk '{a[NR]=$1} END {print a[int((NR+1)/2)]}') $((rss / 1024))"
}
echo "| tree | MB | program | s | MB/s | peak MiB | findings |"
echo "|---|---|---|---|---|---|---|"
for tree in "$root" "$(go env GOROOT)"; do
	mb=$(find "$tree" -xdev -type f -printf '%s\n' | awk '{n += $1} END {printf "%d", n / 1e6}')
	row() { echo "| $tree | $mb | $1 | $2 | $(awk -v m="$mb" -v s="$2" 'BEGIN {printf "%d", m / (s > 0 ? s : 0.01)}') | $3 | $4 |"; }
	read -r s m < <(timed sh -c "find '$tree' -xdev -type f -print0 | xargs -0 cat >/dev/null")
	row "cat of every file (limit)" "$s" "$m" "-"
	read -r s m < <(timed bin/assay inspect --no-progress --check any/secrets "$tree")
	n=$(bin/assay inspect --no-progress --check any/secrets --format json "$tree" | grep -c '"finding":' || true)
	row "assay, archives opened" "$s" "$m" "$n"
	if [ -x "$dir/gitleaks" ]; then
		read -r s m < <(timed "$dir/gitleaks" dir "$tree" --no-banner --exit-code 0 --report-format json --report-path "$dir/gl.json")
		row "gitleaks 8.30.1, archives skipped" "$s" "$m" "$(grep -c '"RuleID"' "$dir/gl.json" || true)"
	fi
done
