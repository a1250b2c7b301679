# Arms the guard. Standard input: "kind path" of every file that may change.
# Exit 75: a fix is under way. Exit 76: an unfinished one was rolled back now.
if ! mkdir $D 2>/dev/null; then
	[ -d $D ] && [ ! -L $D ] || die "$D cannot be made"
	guarded && { echo "another fix of this machine is under way; it ends by itself" >&2; exit 75; }
	if [ -e $D/guard.sh ] && { [ -e $D/armed ] || [ -e $D/fired ]; }; then
		sh $D/guard.sh boot
		echo "an unfinished fix of this machine was rolled back: look at it again" >&2
		exit 76
	fi
	rm -rf $D
	mkdir $D || die "$D cannot be made"
fi
fail() { echo "$*" >&2; erase; rm -rf $D; exit 1; }
bad=$(sshd -t 2>&1) || fail "sshd refuses its settings already, before this fix: mend them first, it would not come back from a restart: $(echo "$bad" | head -n 3)"
mkdir $D/backup && : >$D/manifest || fail "no room for the backups"
i=0
while read -r kind p; do
	case $kind in
	file)
		[ -f "$p" ] && [ ! -L "$p" ] || fail "$p is not what it was"
		cp -p "$p" $D/backup/$i 2>/dev/null && cmp -s "$p" $D/backup/$i || fail "no room for the backup of $p"
		;;
	make) [ ! -e "$p" ] || fail "$p is there already" ;;
	esac
	printf '%s %s %s\n' $i "$kind" "$p" >>$D/manifest || fail "no room for the backups"
	i=$((i + 1))
done
[ "$(wc -l <$D/manifest)" -eq $i ] || fail "no room for the backups"
printf '%s\n' "$GUARD" >$D/guard.sh && [ "$(tail -n 1 $D/guard.sh)" = "# end" ] || fail "no room for the guard"
if [ -d /run/systemd/system ]; then
	printf '[Unit]\nDescription=Undo an unfinished assay fix\nConditionPathExists=%s\n[Service]\nType=oneshot\nExecStart=/bin/sh %s boot\n' $D/guard.sh $D/guard.sh >$UNIT &&
		mkdir -p "${WANTS%/*}" && ln -sf $UNIT $WANTS || fail "no room for the guard's unit"
elif [ -d /etc/cron.d ]; then
	printf '@reboot root /bin/sh %s boot\n' $D/guard.sh >$CRON || fail "no room for the guard's crontab"
fi
: >$D/armed || fail "no room for the guard"
if ! { [ -d /run/systemd/system ] && systemd-run --quiet --collect --unit=assay-fix-guard-$$ /bin/sh $D/guard.sh 2>/dev/null; }; then
	if command -v setsid >/dev/null 2>&1; then
		setsid sh $D/guard.sh </dev/null >/dev/null 2>&1 &
	else
		nohup sh $D/guard.sh </dev/null >/dev/null 2>&1 &
	fi
fi
n=0
until guarded; do
	n=$((n + 1))
	[ $n -le 10 ] || { rm -f $D/armed; fail "the guard does not start"; }
	sleep 1
done
