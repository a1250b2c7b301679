# The guard: restores everything at its time unless it is told that all is well.
# After a reboot it does not wait.
if [ "${1-}" != boot ]; then
	trap '' HUP TERM
	echo $$ >$D/guard.pid
	end=$(($(seconds) + N))
	while [ "$(seconds)" -lt "$end" ]; do
		[ -e $D/armed ] || exit 0
		sleep 1
	done
elif [ -e $D/fired ]; then # it went down while it restored
	mv $D/fired $D/armed
fi
if fire; then
	mv $D/manifest $D/result
	erase
	rm -f $D/fired
fi
