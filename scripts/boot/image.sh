# Sourced by test-boot.sh: makes the careless machine's disk, $work/used.raw.

# Sectors of 512 bytes.
ESP_AT=2048 ESP_LEN=65536
ROOT_AT=67584 ROOT_LEN=3145728
SWAP_AT=3213312 SWAP_LEN=131072
DISK_LEN=3346432

# Unlike each other and anything a distribution ships, so that a search of the
# whole copy is a proof.
ROOT_PASSWORD=Old-Pa55word-of-root
USER_PASSWORD=Old-Pa55word-of-zhangwei
SECRETS=(LTAI5tQmBzVk3nXw8JdPsGhR kZ83hPq0LmWx7Yt5Rv2Jb9Nc4Sd6Fg Tr0ub4dor3-in-history secret-of-a-deleted-file secret-in-swap)

PACKAGES=linux-image-cloud-amd64,initramfs-tools,systemd-sysv,udev,dbus,openssh-server,cloud-init,sudo,iproute2,netplan.io,e2fsprogs,login,passwd,python3-cffi-backend

# secrets FILE: those of the planted secrets that stand anywhere in its bytes.
secrets() {
	local args=() s
	for s in "${SECRETS[@]}" "$(sed -n 4p "$work/zhangwei")"; do
		args+=(-e "$s")
	done
	LC_ALL=C grep -aoF "${args[@]}" "$1" | sort -u
}

make_image() {
	local key
	for key in old new zhangwei; do
		ssh-keygen -q -t ed25519 -N '' -C "$key@builder" -f "$work/$key"
	done
	local tree=${BOOT_TREE:-$work/tree}
	if [ -z "${BOOT_TREE:-}" ]; then
		say "debootstrap bookworm from $MIRROR"
		timeout "$(left)" debootstrap --variant=minbase --include=$PACKAGES bookworm "$tree" "$MIRROR" >"$work/debootstrap.log" 2>&1 ||
			{ tail -5 "$work/debootstrap.log" >&2; die "debootstrap"; }
	fi
	say "partitions, file systems, boot loader"
	local disk=$work/used.raw
	truncate -s $((DISK_LEN * 512)) "$disk"
	sfdisk -q "$disk" <<-EOF
		label: gpt
		start=$ESP_AT, size=$ESP_LEN, type=U
		start=$ROOT_AT, size=$ROOT_LEN, type=L, attrs=LegacyBIOSBootable
		start=$SWAP_AT, size=$SWAP_LEN, type=S
	EOF
	dd if=/usr/lib/EXTLINUX/gptmbr.bin of="$disk" bs=440 count=1 conv=notrunc status=none
	device "$disk" $((ESP_AT * 512)) $((ESP_LEN * 512))
	mkfs.vfat -n EFI "$dev" >/dev/null
	device "$disk" $((SWAP_AT * 512)) $((SWAP_LEN * 512))
	mkswap -q "$dev"
	swap=$(blkid -s UUID -o value "$dev")
	printf 'secret-in-swap' | dd of="$dev" bs=4096 seek=300 conv=notrunc status=none
	device "$disk" $((ROOT_AT * 512)) $((ROOT_LEN * 512))
	# extlinux reads no ext4 of 64-bit block numbers.
	mkfs.ext4 -q -O ^64bit "$dev"
	uuid=$(blkid -s UUID -o value "$dev")
	root=$work/mnt
	mkdir "$root"
	mount "$dev" "$root"
	mounts+=("$root")
	cp -a "$tree/." "$root/"
	[ -n "${BOOT_TREE:-}" ] || rm -rf "$tree"
	rm -rf "$root"/var/cache/apt/archives/*.deb
	system
	careless
	extlinux --install "$root/boot/extlinux" >/dev/null 2>&1
	printf '%s' secret-of-a-deleted-file{1..20000} >"$root/root/dump.sql"
	sync -f "$root"
	rm "$root/root/dump.sql"
	release
}

# system makes the tree a machine: what an installer does.
system() {
	cat >"$root/etc/fstab" <<-EOF
		UUID=$uuid / ext4 defaults 0 1
		UUID=$swap none swap sw 0 0
	EOF
	echo web-7 >"$root/etc/hostname"
	echo "127.0.0.1 localhost web-7" >"$root/etc/hosts"
	rm -f "$root/etc/resolv.conf"
	mkdir -p "$root/boot/extlinux"
	local kernel
	kernel=$(basename "$root"/boot/vmlinuz-*)
	[ -e "$root/boot/initrd.img-${kernel#vmlinuz-}" ] || chroot "$root" update-initramfs -c -k "${kernel#vmlinuz-}" >/dev/null
	cat >"$root/boot/extlinux/extlinux.conf" <<-EOF
		SERIAL 0 115200
		DEFAULT linux
		LABEL linux
		  LINUX /boot/$kernel
		  INITRD /boot/initrd.img-${kernel#vmlinuz-}
		  APPEND root=UUID=$uuid ro console=ttyS0,115200 mitigations=off
	EOF
	chroot "$root" systemctl -q enable systemd-networkd
	# Slow under emulation, and no part of the question.
	local unit
	for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer dpkg-db-backup.timer; do
		ln -sf /dev/null "$root/etc/systemd/system/$unit"
	done
	printf 'datasource_list: [NoCloud, None]\n' >"$root/etc/cloud/cloud.cfg.d/90-datasource.cfg"
	printf 'apt:\n  preserve_sources_list: true\n' >"$root/etc/cloud/cloud.cfg.d/91-apt.cfg"
}

# careless plants what an administrator leaves.
careless() {
	printf 'PermitRootLogin yes\nPasswordAuthentication yes\n' >"$root/etc/ssh/sshd_config.d/10-easy.conf"
	printf 'disable_root: false\n' >"$root/etc/cloud/cloud.cfg.d/92-root.cfg"
	chroot "$root" useradd -m -s /bin/bash -G sudo zhangwei
	local hashes=("$(openssl passwd -6 "$ROOT_PASSWORD")" "$(openssl passwd -6 "$USER_PASSWORD")")
	usermod -R "$root" -p "${hashes[0]}" root
	usermod -R "$root" -p "${hashes[1]}" zhangwei
	SECRETS+=("${hashes[@]}")
	echo 'zhangwei ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/zhangwei"
	chmod 440 "$root/etc/sudoers.d/zhangwei"
	local home
	for home in root home/zhangwei; do
		install -d -m 700 "$root/$home/.ssh" "$root/$home/.aliyun"
		install -m 600 "$work/zhangwei.pub" "$root/$home/.ssh/authorized_keys"
		echo '{"current":"default","profiles":[{"name":"default","mode":"AK","access_key_id":"LTAI5tQmBzVk3nXw8JdPsGhR","access_key_secret":"kZ83hPq0LmWx7Yt5Rv2Jb9Nc4Sd6Fg","region_id":"cn-hangzhou"}]}' >"$root/$home/.aliyun/config.json"
		echo 'mysql -uroot -pTr0ub4dor3-in-history shop' >"$root/$home/.bash_history"
	done
	install -m 600 "$work/zhangwei" "$root/home/zhangwei/.ssh/id_ed25519"
	chroot "$root" chown -R zhangwei: /home/zhangwei
	chroot "$root" ssh-keygen -A >/dev/null
	[ -s "$root/etc/machine-id" ] || echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
}
