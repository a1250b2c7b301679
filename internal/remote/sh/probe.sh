# The probe: changes nothing, prints what the checks need to know of this machine.
# First the names of programs ("f /path") and of folders that are too large to
# bring whole ("c /path"), a line "--tar--", then a gzipped tar of the files that
# hold settings, accounts, homes and traces. A path with a newline comes apart
# here and is no file any more; one with a backslash is left out (tar would
# read it as an escape).
set -f
LC_ALL=C; export LC_ALL
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin:$PATH; export PATH
MAX=256 # KiB of one file
for p in tar gzip find awk grep; do
	command -v $p >/dev/null 2>&1 || { echo "the machine has no $p" >&2; exit 69; }
done
roots='/root /home /var/lib/cloud /var/spool/cron /var/spool/at /var/spool/mail /var/mail /usr/local/etc /usr/etc/ssh
/usr/lib/sysusers.d /tmp /var/tmp /usr/local/bin /usr/local/sbin /opt /srv'
homes=$(awk -F: '$6 ~ /^\/[^\/]/ && $6 !~ /^\/(root|home|etc|proc|sys|dev|run|bin|sbin|usr|lib)(\/|$)/ && $6 !~ /^\/(var|var\/(lib|run|cache|spool|mail|tmp)|nonexistent)\/?$/ {print $6}' /etc/passwd 2>/dev/null | grep -v '[^A-Za-z0-9_./@+-]' | sort -u)
keyfiles() { # every file that sshd may read for an account, wherever it lies and however full its home is
	set +f
	{ printf '%s\n' .ssh/authorized_keys .ssh/authorized_keys2
	cat /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf /usr/etc/ssh/sshd_config 2>/dev/null |
		awk 'tolower($1)=="authorizedkeysfile" {for (i = 2; i <= NF; i++) print $i}' | sed 's/"//g'; } |
		awk -F: 'NR == FNR { p[++n] = $0; next } $6 ~ /^\// { for (i = 1; i <= n; i++) { f = p[i]; gsub(/%h/, $6, f); gsub(/%u/, $1, f); if (f !~ /^\//) f = $6 "/" f; print f } }' - /etc/passwd |
		sort -u | while IFS= read -r f; do [ -f "$f" ] && echo "${f%/*}" && echo "$f"; done
	set -f
}
keys=$(set +f; cat /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf 2>/dev/null | awk 'tolower($1)=="authorizedkeysfile" {for (i = 2; i <= NF; i++) print $i}' |
	sed 's/"//g; s/%.*//; s#/[^/]*$##' | grep '^/[A-Za-z0-9_./@+-]*$' | grep -v '^/\(etc\|root\|home\|proc\|sys\|dev\)\(/\|$\)' | sort -u)
programs() {
	for d in /usr/bin /usr/sbin /bin /sbin /usr/libexec /usr/lib/cloud-init /usr/lib/systemd/system-generators /lib/systemd/system-generators; do
		[ -d "$d" ] && [ ! -L "$d" ] && find "$d" -xdev -type f 2>/dev/null | grep '^/' | grep -v '\\' | sed 's/^/f /'
	done
}
few() { # files below $1 of at most $MAX KiB, without caches, until $2 files or $3 bytes; "c $1" when that cuts
	[ -e "$1" ] && find "$1" -xdev -maxdepth 6 \( -name .cache -o -name node_modules -o -path '*/.git/objects' \) -prune -o \
		\( -type d -o -type l -o -type f -size -$((MAX * 2 + 1)) \) -exec stat -c '%s %n' {} + 2>/dev/null |
		awk -v d="$1" -v n="$2" -v m="$3" '{ m -= $1; if (--n < 0 || m < 0) { print "c " d; exit } sub(/^[0-9]* /, ""); print }'
}
many() { # settings of packages, wherever the system keeps them
	for f in /bin /sbin /lib /lib64 /usr/lib/os-release /usr/etc/ssh/sshd_config /var/lib/dpkg/status /lib/apk/db/installed /lib/apk/db/scripts.tar.gz \
		/var/lib/rpm/rpmdb.sqlite /var/lib/rpm/Packages /var/lib/rpm/Packages.db /var/lib/rpm/rpmdb.sqlite-wal \
		/usr/lib/sysimage/rpm/rpmdb.sqlite /usr/lib/sysimage/rpm/Packages.db /usr/lib/sysimage/rpm/rpmdb.sqlite-wal /var/lib/ucf/hashfile; do
		[ -e "$f" ] && echo "$f"
	done
	find /var/lib/dpkg/info -type f \( -name '*.list' -o -name '*.md5sums' -o -name '*.preinst' -o -name '*.postinst' -o -name '*.conffiles' \) 2>/dev/null
	find /usr/lib/systemd/system /lib/systemd/system -xdev \( -type f -o -type l -o -type d \) 2>/dev/null
}
list() {
	keyfiles
	few /etc 20000 67108864
	many
	for d in $roots $homes; do few "$d" 4000 16777216; done
	for d in $keys; do [ -d "$d" ] && find "$d" -xdev -maxdepth 2 -type f -size -129 2>/dev/null; done
}
L=$(list | grep '^c /\|^/' | grep -v '\\' | awk '!seen[$0]++')
echo "assay-probe 1"
programs
printf '%s\n' "$L" | grep '^c '
echo "--tar--"
printf '%s\n' "$L" | grep '^/' | tar -c -f - --no-recursion -T - 2>/dev/null | gzip -1
