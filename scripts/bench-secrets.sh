#!/usr/bin/env bash
# make bench-secrets: assay's search for credentials beside gitleaks, betterleaks
# and trivy, in one run: how fast (real trees, warm cache; a qcow2 disk), how
# much of the planted corpus, how much of the labelled lines of real source
# trees. It prints Markdown. The peers are built with the Go tools into
# $PEERS (default: the user's cache); they are no dependencies of assay, and one
# that is not to be had is left out. RUNS=3 is for assay and the limits, the
# peers run once. ROOT, TREES: other trees; SKIP="speed disk corpus real".
set -eu
RUNS=${RUNS:-3}
SKIP=" ${SKIP:-} "
dir=$(mktemp -d "${TMPDIR:-/tmp}/assay-bench.XXXX")
trap 'rm -rf "$dir"' EXIT
peers=${PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/assay-bench}
mkdir -p "$peers"
skipped() { [[ $SKIP == *" $1 "* ]]; }

# peer NAME MODULE VERSION PACKAGE: builds a program in a module of its own.
peer() {
	[ -x "$peers/$1-$3" ] && return
	mkdir "$dir/$1"
	printf 'module x\ngo 1.26\nrequire %s %s\n' "$2" "$3" >"$dir/$1/go.mod"
	printf 'package main\nimport _ "%s"\nfunc main() {}\n' "$5" >"$dir/$1/x.go"
	(cd "$dir/$1" && CGO_ENABLED=0 GOFLAGS=-mod=mod GOEXPERIMENT=${6:-} go build -o "$peers/$1-$3" "$4") 2>"$dir/log" ||
		{ echo "$1 is not to be had here: $(tail -1 "$dir/log")" >&2; rm -f "$peers/$1-$3"; }
}
peer gitleaks github.com/zricethezav/gitleaks/v8 v8.30.1 github.com/zricethezav/gitleaks/v8 github.com/zricethezav/gitleaks/v8/cmd
peer betterleaks github.com/betterleaks/betterleaks v1.1.1 github.com/betterleaks/betterleaks github.com/betterleaks/betterleaks/cmd
peer trivy github.com/aquasecurity/trivy v0.66.0 github.com/aquasecurity/trivy/cmd/trivy github.com/aquasecurity/trivy/pkg/commands jsonv2
list=()
for p in gitleaks-v8.30.1 betterleaks-v1.1.1 trivy-v0.66.0; do
	[ ! -x "$peers/$p" ] || list+=("$p")
done

# scan PEER TREE REPORT: writes the peer's report about a tree.
scan() {
	case $1 in
	trivy*) "$peers/$1" fs --quiet --cache-dir "$dir/trivy" --scanners secret --format json --output "$3" "$2" ;;
	*) "$peers/$1" dir "$2" --no-banner --exit-code 0 --report-format json --report-path "$3" ;;
	esac >/dev/null 2>&1 || true
}
export -f scan
export peers dir
findings() { grep -c '"RuleID"' "$1" 2>/dev/null || true; }

# timed N COMMAND: median seconds, CPU seconds of that run, peak MiB.
timed() {
	local n=$1 rss=0 all=()
	shift
	for _ in $(seq "$n"); do
		/usr/bin/time -f '%e %U %S %M' -o "$dir/t" "$@" >/dev/null 2>&1 || true
		read -r s u k m < <(tail -1 "$dir/t")
		all+=("$s $(awk -v a="$u" -v b="$k" 'BEGIN {print a + b}')")
		((m > rss)) && rss=$m
	done
	echo "$(printf '%s\n' "${all[@]}" | sort -n | awk '{a[NR] = $0} END {print a[int((NR + 1) / 2)]}') $((rss / 1024))"
}

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

root=${ROOT:-/tmp/assay-debootstrap-minbase}
if { ! skipped speed || ! skipped disk; } && [ ! -d "$root/etc" ]; then
	[ "$(id -u)" = 0 ] || { echo "needs root to make a Debian root, or ROOT=…" >&2; exit 1; }
	debootstrap --variant=minbase bookworm "$root" >/dev/null
fi

