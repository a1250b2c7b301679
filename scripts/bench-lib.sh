# What bench-clean.sh and bench-windows.sh share: rows of a table about what is
# done to $dir/disk.raw. $dir/out… is removed before each run.
RUNS=${RUNS:-3}

title() {
	printf '%-44s %9s %9s %9s\n' "$(nproc) cores, $(du -m "$dir/disk.raw" | cut -f1) MiB of data" "seconds" "ratio" "peak MiB"
}

# timed COMMAND: the median of its seconds, and the peak memory in MiB; "failed"
# and its exit code where it did not do its work (3 and 4 are what assay thinks
# of an image). What earlier runs have left to be written is written before the
# clock starts.
timed() {
	local all=() rss=0 t0 t1 code
	for _ in $(seq "$RUNS"); do
		rm -f "$dir"/out*
		sync -f "$dir"
		t0=$(date +%s.%N)
		code=0
		/usr/bin/time -f %M -o "$dir/rss" "$@" >/dev/null 2>&1 || code=$?
		t1=$(date +%s.%N)
		case $code in 0 | 3 | 4) ;; *)
			echo "failed $code"
			return
			;;
		esac
		rss=$(tail -1 "$dir/rss")
		all+=("$(echo "$t1 $t0" | awk '{printf "%.2f", $1-$2}')")
	done
	printf '%s\n' "${all[@]}" | sort -n | awk -v m="$rss" '{a[NR]=$1} END {printf "%s %d", a[int((NR+1)/2)], m/1024}'
}

row() { # NAME BASE COMMAND…: BASE is the seconds of ratio 1, - for these
	local name=$1 base=$2 s m
	shift 2
	[ "$1" = synced ] && shift && set -- bash -c '"$@" && sync "$0"' "$dir/out" "$@"
	read -r s m <<<"$(timed "$@")"
	if [ "$s" = failed ]; then
		printf '%-44s %s\n' "$name" "failed, exit $m"
		return
	fi
	[ "$base" = - ] && base=$s
	last=$s
	printf '%-44s %9s %9s %9s\n' "$name" "$s" "$(echo "$s $base" | awk '{printf "%.2f", $1/$2}')" "$m"
}

# plain: rows of the formats that are not compressed.
plain() {
	local f base
	for f in raw qcow2; do
		row "qemu-img convert -O $f" - qemu-img convert -O $f "$dir/disk.raw" "$dir/out"
		base=$last
		row "the same, and sync" "$base" synced qemu-img convert -O $f "$dir/disk.raw" "$dir/out"
		row "assay clean, $f, without contents" "$base" bin/assay clean "$dir/disk.raw" -o "$dir/out" --out-format $f --no-progress --no-content
		row "assay clean, $f" "$base" bin/assay clean "$dir/disk.raw" -o "$dir/out" --out-format $f --no-progress
	done
}
