#!/usr/bin/env bash
# make demo: a careless image, from inspection to a signed statement.
set -eu
img=demo/web-server.img
clean=demo/clean.qcow2
mkdir -p demo
rm -f "$clean" "$clean.intoto.jsonl" demo/assay.key demo/assay.key.pub
go run ./internal/demo -o "$img"
if command -v qemu-img >/dev/null; then
	qemu-img convert -f raw -O qcow2 -c "$img" demo/web-server.qcow2
	img=demo/web-server.qcow2
fi

# step NAME EXIT COMMAND: shows the command, runs it, wants its exit code.
step() {
	local name=$1 want=$2 code=0
	shift 2
	printf '\n== %s\n$ %s\n\n' "$name" "${*/#bin\/assay/assay}"
	"$@" || code=$?
	[ $code -eq "$want" ] || { echo "expected exit $want, got $code" >&2; exit 1; }
}

# The image is dirty on purpose: findings are exit 3.
step "1. What is in it?" 3 bin/assay inspect "$img" --report demo/report.html --report demo/report.json "$@"
# Everything safe is done unasked; these are the decisions of a person.
step "2. A clean copy" 0 bin/assay clean "$img" -o "$clean" --redact \
	--remove-user deploy --remove-user zhangwei --remove-user backdoor \
	--remove any/data --remove /opt/shop/.git --remove linux/account/sudo-rules \
	--report demo/before-after.html "$@"
step "3. Is it clean?" 0 bin/assay inspect "$clean" "$@"
step "4. Sign it" 0 bin/assay keygen demo/assay.key --no-passphrase
step "" 0 bin/assay certify "$clean" --key demo/assay.key "$@"
step "5. Somebody else checks it" 0 bin/assay verify "$clean" --pub demo/assay.key.pub --max-age 30d

echo
echo "report:        $PWD/demo/report.html"
echo "before, after: $PWD/demo/before-after.html"
