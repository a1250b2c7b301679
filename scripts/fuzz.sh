#!/usr/bin/env bash
# Fuzzes every Fuzz function for the time given, one after the other. Inputs are
# hardly made smaller: with the default of a minute each, that alone took most
# of the time for inputs of some kilobytes, such as hives.
set -u
time=${1:-2m}
bad=0
for pkg in $(go list ./...); do
	dir=$(go list -f '{{.Dir}}' "$pkg")
	for f in $(grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go 2>/dev/null | sed 's/^func //'); do
		if out=$(go test "$pkg" -run '^$' -fuzz "^$f\$" -fuzztime "$time" -fuzzminimizetime 10x 2>&1); then
			echo "ok    ${pkg#assay/} $f  $(printf '%s' "$out" | grep -oE 'execs: [0-9]+' | tail -1)"
		else
			echo "FAIL  ${pkg#assay/} $f"
			printf '%s\n' "$out" | tail -30
			bad=1
		fi
	done
done
exit $bad
