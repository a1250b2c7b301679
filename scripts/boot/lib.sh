# Sourced by test-boot.sh: the clock, the verdicts, and what goes at the end.

pids=()  # of the emulators
loops=() # devices of ours
mounts=()

say() { printf '%4ds  %s\n' "$SECONDS" "$*" >&2; }

die() {
	say "FAIL  $*"
	exit 1
}

# expect TEXT COMMAND…: one verdict.
expect() {
	local text=$1
	shift
	if "$@" >"$work/last.out" 2>&1; then
		say "ok    $text"
	else
		say "FAIL  $text"
		sed 's/^/        /' "$work/last.out" | tail -8 >&2
		failed=$((failed + 1))
	fi
}

lacks() { ! grep -aE "$2" "$1"; }

# left is what remains of the bound; the run ends when nothing does.
left() {
	local n=$((LIMIT - SECONDS))
	[ $n -gt 0 ] || die "not done within $LIMIT seconds"
	echo $n
}

# device FILE OFFSET SIZE (bytes): a loop device in $dev, detached at the end.
device() {
	dev=$(losetup --find --show --offset "$2" --sizelimit "$3" "$1")
	loops+=("$dev")
}

release() {
	local m d
	for m in "${mounts[@]}"; do
		umount "$m" 2>/dev/null || true
	done
	for d in "${loops[@]}"; do
		losetup -d "$d" 2>/dev/null || true
	done
	mounts=() loops=()
}

tidy() {
	local p
	for p in "${pids[@]}"; do
		kill "$p" 2>/dev/null || true
	done
	release
	if [ -n "${BOOT_KEEP:-}" ]; then
		say "kept: $work"
	else
		rm -rf --one-file-system "$work"
	fi
}
