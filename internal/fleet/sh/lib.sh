# What all scripts of a fix share. The state lies in $D, which only root reads:
#   armed       a fix is under way; renamed to "confirmed" or "fired", whichever comes first
#   manifest    "number kind path" of every file that may change: file, make, dir
#   backup/N    the files as they were
#   guard.pid   of the process that restores them
#   result      what is left of a fix that was rolled back
set -u
umask 077
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
D=/var/lib/assay-fix
UNIT=/etc/systemd/system/assay-fix-guard.service
WANTS=/etc/systemd/system/multi-user.target.wants/assay-fix-guard.service
CRON=/etc/cron.d/assay-fix-guard
ANY=armed # put works only while this is there
die() { echo "$*" >&2; exit 1; }
seconds() { s=$(cut -d. -f1 /proc/uptime 2>/dev/null) && [ -n "$s" ] && echo "$s" || date +%s; }
guarded() { [ -e $D/armed ] && kill -0 "$(cat $D/guard.pid 2>/dev/null)" 2>/dev/null; }

# begin starts a step: the guard is alive and has not fired, and waits for us.
begin() {
	guarded || die "no guard is watching: nothing was changed by this step"
	mkdir $D/lock 2>/dev/null || die "another step is at work, or the disk is full"
	trap 'rmdir $D/lock 2>/dev/null' EXIT
}

# put PATH REF replaces PATH with standard input in one rename, with owner,
# mode and label of REF. The folder may belong to a hostile user: we work in it
# by relative names, make the new file with O_EXCL, and never follow a link.
put() {
	_d=${1%/*} _r=$2
	[ -e $D/$ANY ] || return 1
	(
		cd -P "${_d:-/}" 2>/dev/null && [ "$(pwd -P)" = "${_d:-/}" ] || exit 1
		_b=./${1##*/} _t=./.assay-fix.$$
		[ ! -d "$_b" ] || exit 1
		_o=$(stat -c %u:%g "$_r") && _m=$(stat -c %a "$_r") || exit 1
		_a=$(lsattr -d "$_b" 2>/dev/null | cut -d' ' -f1)
		rm -f "$_t"
		umask "$(printf '%04o' $((0777 & ~0$_m)))"
		set -C
		{ cat >"$_t"; } 2>/dev/null || { rm -f "$_t"; echo "$1: cannot be written" >&2; exit 1; }
		set +C
		chown -h "$_o" "$_t" || { rm -f "$_t"; exit 1; }
		chcon -h --reference="$_r" "$_t" 2>/dev/null
		sync -d "$_t" 2>/dev/null
		case $_a in *i* | *a*) chattr -i -a "$_b" ;; esac
		mv -fT "$_t" "$_b" 2>/dev/null || { [ ! -d "$_b" ] && mv -f "$_t" "$_b"; } || { rm -f "$_t"; exit 1; }
		case $_a in *i*) chattr +i "$_b" ;; *a*) chattr +a "$_b" ;; esac
		exit 0
	)
}

# make PATH OWNER MODE makes a file of standard input; there must be none.
make() {
	_d=${1%/*}
	[ -e $D/armed ] || return 1
	(
		cd -P "${_d:-/}" 2>/dev/null && [ "$(pwd -P)" = "${_d:-/}" ] || exit 1
		_b=./${1##*/} _t=./.assay-fix.$$
		[ ! -e "$_b" ] && [ ! -L "$_b" ] || { echo "$1 is there already" >&2; exit 1; }
		rm -f "$_t"
		umask "$(printf '%04o' $((0777 & ~0$3)))"
		set -C
		{ cat >"$_t"; } 2>/dev/null || { rm -f "$_t"; echo "$1: cannot be written" >&2; exit 1; }
		set +C
		chown -h "$2" "$_t" && mv -f "$_t" "$_b" || { rm -f "$_t"; exit 1; }
		restorecon "$_b" 2>/dev/null
		exit 0
	)
}

