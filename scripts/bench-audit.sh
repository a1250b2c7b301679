#!/usr/bin/env bash
# make bench-audit: audits a large account on the double (10,000 images, 50,000
# snapshots, 20,000 instances), three times, and prints the medians: API calls,
# seconds, CPU seconds of the audit (user and system), peak memory.
set -eu
mkdir -p demo
bin/assay double --large --listen 127.0.0.1:0 >demo/large.log &
double=$!
trap 'kill $double 2>/dev/null || true' EXIT
for _ in $(seq 300); do grep -q '^assay audit' demo/large.log && break; sleep 0.1; done
endpoint=$(sed -n 's/^ENDPOINT=//p' demo/large.log)
eval "$(grep -A1 'user auditor$' demo/large.log | grep '^export')"
export ALIBABA_CLOUD_ECS_METADATA_DISABLED=true
: >demo/large.times
for _ in 1 2 3; do
	code=0
	/usr/bin/env python3 - "$endpoint" <<'P' >>demo/large.times || code=$?
import json, os, resource, subprocess, sys, time
began = time.time()
p = subprocess.run(["bin/assay", "audit", "--no-progress", "--format", "json", "--endpoint", sys.argv[1]], stdout=subprocess.PIPE)
took = time.time() - began
r = resource.getrusage(resource.RUSAGE_CHILDREN)
found, account = 0, {}
for line in p.stdout.splitlines():
    m = json.loads(line)
    found += "finding" in m
    account = m.get("inventory", {}).get("account", account)
assert p.returncode == 3 and account["images"] >= 10000 and account["snapshots"] >= 50000 and account["instances"] >= 20000, (p.returncode, account)
print(account["calls"], "%.1f" % took, "%.2f" % (r.ru_utime + r.ru_stime), r.ru_maxrss // 1024, found)
P
	[ $code -eq 0 ] || exit 1
done
median() { sort -n -k"$1" demo/large.times | awk -v k="$1" 'NR == 2 { print $k }'; }
echo "| audit of 10,000 images, 50,000 snapshots, 20,000 instances on the double, medians of 3 | |"
echo "|---|---|"
echo "| API calls | $(median 1) |"
echo "| seconds | $(median 2) |"
echo "| CPU seconds of assay | $(median 3) |"
echo "| peak memory of assay | $(median 4) MiB |"
echo "| findings | $(median 5) |"
