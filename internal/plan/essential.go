package plan

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// essential are files without which a system does not boot, or nobody can log
// in any more. ECS checks of a custom image that root, shadow and sshd are
// there.
var essential = []string{"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/fstab", "/etc/crypttab", "/etc/sudoers",
	"/etc/ssh/sshd_config", "/etc/nsswitch.conf", "/etc/ld.so.conf", "/etc/ld.so.cache", "/etc/hosts", "/etc/profile", "/etc/bash.bashrc",
	"/etc/default/grub", "/etc/machine-id", "/etc/systemd", "/etc/pam.d", "/etc/selinux", "/etc/cloud/cloud.cfg", "/etc/init.d", "/etc/rc.d"}

// trees are directories that belong to the system as a whole.
var trees = []string{"/boot", "/efi", "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/dev", "/proc", "/sys", "/run"}

// owned are directories below the system's that people fill.
var owned = []string{"/usr/local", "/usr/src"}

// whole are directories of which parts may go, but not all.
var whole = []string{"/", "/etc", "/etc/ssh", "/etc/cloud", "/home", "/root", "/var", "/var/lib", "/var/log", "/var/cache", "/var/spool", "/opt", "/srv", "/tmp", "/var/tmp", "/mnt", "/media", "/var/lib/dpkg", "/var/lib/rpm"}

// windows are the files without which Windows does not start, or forgets who may
// log on: registry hives, of the machine and of users, and the boot loader. They
// are edited, never removed. Their names are compared in lower case.
var windows = []string{"/windows/system32/config/sam", "/windows/system32/config/security", "/windows/system32/config/software",
	"/windows/system32/config/system", "/windows/system32/config/default", "/windows/system32/config/components", "/windows/system32/config/bbi", "/windows/system32/config/drivers",
	"/users/*/ntuser.dat", "/users/*/appdata/local/microsoft/windows/usrclass.dat", "/windows/serviceprofiles/*/ntuser.dat",
	"/bootmgr", "/windows/system32", "/windows/system32/config", "/windows/syswow64", "/windows/winsxs", "/windows/serviceprofiles",
	"/program files", "/program files (x86)", "/programdata/microsoft", "/users/default", "/windows", "/users", "/programdata"}

// ErrEssential says that a path must not be removed.
var ErrEssential = errors.New("the system needs it")

// Essential returns an error when removing what a path or pattern names could
// keep the guest from booting or from letting its owner in.
func Essential(name string) error {
	name, _, _ = strings.Cut(name, "!/") // inside a container
	clean := path.Clean("/" + name)
	if slices.ContainsFunc(owned, func(d string) bool { return strings.HasPrefix(clean, d+"/") }) {
		return nil
	}
	for _, d := range trees {
		if clean == d || strings.HasPrefix(clean, d+"/") || like(clean, d) {
			return fmt.Errorf("%s: %w", name, ErrEssential)
		}
	}
	for _, d := range whole {
		if clean == d || like(clean, d) {
			return fmt.Errorf("%s: %w", name, ErrEssential)
		}
	}
	for _, f := range essential {
		if clean == f || like(clean, f) || strings.HasPrefix(clean, f+"/") && f != "/etc/systemd" {
			return fmt.Errorf("%s: %w", name, ErrEssential)
		}
	}
	lower := strings.ToLower(clean)
	for _, f := range windows {
		if lower == f || like(f, lower) || like(lower, f) {
			return fmt.Errorf("%s: %w", name, ErrEssential)
		}
	}
	return nil
}

// like reports whether a pattern would match a path.
func like(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// Validate reports what the user must not ask for.
func (o Options) Validate() error {
	var errs []error
	for _, r := range o.Remove {
		if !strings.HasPrefix(r, "/") {
			continue
		}
		if _, err := path.Match(r, "/"); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r, err))
			continue
		}
		errs = append(errs, Essential(r))
	}
	for _, u := range o.RemoveUsers {
		if u == "root" {
			errs = append(errs, fmt.Errorf("user root: %w: it is locked, not removed", ErrEssential))
		}
	}
	return errors.Join(errs...)
}