# reload makes the running sshd read its files again. It keeps connections. An
# sshd that is told to read settings which it refuses ends: it goes on with the
# old ones instead.
reload() {
	sshd -t 2>/dev/null || return 1
	if [ -d /run/systemd/system ]; then
		for u in ssh sshd; do
			systemctl is-active --quiet $u.service && systemctl reload $u.service && return 0
		done
		for u in ssh sshd; do # each connection starts an sshd, which reads them anyway
			systemctl is-active --quiet $u.socket && return 0
		done
	fi
	for f in "$(sshd -T 2>/dev/null | awk '$1 == "pidfile" { print $2 }')" /run/sshd.pid /var/run/sshd.pid; do
		[ -n "$f" ] && [ -f "$f" ] && p=$(cat "$f") || continue
		case $(cat "/proc/$p/comm" 2>/dev/null) in sshd*) kill -HUP "$p" && return 0 ;; esac
	done
	rc-service sshd reload >/dev/null 2>&1 || service sshd reload >/dev/null 2>&1 || service ssh reload >/dev/null 2>&1
}

# erase removes the backups so that the old hashes do not stay on the disk.
erase() {
	for f in $D/backup/*; do
		[ -f "$f" ] && { shred -n 1 -u "$f" 2>/dev/null || rm -f "$f"; }
	done
	rm -f $UNIT $WANTS $CRON $D/blobs $D/names $D/new $D/guard.sh $D/guard.pid
	rmdir $D/backup $D/lock 2>/dev/null
	return 0
}

# restore puts every file back that is not as it was. What the fix added goes
# first: it gives room on a full disk. A file that cannot be replaced is
# overwritten in place.
restore() {
	ANY=fired _rc=0
	while read -r i kind p; do
		[ "$kind" = make ] && rm -f "$p"
	done <$D/manifest
	while read -r i kind p; do
		case $kind in
		file)
			cmp -s "$D/backup/$i" "$p" && continue
			put "$p" "$D/backup/$i" <"$D/backup/$i" 2>/dev/null && continue
			[ ! -L "$p" ] && cat "$D/backup/$i" >"$p" && cmp -s "$D/backup/$i" "$p" || _rc=1
			;;
		dir) rmdir "$p" 2>/dev/null ;;
		esac
	done <$D/manifest
	reload
	return $_rc
}

# fire is the guard's and the undo's: whoever renames "armed" restores.
fire() {
	mv $D/armed $D/fired 2>/dev/null || return 1
	n=0
	while [ -d $D/lock ] && [ $n -lt 20 ]; do sleep 1; n=$((n + 1)); done
	until restore; do sleep 10; done
	return 0
}

# image tells this run of the sshd that listens from the next one of the same
# process, as a reload makes it: where its stack ends is another place each
# time. It prints nothing where that is not known: nobody listens but systemd,
# or the system does not move stacks.
image() {
	[ "$(cat /proc/sys/kernel/randomize_va_space 2>/dev/null)" != 0 ] || return 0
	for u in ssh sshd; do
		[ -d /run/systemd/system ] && p=$(systemctl show -p MainPID $u.service 2>/dev/null) && p=${p#MainPID=} || continue
		[ "${p:-0}" != 0 ] && place "$p" && return 0
	done
	for f in "$(sshd -T 2>/dev/null | awk '$1 == "pidfile" { print $2 }')" /run/sshd.pid /var/run/sshd.pid; do
		[ -n "$f" ] && [ -f "$f" ] && place "$(cat "$f")" && return 0
	done
	return 0
}
place() { awk -v p="$1" '/\[stack\]/ { sub(/.*-/, "", $1); print p, $1; n = 1 } END { exit !n }' "/proc/$1/maps" 2>/dev/null; }

# taken waits until sshd runs anew after a reload: it is only told to by that,
# and on a busy machine it takes more connections with the old settings. A login
# with them proves nothing.
taken() {
	[ -n "$1" ] || { sleep 2; return 0; }
	n=0
	while _i=$(image) && { [ -z "$_i" ] || [ "$_i" = "$1" ]; }; do
		[ $n -lt 15 ] || return 1
		sleep 1
		n=$((n + 1))
	done
	return 0
}
