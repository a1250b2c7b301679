# Sets what sshd takes: $HOW is "make" or "put", $FILE the file, standard input
# its content. Then sshd itself says, for every user, whether it took it.
begin
case $HOW in
make) make "$FILE" 0:0 600 || die "$FILE cannot be written" ;;
put) put "$FILE" "$FILE" || die "$FILE cannot be written" ;;
esac
sshd -t >$D/new 2>&1 || die "sshd refuses its settings: $(head -n 3 $D/new)"
for u in $USERS; do
	sshd -T -C "user=$u,host=assay.invalid,addr=192.0.2.1" >$D/new 2>/dev/null || die "sshd -T fails for $u"
	awk -v u="$u" '
		$1 == "passwordauthentication" && $2 != "no" { bad = "a password" }
		($1 == "kbdinteractiveauthentication" || $1 == "challengeresponseauthentication") && $2 != "no" { bad = "keyboard-interactive" }
		$1 == "pubkeyauthentication" && $2 != "yes" { bad = "no key" }
		END { if (bad != "") { print "sshd would still take " bad " from " u; exit 1 } }' $D/new >&2 || exit 1
done
was=$(image)
reload || die "sshd does not reload"
taken "$was" || die "sshd does not read its settings again"
