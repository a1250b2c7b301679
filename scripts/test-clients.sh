#!/usr/bin/env bash
# Real clients of the cloud ask the double: the official SDKs for Go (the old one
# and the typed ones) and for Node.js, each against a double of its own. None of
# them shares code with assay. What cannot be had (no module proxy, no npm) is
# skipped by name; with ASSAY_REQUIRE=1 a skip is a failure. The aliyun CLI is a
# module that no proxy serves: where an aliyun is on the PATH, it is asked too.
set -u
cd "$(dirname "$0")/.."
here=$PWD/internal/cloud/double/testdata
tmp=$(mktemp -d); pids=
trap 'for p in $pids; do kill "$p" 2>/dev/null; done; rm -rf "$tmp"' EXIT
passed=0 failed=0 skipped=0
skip() { echo "SKIP $1: $2"; skipped=$((skipped + 1)); }

# double NAME starts a fresh one and sets ENDPOINT, ADMIN, BUILDER, GOVERNOR.
double() {
	bin/assay double >"$tmp/$1" 2>&1 &
	pids="$pids $!"
	for _ in $(seq 50); do grep -q ^ENDPOINT "$tmp/$1" && break; sleep 0.1; done
	ENDPOINT=$(sed -n 's/^ENDPOINT=//p' "$tmp/$1")
	secret() { sed -n "s/.*ACCESS_KEY_ID=$1 .*SECRET=//p" "$tmp/$2"; }
	ADMIN=$(secret DoubleAdmin "$1") BUILDER=$(secret DoubleBuilder "$1") GOVERNOR=$(secret DoubleManagement "$1")
}
judge() { # name, exit code
	if [ "$2" -eq 0 ]; then echo "PASS $1"; passed=$((passed + 1)); else echo "FAIL $1"; failed=$((failed + 1)); fi
}

for sdk in oldsdk newsdk; do
	cp -r "$here/$sdk" "$tmp/$sdk.d"
	if ! (cd "$tmp/$sdk.d" && go build -o "../$sdk.bin" . 2>"$tmp/$sdk.err"); then
		if grep -q 'no required module\|dial tcp\|lookup\|Forbidden\|not available\|proxy' "$tmp/$sdk.err"; then skip "$sdk" "its modules cannot be had: $(tail -n 1 "$tmp/$sdk.err")"
		else cat "$tmp/$sdk.err"; judge "$sdk" 1; fi
		continue
	fi
	double "$sdk"
	case $sdk in
	oldsdk) "$tmp/$sdk.bin" "$ENDPOINT" "$ADMIN" "$GOVERNOR" ;;
	newsdk) "$tmp/$sdk.bin" "$ENDPOINT" "$ADMIN" DoubleBuilder "$BUILDER" ;;
	esac
	judge "$sdk (Go)" $?
done

if ! command -v npm >/dev/null; then
	skip nodesdk "no npm"
else
	cp -r "$here/nodesdk" "$tmp/nodesdk.d"
	if ! (cd "$tmp/nodesdk.d" && npm install --ignore-scripts --no-audit --no-fund >"$tmp/npm.err" 2>&1); then
		skip nodesdk "its packages cannot be had: $(tail -n 1 "$tmp/npm.err")"
	else
		double nodesdk
		(cd "$tmp/nodesdk.d" && node main.cjs "$ENDPOINT" "$ADMIN" DoubleBuilder "$BUILDER")
		judge "nodesdk (Node.js, typed and pop-core)" $?
	fi
fi

if ! command -v aliyun >/dev/null; then
	skip "aliyun CLI" "there is none on the PATH"
else
	double cli
	cli() { HOME=$tmp aliyun "$@" --mode AK --access-key-id DoubleAdmin --access-key-secret "$ADMIN" --region cn-hangzhou --endpoint "$ENDPOINT" --insecure 2>&1; }
	cli ecs DescribeImages --ImageOwnerAlias self | grep -q m-careless001 &&
		cli ecs ModifyImageSharePermission --ImageId m-careless004 --AddAccount.1 1000000000000009 | grep -q RequestId &&
		cli ecs ModifyImageSharePermission --ImageId m-careless004 --RemoveAccount.1 1000000000000009 --DryRun true | grep -q DryRunOperation &&
		cli ecs ModifyImageSharePermission --ImageId m-none --AddAccount.1 1 | grep -q InvalidImageId.NotFound &&
		cli ram CreatePolicy --PolicyName cli --PolicyDocument '{"Version":"1","Statement":[{"Effect":"Deny","Action":"ecs:ExportImage","Resource":"*"}]}' | grep -q '"Custom"' &&
		cli ram AttachPolicyToUser --PolicyName cli --PolicyType Custom --UserName builder | grep -q RequestId &&
		cli sts AssumeRole --RoleArn acs:ram::1000000000000001:role/image-pipeline --RoleSessionName cli | grep -q SecurityToken
	judge "aliyun CLI" $?
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && { [ "${ASSAY_REQUIRE:-}" = "" ] || [ "$skipped" -eq 0 ]; }
