package sam

import (
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf16"

	"assay/internal/artefact/regf"
	"assay/internal/binread"
)

// Where accounts and groups are in SAM.
const (
	usersKey   = `SAM\Domains\Account\Users`
	namesKey   = `SAM\Domains\Account\Users\Names`
	aliasesKey = `SAM\Domains\Builtin\Aliases`
)

// RIDs that every machine has.
const (
	Administrator = 500
	Guest         = 501

	administrators = "00000220" // BUILTIN\Administrators
	remoteUsers    = "0000022B" // BUILTIN\Remote Desktop Users
)

// Flags of an account (ACB, [MS-SAMR] 2.2.1.12).
const (
	acbDisabled   = 0x0001
	acbNoPassword = 0x0004
	acbNoExpiry   = 0x0200
)

// A Password is the verdict on an account's password.
type Password string

// The verdicts.
const (
	Empty  Password = "empty"  // none is asked for
	Set    Password = "set"    // one that is not published
	Known  Password = "known"  // one that everybody knows, see published.go
	Sealed Password = "sealed" // there is one, but the boot key that opens it is missing
	Locked Password = "locked" // what Lock made: no password has this hash, so far as anybody knows
)

// An Account is one local account.
type Account struct {
	RID      uint32
	Key      string // path of its key in SAM
	Name     string
	FullName string
	Comment  string // free text, in which people leave passwords

	Password   Password
	HasHistory bool // earlier hashes are kept
	HasKeys    bool // SupplementalCredentials: Kerberos and digest keys of the password
	Hint       bool // a password hint, in clear
	Questions  bool // security questions with their answers, in clear
	Online     bool // bound to a Microsoft account

	Disabled        bool
	NoPasswordAsked bool // may have no password whatever the policy says
	NeverExpires    bool
	LastSet         time.Time // zero: never
	LastLogon       time.Time // zero: never

	Admin   bool   // in Administrators
	Remote  bool   // in Remote Desktop Users
	Listed  bool   // has an entry in Names: without one, it is shown nowhere
	Hijacks uint32 // the RID that a logon gets instead of the account's own, or 0
}

// Layout of the values of an account: F has fixed fields, V a table of
// {offset, length, 0} with the data behind it.
const (
	fLen     = 0x50
	fLogon   = 0x08
	fSet     = 0x18
	fRID     = 0x30
	fFlags   = 0x38
	vData    = 0xCC
	vName    = 0x0C
	vFull    = 0x18
	vComment = 0x24
	vLM      = 0x9C
	vNT      = 0xA8
	vNTOld   = 0xB4
	vLMOld   = 0xC0
)

// A record is the values of one account.
type record struct {
	path string
	rid  uint32
	f, v []byte
}

