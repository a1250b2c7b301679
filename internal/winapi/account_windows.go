package winapi

import (
	"crypto/rand"
	"errors"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// State implements API.
func (system) State() (State, error) {
	token := windows.GetCurrentProcessToken()
	user, err := token.GetTokenUser()
	if err != nil {
		return State{}, err
	}
	s := State{SID: user.User.Sid.String(), Elevated: token.IsElevated(), Pending: pending()}
	if s.User, _, _, err = user.User.Sid.LookupAccount(""); err != nil {
		return State{}, err
	}
	s.DomainController = windows.RtlGetVersion().ProductType == domainController
	var name *uint16
	var status uint32
	if err := windows.NetGetJoinInformation(nil, &name, &status); err != nil {
		return State{}, err
	}
	defer windows.NetApiBufferFree((*byte)(unsafe.Pointer(name)))
	if status == windows.NetSetupDomainName {
		s.Domain = windows.UTF16PtrToString(name)
	}
	return s, nil
}

const (
	servicing = `SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending`
	update    = `SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired`
	names     = `SYSTEM\CurrentControlSet\Control\ComputerName\`
)

// domainController is VER_NT_DOMAIN_CONTROLLER. Source: winnt.h.
const domainController = 2

// pending lists why Windows waits for a restart. Files that programs want to
// be renamed then do not count: that is common, and no half-done change.
func pending() (out []string) {
	if exists(servicing) {
		out = append(out, "components of Windows are half installed")
	}
	if exists(update) {
		out = append(out, "updates are half installed")
	}
	if now, next := computerName("ActiveComputerName"), computerName("ComputerName"); now != next {
		out = append(out, "the computer was renamed")
	}
	return out
}

func computerName(which string) string {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, names+which, registry.QUERY_VALUE)
	if err != nil {
		return ""
	}
	defer k.Close()
	s, _, _ := k.GetStringValue("ComputerName")
	return strings.ToUpper(s)
}

var (
	netapi32       = windows.NewLazySystemDLL("netapi32.dll")
	netUserSetInfo = netapi32.NewProc("NetUserSetInfo")
	lsaOpenPolicy  = advapi32.NewProc("LsaOpenPolicy")
	lsaStore       = advapi32.NewProc("LsaStorePrivateData")
	lsaClose       = advapi32.NewProc("LsaClose")
	credEnumerate  = advapi32.NewProc("CredEnumerateW")
	credDelete     = advapi32.NewProc("CredDeleteW")
	credFree       = advapi32.NewProc("CredFree")
)

// Levels of NetUserSetInfo and the flag of disabled accounts. Source: lmaccess.h.
const (
	levelPassword   = 1003 // USER_INFO_1003: a pointer to the password
	levelComment    = 1007 // USER_INFO_1007: a pointer to the description
	levelFlags      = 1008 // USER_INFO_1008: the flags
	levelFullName   = 1011 // USER_INFO_1011: a pointer to the full name
	accountDisabled = 2    // UF_ACCOUNTDISABLE
)

// LockAccount implements API.
func (system) LockAccount(name string, disable bool) error {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return err
	}
	// 130 random bits, with a character of each kind that a policy may demand.
	password, err := windows.UTF16PtrFromString(rand.Text() + "aZ5!")
	if err != nil {
		return err
	}
	if r, _, _ := netUserSetInfo.Call(0, uintptr(unsafe.Pointer(p)), levelPassword, uintptr(unsafe.Pointer(&password)), 0); r != 0 {
		return user(r)
	}
	if !disable {
		return nil
	}
	flags, err := accountFlags(p)
	if err != nil {
		return err
	}
	flags |= accountDisabled
	if r, _, _ := netUserSetInfo.Call(0, uintptr(unsafe.Pointer(p)), levelFlags, uintptr(unsafe.Pointer(&flags)), 0); r != 0 {
		return user(r)
	}
	return nil
}

// ForgetComment implements API.
func (system) ForgetComment(name string) error {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return err
	}
	nothing := new(uint16)
	for _, level := range []uintptr{levelComment, levelFullName} {
		if r, _, _ := netUserSetInfo.Call(0, uintptr(unsafe.Pointer(p)), level, uintptr(unsafe.Pointer(&nothing)), 0); r != 0 {
			return user(r)
		}
	}
	return nil
}

// userNotFound is NERR_UserNotFound. Source: lmerr.h.
const userNotFound = 2221

func user(r uintptr) error {
	if r == userNotFound {
		return ErrNotFound
	}
	return found(windows.Errno(r))
}

// accountFlags are usri1_flags of USER_INFO_1 (lmaccess.h).
func accountFlags(name *uint16) (uint32, error) {
	var b *byte
	if err := windows.NetUserGetInfo(nil, name, 1, &b); err != nil {
		return 0, err
	}
	defer windows.NetApiBufferFree(b)
	info := (*struct {
		name, password *uint16
		age, privilege uint32
		home, comment  *uint16
		flags          uint32
		script         *uint16
	})(unsafe.Pointer(b))
	return info.flags, nil
}

// createSecret is POLICY_CREATE_SECRET, which LsaStorePrivateData asks for.
// Source: ntsecapi.h.
const createSecret = 0x20

// DeletePrivateData implements API.
func (system) DeletePrivateData(name string) error {
	key, err := windows.NewNTUnicodeString(name)
	if err != nil {
		return err
	}
	var attributes [6]uintptr // LSA_OBJECT_ATTRIBUTES, all zero
	var policy windows.Handle
	r, _, _ := lsaOpenPolicy.Call(0, uintptr(unsafe.Pointer(&attributes)), createSecret, uintptr(unsafe.Pointer(&policy)))
	if r != 0 {
		return windows.NTStatus(r).Errno()
	}
	defer lsaClose.Call(uintptr(policy))
	if r, _, _ := lsaStore.Call(uintptr(policy), uintptr(unsafe.Pointer(key)), 0); r != 0 {
		return found(windows.NTStatus(r).Errno())
	}
	return nil
}

// credential is the beginning of CREDENTIALW. Source: wincred.h.
type credential struct {
	flags, kind uint32
	target      *uint16
}

// DeleteCredentials implements API.
func (system) DeleteCredentials() (int, error) {
	var n uint32
	var list **credential
	ok, _, err := credEnumerate.Call(0, 0, uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(&list)))
	if ok == 0 {
		if errors.Is(err, windows.ERROR_NOT_FOUND) {
			return 0, nil
		}
		return 0, err
	}
	defer credFree.Call(uintptr(unsafe.Pointer(list)))
	var all error
	gone := 0
	for _, c := range unsafe.Slice(list, n) {
		if ok, _, err := credDelete.Call(uintptr(unsafe.Pointer(c.target)), uintptr(c.kind), 0); ok == 0 {
			all = errors.Join(all, err)
			continue
		}
		gone++
	}
	return gone, all
}