speed() {
	CGO_ENABLED=0 GOFLAGS= go build -o "$dir/pass" "$dir/pass.go"
	echo "| tree | MB | program | s | CPU s | MB/s of CPU | of the limit | peak MiB | findings |"
	echo "|---|---|---|---|---|---|---|---|---|"
	for tree in ${TREES:-"$root" "$(go env GOROOT)"}; do
		mb=$(find "$tree" -xdev -type f -printf '%s\n' | awk '{n += $1} END {printf "%d", n / 1e6}')
		limit=0
		row() { # NAME, then seconds, CPU seconds and MiB, then findings
			awk -v t="${tree##*/}" -v m="$mb" -v n="$1" -v s="$2" -v c="$3" -v r="$4" -v f="$5" -v l="$limit" \
				'BEGIN {c = c > 0 ? c : 0.01; printf "| %s | %d | %s | %.2f | %.2f | %d | %s | %d | %s |\n", t, m, n, s, c, m / c, l > 0 ? sprintf("1/%.1f", c / l) : "-", r, f}'
		}
		read -r s c m < <(timed "$RUNS" sh -c "find '$tree' -xdev -type f -print0 | xargs -0 cat >/dev/null")
		row "cat of every file" "$s" "$c" "$m" "-"
		read -r s c m < <(timed "$RUNS" "$dir/pass" "$tree")
		limit=$c
		row "one bytes.IndexByte pass (the limit)" "$s" "$c" "$m" "-"
		read -r s c m < <(timed "$RUNS" bin/assay inspect --no-progress --check any/secrets "$tree")
		row "assay, archives opened" "$s" "$c" "$m" "$(bin/assay inspect --no-progress --check any/secrets --format json "$tree" | grep -c '^{"finding":' || true)"
		for p in "${list[@]}"; do
			read -r s c m < <(timed 1 bash -c "scan '$p' '$tree' '$dir/$p.json'")
			row "$p, archives skipped" "$s" "$c" "$m" "$(findings "$dir/$p.json")"
		done
	done
}

disk() { # the same root as a disk with one ext4 partition
	mb=$(du -sm "$root" | cut -f1)
	mke2fs -q -F -t ext4 -d "$root" "$dir/part" "$((mb * 2 + 64))M"
	truncate -s "$((mb * 2 + 70))M" "$dir/disk.raw"
	printf 'label: gpt\nstart=2048, size=%d\n' $(($(stat -c %s "$dir/part") / 512)) | sfdisk -q "$dir/disk.raw"
	dd if="$dir/part" of="$dir/disk.raw" bs=1M seek=1 conv=notrunc,sparse status=none
	rm "$dir/part"
	qemu-img convert -O qcow2 "$dir/disk.raw" "$dir/disk.qcow2"
	echo "| disk image | program | s | CPU s | peak MiB | findings |"
	echo "|---|---|---|---|---|---|"
	read -r s c m < <(timed "$RUNS" bin/assay inspect --no-progress --check any/secrets "$dir/disk.qcow2")
	echo "| qcow2, $mb MB of files | assay | $s | $c | $m | $(bin/assay inspect --no-progress --check any/secrets --format json "$dir/disk.qcow2" | grep -c '^{"finding":' || true) |"
	for p in "${list[@]}"; do
		case $p in trivy*)
			read -r s c m < <(timed 1 "$peers/$p" vm --quiet --cache-dir "$dir/trivy" --scanners secret --format json --output "$dir/vm.json" "$dir/disk.raw")
			echo "| raw (it reads no qcow2) | $p vm | $s | $c | $m | $(findings "$dir/vm.json") |"
			;;
		esac
	done
	rm -f "$dir/disk.raw" "$dir/disk.qcow2"
}

reports() { # of every peer about a tree, as a list for ASSAY_REPORTS
	local all=
	for p in "${list[@]}"; do
		rm -f "$dir/$2/$p.json"
		mkdir -p "$dir/$2"
		scan "$p" "$1" "$dir/$2/$p.json"
		[ ! -s "$dir/$2/$p.json" ] || all+=${all:+:}$dir/$2/$p.json
	done
	echo "$all"
}
said() { sed -n 's/^ *[a-z]*_test.go:[0-9]*: //p'; }

corpus() {
	echo "planted corpus: assay, five seeds, class by class"
	echo
	go test ./internal/secret -count=1 -run 'TestCorpus$' -v | said
	echo
	echo "planted corpus: the peers, one seed"
	echo
	ASSAY_CORPUS=$dir/corpus go test ./internal/secret -count=1 -run 'TestPeers$' >/dev/null
	ASSAY_CORPUS=$dir/corpus ASSAY_REPORTS=$(reports "$dir/corpus" planted) go test ./internal/secret -count=1 -run 'TestPeers$' -v | said
}

real() {
	echo "labelled lines of real source trees (internal/secret/testdata/real); the rules were tuned on the half \"tune\" alone"
	echo
	bash scripts/real-trees.sh "$dir/real"
	echo "| half | program | recall | precision |"
	echo "|---|---|---|---|"
	ASSAY_TREES=$dir/real ASSAY_REPORTS=$(reports "$dir/real" real) go test ./internal/secret -count=1 -run 'TestRealTrees$' -v | said
}

for part in speed disk corpus real; do
	skipped $part || { $part; echo; }
done
