package guest

// base are the accounts and groups that a family's base system is delivered
// with, as "name:id name:id …". An account counts as the distribution's only
// with the same name and the same id.
//
// Sources: base-passwd's passwd.master and group.master (Debian 6 to 13), the
// passwd, group and uidgid files of the setup package (EL 5 to 10, Fedora,
// openEuler, Anolis and Alibaba Cloud Linux take them over), alpine-baselayout
// 3.1 to 3.7, system-user-* of SUSE, filesystem of Arch.
var base = map[string]struct{ users, groups string }{
	"debian": {
		"root:0 daemon:1 bin:2 sys:3 sync:4 games:5 man:6 lp:7 mail:8 news:9 uucp:10 proxy:13 www-data:33 backup:34 list:38 irc:39 " +
			"gnats:41 _apt:42 nobody:65534",
		"root:0 daemon:1 bin:2 sys:3 adm:4 tty:5 disk:6 lp:7 mail:8 news:9 uucp:10 man:12 proxy:13 kmem:15 dialout:20 fax:21 voice:22 " +
			"cdrom:24 floppy:25 tape:26 sudo:27 audio:29 dip:30 www-data:33 backup:34 operator:37 list:38 irc:39 src:40 gnats:41 shadow:42 " +
			"utmp:43 video:44 sasl:45 plugdev:46 staff:50 games:60 users:100 nogroup:65534",
	},
	"rhel": {
		"root:0 bin:1 daemon:2 adm:3 lp:4 sync:5 shutdown:6 halt:7 mail:8 news:9 uucp:10 operator:11 games:12 gopher:13 ftp:14 " +
			"nobody:99 nobody:65534 vcsa:69 haldaemon:68",
		"root:0 bin:1 daemon:2 sys:3 adm:4 tty:5 disk:6 lp:7 mem:8 kmem:9 wheel:10 cdrom:11 mail:12 uucp:14 man:15 dialout:18 floppy:19 " +
			"games:20 video:39 dip:40 tape:33 ftp:50 lock:54 audio:63 users:100 nobody:99 nobody:65534 utmp:22 utempter:35 nogroup:65534",
	},
	"alpine": {
		"root:0 bin:1 daemon:2 adm:3 lp:4 sync:5 shutdown:6 halt:7 mail:8 news:9 uucp:10 operator:11 man:13 postmaster:14 cron:16 ftp:21 " +
			"sshd:22 at:25 squid:31 xfs:33 games:35 postgres:70 cyrus:85 vpopmail:89 ntp:123 smmsp:209 guest:405 nobody:65534",
		"root:0 bin:1 daemon:2 sys:3 adm:4 tty:5 disk:6 lp:7 mem:8 kmem:9 wheel:10 floppy:11 mail:12 news:13 uucp:14 man:15 cron:16 " +
			"console:17 audio:18 cdrom:19 dialout:20 ftp:21 sshd:22 input:23 at:25 tape:26 video:27 netdev:28 readproc:30 squid:31 xfs:33 " +
			"kvm:34 games:35 shadow:42 postgres:70 cdrw:80 www-data:82 usb:85 vpopmail:89 users:100 ntp:123 nofiles:200 smmsp:209 " +
			"locate:245 abuild:300 utmp:406 ping:999 nogroup:65533 nobody:65534",
	},
	"suse": {
		"root:0 bin:1 daemon:2 lp:4 mail:8 news:9 uucp:10 games:12 man:13 wwwrun:30 ftp:40 nobody:65534 nobody:65533",
		"root:0 bin:1 daemon:2 sys:3 tty:5 disk:6 lp:7 www:8 kmem:9 wheel:10 mail:12 news:13 uucp:14 shadow:15 dialout:16 audio:17 " +
			"floppy:19 cdrom:20 console:21 utmp:22 public:32 video:33 games:40 xok:41 trusted:42 modem:43 ftp:49 lock:54 man:62 users:100 " +
			"nobody:65533 nogroup:65534",
	},
	"arch": {
		"root:0 bin:1 daemon:2 mail:8 ftp:14 http:33 dbus:81 nobody:65534 uuidd:68",
		"root:0 sys:3 mem:8 ftp:11 mail:12 log:19 smmsp:25 proc:26 games:50 lock:54 network:90 floppy:94 scanner:96 power:98 nobody:65534 " +
			"adm:999 wheel:998 kmem:997 tty:5 utmp:996 audio:995 disk:994 input:993 kvm:992 lp:991 optical:990 render:989 storage:987 " +
			"uucp:986 video:985 users:984 bin:1 daemon:2 http:33 dbus:81 uuidd:68",
	},
}

// families tells which line of base an os-release ID or ID_LIKE belongs to.
var families = map[string]string{
	"debian": "debian", "ubuntu": "debian", "uos": "debian", "deepin": "debian", "kali": "debian", "raspbian": "debian",
	"rhel": "rhel", "fedora": "rhel", "centos": "rhel", "rocky": "rhel", "almalinux": "rhel", "ol": "rhel", "amzn": "rhel",
	"alinux": "rhel", "anolis": "rhel", "openeuler": "rhel", "kylin": "rhel", "tencentos": "rhel", "opencloudos": "rhel", "hce": "rhel",
	"scientific": "rhel", "euleros": "rhel", "ctyunos": "rhel",
	"alpine": "alpine", "suse": "suse", "opensuse": "suse", "sles": "suse", "sled": "suse", "opensuse-leap": "suse", "opensuse-tumbleweed": "suse",
	"arch": "arch",
}

// byAgents are accounts that a cloud agent makes when it runs.
var byAgents = map[string]string{"ecs-assist-user": "aliyun-assist"}
