package winapi

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// Values implements API.
func (system) Values(key string) ([]string, error) {
	k, err := privileged(key)
	if err != nil {
		return nil, err
	}
	defer k.Close()
	return k.ReadValueNames(0)
}

// Keys implements API.
func (system) Keys(key string) ([]string, error) {
	k, err := privileged(key)
	if err != nil {
		return nil, err
	}
	defer k.Close()
	return k.ReadSubKeyNames(0)
}

// Value implements API.
func (system) Value(key, name string) ([]byte, error) {
	k, err := privileged(key)
	if err != nil {
		return nil, err
	}
	defer k.Close()
	n, _, err := k.GetValue(name, nil)
	if err != nil {
		return nil, found(err)
	}
	b := make([]byte, n)
	n, _, err = k.GetValue(name, b)
	if err != nil {
		return nil, err // it grew meanwhile
	}
	return b[:n], nil
}

// DeleteValue implements API.
func (system) DeleteValue(key, name string) error {
	k, err := privileged(key)
	if err != nil {
		return err
	}
	defer k.Close()
	return found(k.DeleteValue(name))
}

// DeleteKey implements API.
func (system) DeleteKey(key string) error {
	parent, name, ok := cutLast(key)
	if !ok {
		return fmt.Errorf("%s is a whole hive", key)
	}
	k, err := privileged(parent)
	if err != nil {
		return err
	}
	defer k.Close()
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return err
	}
	if r, _, _ := regDeleteTree.Call(uintptr(k), uintptr(unsafe.Pointer(p))); r != 0 {
		return found(windows.Errno(r))
	}
	return nil
}

// cutLast cuts a key before its last name. A hive's own key has no parent.
func cutLast(key string) (parent, name string, ok bool) {
	i := strings.LastIndexByte(key, '\\')
	if i < 0 || strings.Count(key, `\`) < 2 {
		return "", "", false
	}
	return key[:i], key[i+1:], true
}

// SetValue implements API.
func (system) SetValue(key, name string, data []byte) error {
	k, err := privileged(key)
	if err != nil {
		return err
	}
	defer k.Close()
	_, kind, err := k.GetValue(name, nil)
	if err != nil {
		return found(err)
	}
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return err
	}
	r, _, _ := regSetValueEx.Call(uintptr(k), uintptr(unsafe.Pointer(p)), 0, uintptr(kind), uintptr(unsafe.Pointer(unsafe.SliceData(data))), uintptr(len(data)))
	if r != 0 {
		return windows.Errno(r)
	}
	return nil
}

var (
	wevtapi       = windows.NewLazySystemDLL("wevtapi.dll")
	evtClearLog   = wevtapi.NewProc("EvtClearLog")
	userenv       = windows.NewLazySystemDLL("userenv.dll")
	deleteProfile = userenv.NewProc("DeleteProfileW")
)

// ClearLog implements API.
func (system) ClearLog(channel string) error {
	p, err := windows.UTF16PtrFromString(channel)
	if err != nil {
		return err
	}
	if ok, _, err := evtClearLog.Call(0, uintptr(unsafe.Pointer(p)), 0, 0); ok == 0 {
		return found(err)
	}
	return nil
}

// DeleteProfile implements API.
func (system) DeleteProfile(sid string) error {
	p, err := windows.UTF16PtrFromString(sid)
	if err != nil {
		return err
	}
	if ok, _, err := deleteProfile.Call(uintptr(unsafe.Pointer(p)), 0, 0); ok == 0 {
		return found(err)
	}
	return nil
}

// DeleteAtRestart implements API.
func (system) DeleteAtRestart(file string) error {
	p, err := windows.UTF16PtrFromString(file)
	if err != nil {
		return err
	}
	return found(windows.MoveFileEx(p, nil, windows.MOVEFILE_DELAY_UNTIL_REBOOT))
}

// Controls of the change journal. Source: winioctl.h.
const (
	queryJournal  = 0x900f4 // FSCTL_QUERY_USN_JOURNAL → USN_JOURNAL_DATA_V0, its ID first
	deleteJournal = 0x900f8 // FSCTL_DELETE_USN_JOURNAL ← DELETE_USN_JOURNAL_DATA
	deleteNow     = 1       // USN_DELETE_FLAG_DELETE
)

// DeleteJournal implements API.
func (system) DeleteJournal(drive string) error {
	p, err := windows.UTF16PtrFromString(`\\.\` + drive)
	if err != nil {
		return err
	}
	h, err := windows.CreateFile(p, windows.GENERIC_READ|windows.GENERIC_WRITE, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(h)
	var journal [7]uint64 // USN_JOURNAL_DATA_V0 is 56 bytes
	var n uint32
	if err := windows.DeviceIoControl(h, queryJournal, nil, 0, (*byte)(unsafe.Pointer(&journal)), uint32(unsafe.Sizeof(journal)), &n, nil); err != nil {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	order := struct {
		id    uint64
		flags uint32
		_     uint32
	}{id: journal[0], flags: deleteNow}
	return windows.DeviceIoControl(h, deleteJournal, (*byte)(unsafe.Pointer(&order)), uint32(unsafe.Sizeof(order)), nil, 0, &n, nil)
}

// Run implements API.
func (system) Run(c Command) error {
	dir, err := windows.GetSystemDirectory()
	if err != nil {
		return err
	}
	program := filepath.Join(dir, c.Program)
	none, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer none.Close()
	files := []*os.File{none, none, none} // Windows starts nothing without three
	p, err := os.StartProcess(program, append([]string{program}, c.Args...), &os.ProcAttr{Dir: dir, Files: files})
	if err != nil {
		return found(err)
	}
	state, err := p.Wait()
	if err == nil && !state.Success() {
		err = fmt.Errorf("%s: %s", c.Program, state)
	}
	return err
}

// exists reports whether a key of HKLM is there.
func exists(key string) bool {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, key, registry.QUERY_VALUE)
	if err == nil {
		k.Close()
	}
	return err == nil
}
