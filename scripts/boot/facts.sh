# Run on the machine, over SSH: what there is to know, one fact a line.
timeout 150 cloud-init status --wait --long | sed 's/^\.*//'
systemctl --failed --plain --no-legend | sed 's/ .*//; s/^/failed: /'
sed 's/^/machine-id: /' /etc/machine-id
cut -d' ' -f2 /etc/ssh/ssh_host_*_key.pub | sed 's/^/host-key: /'
sed 1d /proc/swaps | sed 's/^/swap: /'
sudo -n id -un | sed 's/^/sudo: /'
getent passwd | awk -F: '$3 >= 1000 || $3 == 0 {print "user: " $1}'
sudo -n grep -hoE '^[a-z]+ +ALL=.*' -r /etc/sudoers /etc/sudoers.d | sed 's/^/rule: /'
echo "boot: $(systemd-analyze 2>/dev/null | head -1)"
