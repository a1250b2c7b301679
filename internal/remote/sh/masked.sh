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
# What sshd_config includes from elsewhere, one level deep.
set +f
awk 'tolower($1)=="include" {for (i = 2; i <= NF; i++) print $i}' /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf 2>/dev/null | sed 's/"//g' |
	while IFS= read -r p; do case $p in /*) ;; *) p=/etc/ssh/$p ;; esac; for f in $p; do copy "$f"; done; done
# Public keys are no secrets; what options run or set may be. A line without a
# key stays here, too: the file may be a link to another that nobody may read.
lines() {
	awk '/(ssh-|ecdsa-|sk-)[A-Za-z0-9@.-]*[ \t]+AAAA/ { print; next } { print "" }' |
		sed 's/\(command\|environment\)="\([^"\\]\|\\.\)*"/\1="masked"/g'
}
# Every file that AuthorizedKeysFile may mean, for every account:
awk -F: '$6 ~ /^\// {print $6}' /etc/passwd | sort -u | while IFS= read -r h; do
	for d in "$h" "$h/.ssh"; do [ -d "$d" ] && mkdir -p "$T$d"; done
done
{ printf '%s\n' .ssh/authorized_keys .ssh/authorized_keys2
grep -rihs '^[[:space:]]*authorizedkeysfile' "$T" | awk 'tolower($1)=="authorizedkeysfile" {for (i = 2; i <= NF; i++) print $i}' | sed 's/"//g'; } |
	awk -F: 'NR == FNR { p[++n] = $0; next } $6 ~ /^\// { for (i = 1; i <= n; i++) { f = p[i]; gsub(/%h/, $6, f); gsub(/%u/, $1, f); if (f !~ /^\//) f = $6 "/" f; print f } }' - /etc/passwd |
	sort -u | while IFS= read -r f; do
		[ -f "$f" ] && head -c 65536 "$f" | lines | put "$f"
	done
set -f
echo "assay-probe 1"
for f in /usr/sbin/sshd /usr/bin/cloud-init; do [ -e $f ] && echo "f $f"; done
echo "--tar--"
cd "$T" && tar -c -f - . 2>/dev/null | gzip -9
