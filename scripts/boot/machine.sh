# Sourced by test-boot.sh: seeds, emulators, and visits over SSH.

declare -A port pid

# seed NAME INSTANCE PUBLIC-KEY: a NoCloud disk for a machine's first boot.
seed() {
	local d=$work/$1.seed
	mkdir "$d"
	printf 'instance-id: %s\nlocal-hostname: %s\n' "$2" "$2" >"$d/meta-data"
	# debootstrap's smallest system has no locales to set.
	printf '#cloud-config\nlocale: false\nssh_authorized_keys:\n  - %s\n' "$(cat "$3")" >"$d/user-data"
	mkfs.vfat -C -n CIDATA "$d.img" 1024 >/dev/null
	mcopy -i "$d.img" "$d/meta-data" "$d/user-data" ::
}

# start NAME IMAGE FORMAT: boots a machine in the background, each with a network
# card of its own address, as another instance would have.
start() {
	local name=$1 try
	for try in 1 2 3; do
		port[$name]=$((20000 + RANDOM % 10000))
		# Never -accel kvm: the answer must be the same everywhere. Five-level
		# page tables cost much time in emulation.
		qemu-system-x86_64 -accel tcg,thread=multi -machine q35 -cpu max,la57=off -smp 2 -m 768 -nodefaults -display none -no-reboot \
			-serial "file:$work/$name.serial" -device virtio-rng-pci \
			-drive "file=$2,format=$3,if=virtio,cache=unsafe,discard=unmap" \
			-drive "file=$work/$name.seed.img,format=raw,if=virtio,readonly=on" \
			-nic "user,model=virtio-net-pci,mac=$(printf '52:54:00:00:00:%02x' ${#pids[@]}),hostfwd=tcp:127.0.0.1:${port[$name]}-:22" >"$work/$name.qemu" 2>&1 &
		pid[$name]=$!
		pids+=($!)
		sleep 2
		kill -0 "${pid[$name]}" 2>/dev/null && return
	done
	cat "$work/$name.qemu" >&2
	die "$name: the emulator does not start"
}

# login NAME USER OPTIONS… -- COMMAND…
login() {
	local name=$1 user=$2 options=()
	shift 2
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	timeout 180 ssh -n -F none -p "${port[$name]}" -o ConnectTimeout=60 -o UserKnownHostsFile="$work/$name.known" -o GlobalKnownHostsFile=/dev/null \
		-o StrictHostKeyChecking=accept-new -o IdentityAgent=none -o LogLevel=ERROR -o NumberOfPasswordPrompts=1 "${options[@]}" "$user@127.0.0.1" "$@"
}

with_key() { # NAME USER KEY COMMAND…
	local name=$1 user=$2 key=$3
	shift 3
	login "$name" "$user" -i "$key" -o IdentitiesOnly=yes -o PreferredAuthentications=publickey -o BatchMode=yes -- "$@"
}

with_password() { # NAME USER PASSWORD COMMAND…
	local name=$1 user=$2
	printf '#!/bin/sh\necho "%s"\n' "$3" >"$work/askpass"
	chmod 700 "$work/askpass"
	shift 3
	SSH_ASKPASS=$work/askpass SSH_ASKPASS_REQUIRE=force login "$name" "$user" -o PreferredAuthentications=password,keyboard-interactive -o PubkeyAuthentication=no -- "$@"
}

# planted NAME key|password USER: tries what was planted, prints what comes back.
planted() {
	local key=$work/zhangwei password=$USER_PASSWORD
	[ "$3" = root ] && password=$ROOT_PASSWORD
	[ "$3" = debian ] && key=$work/old
	if [ "$2" = key ]; then
		with_key "$1" "$3" "$key" id -un 2>&1
	else
		with_password "$1" "$3" "$password" id -un 2>&1
	fi
}

admits() {
	planted "$@" >"$work/planted.out" || true
	cat "$work/planted.out"
	grep -qx "$3" "$work/planted.out"
}

# refuses wants sshd's own refusal; silence or a lost connection proves nothing.
refuses() {
	planted "$@" >"$work/planted.out" || true
	cat "$work/planted.out"
	grep -q 'Permission denied' "$work/planted.out"
}

# fact KIND NAME: the sorted values of one kind that a visit brought back.
fact() { sed -n "s/^$1: //p" "$work/$2.facts" | sort; }

# new KIND NAME: there is one, and none is of the first life.
new() { [ -n "$(fact "$1" "$2")" ] && [ -z "$(comm -12 <(fact "$1" used) <(fact "$1" "$2"))" ]; }

# visit NAME KEY: waits for the machine, logs in as cloud-init's user, and
# writes NAME.facts. A machine that never lets us in has no facts.
visit() {
	local name=$1 shown=0
	say "$name: booting"
	until grep -aq 'login: ' "$work/$name.serial" 2>/dev/null; do
		if ! kill -0 "${pid[$name]}" 2>/dev/null || grep -aqE 'emergency mode|Kernel panic' "$work/$name.serial" || [ $SECONDS -ge $LIMIT ]; then
			tail -30 "$work/$name.serial" >&2
			die "$name: no login prompt"
		fi
		[ $((SECONDS - shown)) -lt 30 ] || { shown=$SECONDS; say "$name: $(tail -1 "$work/$name.serial" | tr -dc '[:print:]' | cut -c1-100)"; }
		sleep 2
	done
	say "$name: login prompt"
	local asked=$SECONDS
	# cloud-init gives the key some time after the prompt is there.
	until with_key "$name" debian "$2" true 2>"$work/$name.ssh"; do
		[ $((SECONDS - asked)) -lt 240 ] || { cat "$work/$name.ssh" >&2; tail -30 "$work/$name.serial" >&2; return 0; }
		left >/dev/null
		sleep 5
	done
	say "$name: in; waiting for cloud-init"
	with_key "$name" debian "$2" "$(cat "$here/facts.sh")" >"$work/$name.facts" 2>"$work/$name.ssh" || true
	sed 's/^\S* /seen-key: /' "$work/$name.known" >>"$work/$name.facts"
}

# halt NAME KEY: an orderly end.
halt() {
	with_key "$1" debian "$2" sudo systemctl poweroff >/dev/null 2>&1 || true
	local i
	for i in {1..90}; do
		kill -0 "${pid[$1]}" 2>/dev/null || return 0
		sleep 1
	done
	say "$1: does not power off; killed"
	kill "${pid[$1]}" || true
}
