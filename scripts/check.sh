#!/usr/bin/env bash
# The static checks. Every one is run; the exit code says whether all passed.
set -u
export CGO_ENABLED=0 GOFLAGS=-buildvcs=false
bad=0
step() {
	local name=$1
	shift
	local t0=$SECONDS
	if out=$("$@" 2>&1); then
		echo "ok    $name ($((SECONDS - t0)) s)"
	else
		echo "FAIL  $name"
		printf '%s\n' "$out" | head -60
		bad=1
	fi
}
formatted() {
	local f
	f=$(gofmt -l $(git ls-files '*.go'))
	[ -z "$f" ] || { echo "gofmt -w these: $f"; return 1; }
}
generated() { (cd internal/checks && go run gen.go -check); }
tidy() { go mod tidy -diff; }
reproducible() {
	local d
	d=$(mktemp -d)
	trap 'rm -rf "$d"' RETURN
	for i in 1 2; do
		mkdir -p "$d/$i" && cp -r . "$d/$i/src" &&
			(cd "$d/$i/src" && go build -trimpath -ldflags '-s -w -buildid=' -o ../assay ./cmd/assay) || return 1
	done
	cmp "$d/1/assay" "$d/2/assay" && file_is_static "$d/1/assay"
}
file_is_static() { ! ldd "$1" >/dev/null 2>&1; }
# A tool of the Go project, run at a pinned version where the module proxy has it.
tool() {
	local name=$1 pkg=$2
	shift 2
	if go run "$pkg" -version >/dev/null 2>&1 || go run "$pkg" -h >/dev/null 2>&1; then
		step "$name" go run "$pkg" "$@"
	else
		echo "skip  $name: $pkg is not to be had here"
	fi
}
step "gofmt" formatted
step "go vet" go vet ./...
step "builds for windows" env GOOS=windows go build ./...
step "go vet for windows" env GOOS=windows go vet ./...
step "builds for darwin" env GOOS=darwin go build ./...
step "go vet for darwin" env GOOS=darwin go vet ./...
step "generated files" generated
step "go mod tidy" tidy
step "reproducible static build" reproducible
tool "staticcheck" honnef.co/go/tools/cmd/staticcheck@v0.8.2 -checks "SA*,-SA1019,-SA6005" ./...
if [ -n "${GOVULNDB:-}" ] || curl -fsS -m 5 -o /dev/null https://vuln.go.dev/index/modules.json 2>/dev/null; then
	tool "govulncheck" golang.org/x/vuln/cmd/govulncheck@v1.8.0 ./...
else
	echo "skip  govulncheck: its database cannot be reached"
fi
exit $bad