// records finds all accounts. A damaged one is reported and left out.
func records(h *regf.Hive) (out []record, err error) {
	users := h.Key(usersKey)
	if !users.Exists() {
		return nil, binread.Errorf(format, -1, "there is no key %s", usersKey)
	}
	for _, k := range users.Keys() {
		rid, bad := strconv.ParseUint(k.Name(), 16, 32)
		if bad != nil {
			continue // Names
		}
		r := record{usersKey + `\` + k.Name(), uint32(rid), k.Value("F").Data(), k.Value("V").Data()}
		if len(r.f) < fLen || len(r.v) < vData {
			err = binread.Errorf(format, -1, "account %d has values of %d and %d bytes", rid, len(r.f), len(r.v))
			continue
		}
		out = append(out, r)
	}
	return out, err
}

// entry returns offset and length in V of the entry at.
func (r record) entry(at int) (off, n int, ok bool) {
	o, l := int64(le.Uint32(r.v[at:]))+vData, int64(le.Uint32(r.v[at+4:]))
	return int(o), int(l), o+l <= int64(len(r.v))
}

func (r record) bytes(at int) []byte {
	off, n, ok := r.entry(at)
	if !ok {
		return nil
	}
	return r.v[off : off+n]
}

func (r record) text(at int) string { return utf16Text(r.bytes(at)) }

func utf16Text(b []byte) string {
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = le.Uint16(b[2*i:])
	}
	return string(utf16.Decode(u))
}

// Accounts lists the local accounts of a SAM. Without a boot key the passwords
// are Empty or Sealed. With an error it still returns what could be read.
func Accounts(h *regf.Hive, boot *Key) ([]Account, error) {
	list, err := records(h)
	var domain []byte
	if boot != nil {
		var bad error
		if domain, bad = boot.domainKey(h); bad != nil && err == nil {
			err = bad
		}
	}
	admins, remote := members(h, administrators), members(h, remoteUsers)
	var named []uint32
	for _, k := range h.Key(namesKey).Keys() {
		named = append(named, uint32(k.Value("").Type())) // the type of the value is the RID
	}
	var out []Account
	for _, r := range list {
		a := r.account(h)
		a.Password = r.judge(boot, domain)
		a.Admin, a.Remote = slices.Contains(admins, r.rid), slices.Contains(remote, r.rid)
		a.Listed = slices.Contains(named, r.rid)
		out = append(out, a)
	}
	return out, err
}

// account reads all but the password and the groups.
func (r record) account(h *regf.Hive) Account {
	flags := le.Uint16(r.f[fFlags:])
	a := Account{
		RID: r.rid, Key: r.path, Name: r.text(vName), FullName: r.text(vFull), Comment: r.text(vComment),
		HasHistory:      len(r.hidden(vNTOld)) > 0 || len(r.hidden(vLMOld)) > 0,
		Disabled:        flags&acbDisabled != 0,
		NoPasswordAsked: flags&acbNoPassword != 0,
		NeverExpires:    flags&acbNoExpiry != 0,
		LastSet:         filetime(r.f[fSet:]), LastLogon: filetime(r.f[fLogon:]),
	}
	if rid := le.Uint32(r.f[fRID:]); rid != r.rid {
		a.Hijacks = rid
	}
	k := h.Key(r.path)
	full := func(name string) bool { return k.Value(name).Size() > 0 }
	a.HasKeys, a.Hint, a.Questions, a.Online = full("SupplementalCredentials"), full("UserPasswordHint"), full("ResetData"), full("InternetUserName")
	return a
}

// filetime converts 100 ns since 1601; 0 and "never" give the zero Time.
func filetime(b []byte) time.Time {
	const epoch = 116444736000000000
	t := le.Uint64(b)
	if t == 0 || t >= math.MaxInt64 {
		return time.Time{}
	}
	return time.Unix((int64(t)-epoch)/1e7, 0).UTC()
}

// A hash in V has a head of its own. RC4: key number, revision 1. AES: key
// number, revision 2, offset of the data (0: none), 16 bytes of salt.
const (
	rc4Head = 4
	aesHead = 24
	aesHash = 56 // head, and a hash padded to two blocks
)

// head returns the length of the head of an encrypted hash.
func head(b []byte) int {
	if len(b) >= aesHead && le.Uint16(b[2:]) == 2 {
		return aesHead
	}
	return rc4Head
}

// hidden returns the encrypted part of the hash or history at, if there is one.
func (r record) hidden(at int) []byte {
	b := r.bytes(at)
	n := head(b)
	if len(b) <= n || n == aesHead && le.Uint32(b[4:]) == 0 {
		return nil
	}
	return b[n:]
}

// judge says what the password is, without ever letting its hash out.
func (r record) judge(boot *Key, domain []byte) Password {
	hidden := r.hidden(vNT)
	if len(hidden) < 16 {
		return Empty
	}
	hash := r.open(domain)
	if hash == nil {
		return Sealed
	}
	switch {
	case [16]byte(hash) == ntHash(""):
		return Empty
	case string(hash) == string(boot.nobodys(r.rid, hash[:noiseLen])):
		return Locked
	}
	for _, w := range published {
		if [16]byte(hash) == ntHash(w) {
			return Known
		}
	}
	return Set
}

// open decrypts the NT hash, or returns nil.
func (r record) open(domain []byte) []byte {
	b := r.bytes(vNT)
	switch {
	case domain == nil:
		return nil
	case head(b) == rc4Head && len(b) == rc4Head+16:
		return byRID(r.rid, hashRC4(domain, r.rid, b[rc4Head:]), false)
	case head(b) == aesHead && len(b) >= aesHash:
		return byRID(r.rid, cbc(domain, b[8:24], b[aesHead:aesHash], false)[:16], false)
	}
	return nil
}

// Layout of the value C of an alias: the list of members at cMembers, counted
// from behind the head.
const (
	cHead    = 0x34
	cMembers = 0x28
	cCount   = 0x30
)

// members lists the RIDs of the machine's own accounts in a builtin group.
func members(h *regf.Hive, alias string) (rids []uint32) {
	own := h.Key(`SAM\Domains\Account`).Value("V").Data()
	c := h.Key(aliasesKey + `\` + alias).Value("C").Data()
	if len(c) < cHead || len(own) < 12 {
		return nil
	}
	own = own[len(own)-12:] // the machine's SID ends the value: three numbers
	off := int64(le.Uint32(c[cMembers:])) + cHead
	for range le.Uint32(c[cCount:]) {
		if off+8 > int64(len(c)) {
			return rids
		}
		sid := c[off:]
		n := 8 + 4*int64(sid[1]) // revision, number of parts, authority, parts
		if n > int64(len(sid)) {
			return rids
		}
		// S-1-5-21-A-B-C-RID: the machine's SID and the account's number.
		if sid[1] == 5 && string(sid[12:24]) == string(own) {
			rids = append(rids, le.Uint32(sid[24:]))
		}
		off += n
	}
	return rids
}
