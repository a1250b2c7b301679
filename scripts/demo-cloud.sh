#!/usr/bin/env bash
# make demo-cloud: a careless company on the double. Audit it, bind the deny
# policies, let the cloud itself say that they block, audit it again, unbind.
set -eu
mkdir -p demo
bin/assay double --listen 127.0.0.1:0 >demo/double.log &
double=$!
trap 'kill $double 2>/dev/null || true' EXIT
for _ in $(seq 100); do
	grep -q '^assay audit' demo/double.log && break
	sleep 0.1
done
endpoint=$(sed -n 's/^ENDPOINT=//p' demo/double.log)
export ALIBABA_CLOUD_ECS_METADATA_DISABLED=true

# as WHO COMMAND: with the credential that the double printed for WHO.
as() {
	local who=$1
	shift
	(
		eval "$(grep -A1 "user $who\$" demo/double.log | grep '^export')"
		"$@" --endpoint "$endpoint"
	)
}
say() { printf '\n\033[1m== %s\033[0m\n' "$1"; }
# finds N COMMAND: run it and want exit code N.
finds() {
	local want=$1 code=0
	shift
	"$@" || code=$?
	[ $code -eq "$want" ] || { echo "expected exit $want, got $code: $*" >&2; exit 1; }
}

say "1. What does the account give away, and who may?"
finds 3 as auditor bin/assay audit --save demo/account.json --report demo/account.html "$@"
say "2. Would the cloud stop builder? Dry runs, nothing is done."
finds 3 as builder bin/assay policy attach --prove
say "3. Bind the denials to the whole Resource Directory, one folder first."
finds 0 as governor bin/assay policy attach --target r-careless --canary fd-careless002 --yes
say "4. Control policies do not reach the management account: its user gets them as RAM policy."
finds 0 as governor bin/assay policy attach --scope user --target user/governor --yes
say "5. Ask the cloud again: admin asks as builder, and learns which policy refused."
mkdir -p demo/home/.aliyun
as builder bash -c 'printf "{\"current\":\"builder\",\"profiles\":[{\"name\":\"builder\",\"mode\":\"AK\",\"access_key_id\":\"%s\",\"access_key_secret\":\"%s\",\"region_id\":\"cn-hangzhou\"}]}" "$ALIBABA_CLOUD_ACCESS_KEY_ID" "$ALIBABA_CLOUD_ACCESS_KEY_SECRET"' >demo/home/.aliyun/config.json
HOME=$PWD/demo/home finds 0 as admin bin/assay policy attach --prove --prove-profile builder
say "6. Who may still share or export, in the management account and in every member?"
finds 0 as governor bin/assay audit --check account/policy
say "7. And back, so that nothing is left of it."
finds 0 as governor bin/assay policy detach --yes
finds 0 as governor bin/assay policy detach --scope user --yes
echo
echo "report:    $PWD/demo/account.html"
echo "snapshot:  $PWD/demo/account.json  (bin/assay audit --snapshot judges it again)"
