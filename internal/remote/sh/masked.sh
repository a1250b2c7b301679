# The probe for a channel whose output others can read: who may log in and how,
# without a hash, a secret or the content of a private file. Same format as
# probe.sh.
set -f
LC_ALL=C; export LC_ALL
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin:$PATH; export PATH
umask 077
T=$(mktemp -d /run/assay-probe.XXXXXX 2>/dev/null || mktemp -d /tmp/assay-probe.XXXXXX) || exit 73
trap 'rm -rf "$T"' EXIT
put() { mkdir -p "$T${1%/*}" && cat >"$T$1"; }
copy() { [ -f "$1" ] && head -c 262144 "$1" | put "$1"; }
# A hash becomes its scheme and the word masked: what kind it is, no more.
mask='{ h = $2; sub(/^[!*]+/, "", h); lock = substr($2, 1, length($2) - length(h))
	if (h ~ /^\$/) { split(h, p, "$"); h = "$" p[2] "$masked$masked" } else if (h != "") h = "$1$masked$masked"
	$2 = lock h; print }'
for f in /etc/shadow /etc/gshadow; do [ -f $f ] && awk -F: -v OFS=: "$mask" $f | put $f; done
[ -f /etc/passwd ] && awk -F: -v OFS=: '{ if ($2 != "" && $2 != "x" && $2 !~ /^[!*]/) $2 = "$1$masked$masked"; print }' /etc/passwd | put /etc/passwd
for f in /etc/group /etc/login.defs /etc/os-release /usr/lib/os-release /etc/image-id /etc/hostname /etc/nsswitch.conf /etc/subuid /etc/subgid \
	/etc/ssh/sshd_config /etc/default/ssh /etc/sysconfig/sshd /etc/sudoers; do copy $f; done
set +f
for f in /etc/ssh/sshd_config.d/*.conf /etc/sudoers.d/* /usr/lib/sysusers.d/*.conf; do copy "$f"; done
set -f
[ -f /etc/cloud/cloud.cfg ] && grep -v -i 'passw\|secret\|token\|key:' /etc/cloud/cloud.cfg | put /etc/cloud/cloud.cfg
# Public keys are no secrets; what options run or set may be.
awk -F: '$6 ~ /^\// {print $6}' /etc/passwd | sort -u | while IFS= read -r h; do
	for d in "$h" "$h/.ssh"; do [ -d "$d" ] && mkdir -p "$T$d"; done
	for f in "$h/.ssh/authorized_keys" "$h/.ssh/authorized_keys2"; do
		[ -f "$f" ] && head -c 65536 "$f" | sed 's/\(command\|environment\)="[^"]*"/\1="masked"/g' | put "$f"
	done
done
echo "assay-probe 1"
for f in /usr/sbin/sshd /usr/bin/cloud-init; do [ -e $f ] && echo "f $f"; done
echo "--tar--"
cd "$T" && tar -c -f - . 2>/dev/null | gzip -9
