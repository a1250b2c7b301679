package winapi

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

var (
	advapi32       = windows.NewLazySystemDLL("advapi32.dll")
	regCreateKeyEx = advapi32.NewProc("RegCreateKeyExW")
	regDeleteTree  = advapi32.NewProc("RegDeleteTreeW")
	regSetValueEx  = advapi32.NewProc("RegSetValueExW")
	regSaveKeyEx   = advapi32.NewProc("RegSaveKeyExW")
	regLoadKey     = advapi32.NewProc("RegLoadKeyW")
	regUnLoadKey   = advapi32.NewProc("RegUnLoadKeyW")
)

// Options of keys. Source: winnt.h, winreg.h.
const (
	optionBackupRestore = 4 // REG_OPTION_BACKUP_RESTORE: the access is what SeBackup and SeRestore give
	latestFormat        = 2 // REG_LATEST_FORMAT
	existed             = 2 // REG_OPENED_EXISTING_KEY
)

// split cuts a full name into Win32's root and the rest.
func split(key string) (registry.Key, string, error) {
	root, rest, _ := strings.Cut(key, `\`)
	switch root {
	case "HKLM":
		return registry.LOCAL_MACHINE, rest, nil
	case "HKU":
		return registry.USERS, rest, nil
	}
	return 0, "", fmt.Errorf("%q is no key of HKLM or HKU", key)
}

// privileged opens an existing key past its access list. Only RegCreateKeyEx
// takes the option for that, so a key that it makes is taken away again. The access asked for counts only
// where the option does not.
func privileged(key string) (registry.Key, error) {
	root, rest, err := split(key)
	if err != nil {
		return 0, err
	}
	name, err := windows.UTF16PtrFromString(rest)
	if err != nil {
		return 0, err
	}
	var k windows.Handle
	var disposition uint32
	r, _, _ := regCreateKeyEx.Call(uintptr(root), uintptr(unsafe.Pointer(name)), 0, 0, optionBackupRestore, registry.READ|registry.WRITE|windows.DELETE, 0,
		uintptr(unsafe.Pointer(&k)), uintptr(unsafe.Pointer(&disposition)))
	if r != 0 {
		return 0, found(windows.Errno(r))
	}
	if disposition != existed {
		registry.Key(k).Close()
		return 0, errors.Join(fmt.Errorf("%s: %w", key, ErrNotFound), registry.DeleteKey(root, rest))
	}
	return registry.Key(k), nil
}

// SaveHive implements API.
func (system) SaveHive(key, file string) error {
	k, err := privileged(key)
	if err != nil {
		return err
	}
	defer k.Close()
	name, err := windows.UTF16PtrFromString(file)
	if err != nil {
		return err
	}
	if r, _, _ := regSaveKeyEx.Call(uintptr(k), uintptr(unsafe.Pointer(name)), 0, latestFormat); r != 0 {
		return fmt.Errorf("saving %s: %w", key, windows.Errno(r))
	}
	return nil
}

// OpenOnce implements API.
func (system) OpenOnce(file string) (*os.File, error) {
	name, err := windows.UTF16PtrFromString(file)
	if err != nil {
		return nil, err
	}
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_DELETE
	h, err := windows.CreateFile(name, windows.GENERIC_READ|windows.DELETE, share, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_DELETE_ON_CLOSE, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: file, Err: err}
	}
	return os.NewFile(uintptr(h), file), nil
}

// LoadHive implements API.
func (system) LoadHive(key, file string) error {
	root, rest, err := split(key)
	if err != nil {
		return err
	}
	name, err := windows.UTF16PtrFromString(rest)
	if err != nil {
		return err
	}
	p, err := windows.UTF16PtrFromString(file)
	if err != nil {
		return err
	}
	if r, _, _ := regLoadKey.Call(uintptr(root), uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(p))); r != 0 {
		return found(windows.Errno(r))
	}
	return nil
}

// UnloadHive implements API.
func (system) UnloadHive(key string) error {
	root, rest, err := split(key)
	if err != nil {
		return err
	}
	name, err := windows.UTF16PtrFromString(rest)
	if err != nil {
		return err
	}
	if r, _, _ := regUnLoadKey.Call(uintptr(root), uintptr(unsafe.Pointer(name))); r != 0 {
		return found(windows.Errno(r))
	}
	return nil
}
