# Removes accounts, their own groups and their memberships; homes stay.
# Standard input: names.
begin
cat >$D/names && [ -s $D/names ] || die "no room"
line() { # file: without the lines of these users
	[ -f "$1" ] || return 0
	awk -F: 'NR == FNR { u[$0]; next } !($1 in u)' $D/names "$1" >$D/new && put "$1" "$1" <$D/new || die "$1 cannot be written"
}
members() { # file, field of members: without these users, and without their own groups
	[ -f "$1" ] || return 0
	awk -F: -v OFS=: -v m="$2" 'FILENAME == ARGV[1] { u[$0]; next } FILENAME == ARGV[2] { if (!($1 in u)) used[$4]; next }
		{ if ($1 in u && ($3 in used) == 0 && $m == "") next
		  n = split($m, a, ","); s = ""
		  for (i = 1; i <= n; i++) if (!(a[i] in u)) s = s (s == "" ? "" : ",") a[i]
		  $m = s; print }' $D/names /etc/passwd "$1" >$D/new && [ -s $D/new ] && put "$1" "$1" <$D/new || die "$1 cannot be written"
}
members /etc/group 4
members /etc/gshadow 4
line /etc/passwd
line /etc/shadow
line /etc/subuid
line /etc/subgid
