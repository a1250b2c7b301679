# Removes keys. Standard input: "F path", then "K blob" for each key to remove
# from it, and so on.
begin
strip() {
	[ -n "$path" ] || return 0
	awk 'NR == FNR { gone[$1]; next }
		{ keep = 1; n = split($0, f, /[ \t\r]+/); for (i = 1; i <= n; i++) if (f[i] in gone) keep = 0; if (keep) print }' $D/blobs "$path" >$D/new &&
		put "$path" "$path" <$D/new || die "$path cannot be written"
}
path=
while read -r kind rest; do
	case $kind in
	F) strip; path=$rest; : >$D/blobs || die "no room" ;;
	K) printf '%s\n' "$rest" >>$D/blobs || die "no room" ;;
	esac
done
strip
