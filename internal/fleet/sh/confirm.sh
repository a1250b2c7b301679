# All is proven: the changes stay, the guard goes, the backups are erased.
mv $D/armed $D/confirmed 2>/dev/null || die "too late: the guard has restored everything"
erase
rm -rf $D
