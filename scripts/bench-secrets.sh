#!/usr/bin/env bash
# make bench-secrets: the contents of real trees, read by assay and by gitleaks
# in one run, warm cache, medians of $RUNS runs. gitleaks is built by go install
# into a temporary folder; it is no dependency of assay. Trees: a Debian root
# (debootstrap, as root) and the Go source tree, or $TREES. Beside them the limits: reading
# every file, and one bytes.IndexByte pass over what is read. Then the planted
# corpus of internal/secret, given to both.
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
cat >"$dir/pass.go" <<'EOF'
package main

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Reads every regular file and looks for a byte in all of it.
func main() {
	buf, n := make([]byte, 256<<10), 0
	filepath.WalkDir(os.Args[1], func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		f, err := os.Open(name)
		if err != nil {
			return nil
		}
		defer f.Close()
		for {
			k, err := io.ReadFull(f, buf)
			for b := buf[:k]; ; n++ {
				i := bytes.IndexByte(b, 0xf5) // rare, so that the pass is one
				if i < 0 {
					break
				}
				b = b[i+1:]
			}
			if err != nil {
				return nil
			}
		}
	})
	println(n)
}
EOF
CGO_ENABLED=0 GOFLAGS= go build -o "$dir/pass" "$dir/pass.go"
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
for tree in ${TREES:-"$root" "$(go env GOROOT)"}; do
	mb=$(find "$tree" -xdev -type f -printf '%s\n' | awk '{n += $1} END {printf "%d", n / 1e6}')
	row() { echo "| $tree | $mb | $1 | $2 | $(awk -v m="$mb" -v s="$2" 'BEGIN {printf "%d", m / (s > 0 ? s : 0.01)}') | $3 | $4 |"; }
	read -r s m < <(timed sh -c "find '$tree' -xdev -type f -print0 | xargs -0 cat >/dev/null")
	row "cat of every file (limit)" "$s" "$m" "-"
	read -r s m < <(timed "$dir/pass" "$tree")
	row "one bytes.IndexByte pass (limit)" "$s" "$m" "-"
	read -r s m < <(timed bin/assay inspect --no-progress --check any/secrets "$tree")
	n=$(bin/assay inspect --no-progress --check any/secrets --format json "$tree" | grep -c '"finding":' || true)
	row "assay, archives opened" "$s" "$m" "$n"
	if [ -x "$dir/gitleaks" ]; then
		read -r s m < <(timed "$dir/gitleaks" dir "$tree" --no-banner --exit-code 0 --report-format json --report-path "$dir/gl.json")
		row "gitleaks 8.30.1, archives skipped" "$s" "$m" "$(grep -c '"RuleID"' "$dir/gl.json" || true)"
	fi
done
echo
echo "planted corpus: assay, five seeds"
go test ./internal/secret -count=1 -run 'TestCorpus$' -v | sed -n 's/^ *corpus_test.go:[0-9]*: //p'
if [ -x "$dir/gitleaks" ]; then
	echo "planted corpus: gitleaks 8.30.1, one seed"
	ASSAY_GITLEAKS=$dir/gitleaks go test ./internal/secret -count=1 -run 'TestPeer$' -v | sed -n 's/^ *peer_test.go:[0-9]*: //p'
fi
