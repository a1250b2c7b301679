package winapi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// System is the Windows that this process runs on.
func System() API { return system{} }

type system struct{}

// found turns what Windows says of missing things into ErrNotFound.
func found(err error) error {
	for _, e := range []windows.Errno{windows.ERROR_FILE_NOT_FOUND, windows.ERROR_PATH_NOT_FOUND, windows.ERROR_NOT_FOUND, windows.ERROR_NO_SUCH_USER} {
		if errors.Is(err, e) {
			return fmt.Errorf("%w: %w", ErrNotFound, err)
		}
	}
	return err
}

// SystemDrive implements API.
func (system) SystemDrive() string {
	dir, err := windows.GetSystemWindowsDirectory()
	if err != nil {
		return "C:"
	}
	return filepath.VolumeName(dir)
}

// privileges are the rights to read and write past access lists and to manage
// the security log ([MS-LSAD] 3.1.1.2.1).
var privileges = []string{"SeBackupPrivilege", "SeRestorePrivilege", "SeSecurityPrivilege"}

// Privileges implements API.
func (system) Privileges() error {
	var token windows.Token
	if err := windows.OpenProcessToken(windows.CurrentProcess(), windows.TOKEN_ADJUST_PRIVILEGES|windows.TOKEN_QUERY, &token); err != nil {
		return err
	}
	defer token.Close()
	var all error
	for _, name := range privileges {
		if err := enable(token, name); err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %w", name, err))
		}
	}
	return all
}

func enable(token windows.Token, name string) error {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return err
	}
	t := windows.Tokenprivileges{PrivilegeCount: 1}
	t.Privileges[0].Attributes = windows.SE_PRIVILEGE_ENABLED
	if err := windows.LookupPrivilegeValue(nil, p, &t.Privileges[0].Luid); err != nil {
		return err
	}
	// The call succeeds without the right: only the state afterwards tells.
	if err := windows.AdjustTokenPrivileges(token, false, &t, 0, nil, nil); err != nil {
		return err
	}
	has, err := holds(token, t.Privileges[0].Luid)
	if err == nil && !has {
		return windows.ERROR_NOT_ALL_ASSIGNED
	}
	return err
}

// holds reports whether a privilege is enabled in a token.
func holds(token windows.Token, want windows.LUID) (bool, error) {
	b := make([]byte, 4096) // some 36 privileges of 12 bytes
	var n uint32
	if err := windows.GetTokenInformation(token, windows.TokenPrivileges, &b[0], uint32(len(b)), &n); err != nil {
		return false, err
	}
	t := (*windows.Tokenprivileges)(unsafe.Pointer(&b[0]))
	for _, p := range t.AllPrivileges() {
		if p.Luid == want {
			return p.Attributes&windows.SE_PRIVILEGE_ENABLED != 0, nil
		}
	}
	return false, nil
}

// Hives implements API. Source: the value names and data of
// HKLM\SYSTEM\CurrentControlSet\Control\hivelist, which the kernel keeps.
func (s system) Hives() ([]Hive, error) {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, `SYSTEM\CurrentControlSet\Control\hivelist`, registry.QUERY_VALUE)
	if err != nil {
		return nil, found(err)
	}
	defer k.Close()
	names, err := k.ReadValueNames(0)
	if err != nil {
		return nil, err
	}
	device, err := s.device()
	if err != nil {
		return nil, err
	}
	var out []Hive
	for _, name := range names {
		file, _, err := k.GetStringValue(name)
		if err != nil || len(file) <= len(device) || !strings.EqualFold(file[:len(device)], device) {
			continue
		}
		if key, ok := fullName(name); ok {
			out = append(out, Hive{key, strings.ReplaceAll(file[len(device):], `\`, "/")})
		}
	}
	return out, nil
}

// fullName turns the kernel's name of a key into Win32's. Hives of applications
// (\REGISTRY\A, \REGISTRY\WC) have none.
func fullName(name string) (string, bool) {
	for kernel, win32 := range map[string]string{`\REGISTRY\MACHINE\`: `HKLM\`, `\REGISTRY\USER\`: `HKU\`} {
		if len(name) > len(kernel) && strings.EqualFold(name[:len(kernel)], kernel) {
			return win32 + name[len(kernel):], true
		}
	}
	return "", false
}

// device is the kernel's name of the system's drive: \Device\HarddiskVolume3.
func (s system) device() (string, error) {
	drive, err := windows.UTF16PtrFromString(s.SystemDrive())
	if err != nil {
		return "", err
	}
	b := make([]uint16, windows.MAX_PATH)
	if _, err := windows.QueryDosDevice(drive, &b[0], uint32(len(b))); err != nil {
		return "", err
	}
	return windows.UTF16ToString(b), nil
}

// privateACL lets SYSTEM and Administrators in, and nobody else; it is
// inherited by what is made inside ([MS-DTYP] 2.5.1).
const privateACL = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"

// PrivateDir implements API.
func (system) PrivateDir() (string, error) {
	sd, err := windows.SecurityDescriptorFromString(privateACL)
	if err != nil {
		return "", err
	}
	sa := windows.SecurityAttributes{SecurityDescriptor: sd}
	sa.Length = uint32(unsafe.Sizeof(sa))
	root, err := windows.GetSystemWindowsDirectory()
	if err != nil {
		return "", err
	}
	guid, err := windows.GenerateGUID()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, "Temp", "assay-"+strings.Trim(guid.String(), "{}"))
	p, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return "", err
	}
	if err := windows.CreateDirectory(p, &sa); err != nil {
		return "", &os.PathError{Op: "mkdir", Path: dir, Err: err}
	}
	return dir, nil
}
