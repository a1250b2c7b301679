# Adds the new key to $FILE, whose folder and file are made for $OWNER if need
# be. Standard input: the key's line.
begin
if [ ! -d "${FILE%/*}" ]; then
	mkdir "${FILE%/*}" && chown -h "$OWNER" "${FILE%/*}" || die "${FILE%/*} cannot be made"
	restorecon "${FILE%/*}" 2>/dev/null
fi
if [ -e "$FILE" ]; then
	cat >$D/new && { awk 1 "$FILE" && cat $D/new; } >$D/names && [ -s $D/names ] && put "$FILE" "$FILE" <$D/names || die "$FILE cannot be written"
else
	make "$FILE" "$OWNER" 600 || die "$FILE cannot be written"
fi
