# Restores everything now instead of waiting for the guard.
[ -d $D ] || exit 0
fire || die "the guard has restored, or the fix was confirmed"
erase
rm -rf $D
