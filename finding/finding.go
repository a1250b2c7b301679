package finding

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Severity orders findings; the zero value means "the check's own".
type Severity int

// The severities, mildest first.
const (
	Low Severity = iota + 1
	Medium
	High
	Critical
)

var severityNames = [...]string{"", "low", "medium", "high", "critical"}

// Severities lists all severities, worst first.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low} }

func (s Severity) String() string {
	if s < 0 || int(s) >= len(severityNames) {
		return fmt.Sprintf("severity(%d)", int(s))
	}
	return severityNames[s]
}

// MarshalText writes "low", "medium", "high" or "critical".
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Severity) UnmarshalText(b []byte) error {
	v, err := ParseSeverity(string(b))
	if err == nil {
		*s = v
	}
	return err
}

// ParseSeverity reads a severity's name, in any case.
func ParseSeverity(name string) (Severity, error) {
	for i, n := range severityNames {
		if i > 0 && strings.EqualFold(n, name) {
			return Severity(i), nil
		}
	}
	return 0, fmt.Errorf("unknown severity %q: use critical, high, medium or low", name)
}

// A Class says what kind of harm a finding is, in the words of the two source
// documents.
type Class string

// The classes.
const (
	IdentityCredential Class = "identity-credential" // keys, passwords, tokens
	UserData           Class = "user-data"           // code, databases, private files
	SystemTrace        Class = "system-trace"        // histories, logs, caches, ids of this machine
	PresetAccount      Class = "preset-account"      // accounts and logins left from image making
	Policy             Class = "policy"              // a permission that should be denied
	Exposure           Class = "exposure"            // something shared, or a weak setting
)

// Classes lists all classes in the order in which they are shown.
func Classes() []Class {
	return []Class{PresetAccount, IdentityCredential, Exposure, UserData, SystemTrace, Policy}
}

// A Text is one user-visible sentence in both languages. English has no
// capital letter rule: titles start with a capital and end without a stop.
type Text struct {
	EN string `json:"en"`
	ZH string `json:"zh"`
}

// T makes a Text.
func T(en, zh string) Text { return Text{EN: en, ZH: zh} }

// Tf makes a Text from two formats and one list of arguments. Both formats
// must use the arguments in the same order, or by index (%[2]s). An argument
// that is a Text itself goes into each in its language.
func Tf(en, zh string, args ...any) Text {
	in := func(lang string) []any {
		out := slices.Clone(args)
		for i, a := range out {
			if t, ok := a.(Text); ok {
				out[i] = t.In(lang)
			}
		}
		return out
	}
	return Text{EN: fmt.Sprintf(en, in("en")...), ZH: fmt.Sprintf(zh, in("zh")...)}
}

// In returns the text in lang ("zh" or anything else for English), falling
// back to the other language when one is missing.
func (t Text) In(lang string) string {
	if lang == "zh" && t.ZH != "" || t.EN == "" {
		return t.ZH
	}
	return t.EN
}

// A Finding is one fact worth a reader's time.
type Finding struct {
	ID         string    `json:"id"`    // stable fingerprint, see Identify
	Check      string    `json:"check"` // ID of the check
	Severity   Severity  `json:"severity"`
	Confidence int       `json:"confidence,omitempty"` // 1..100; 0 means certain
	Title      Text      `json:"title"`                // what was found, with its particulars
	Reason     *Text     `json:"reason,omitempty"`     // why it counts, where that is not plain from the check
	Rows       []string  `json:"rows,omitempty"`       // requirement rows, such as "A2"
	Class      Class     `json:"class"`
	Where      Where     `json:"where"`
	Places     []Where   `json:"places,omitempty"` // further places of the same thing
	Evidence   *Evidence `json:"evidence,omitempty"`
	Fix        *Fix      `json:"fix,omitempty"`

	// Accepted is set when the user knows this finding and keeps it: it is
	// shown, but does not count.
	Accepted *Acceptance `json:"accepted,omitempty"`

	// Anchor tells this finding from others of the same check at the same
	// place. It goes into ID, so it must be stable across runs and must never
	// be derived from a guessable secret: a public key's fingerprint, a user's
	// name, a setting's name.
	Anchor string `json:"-"`
}

// An Acceptance says why a finding or a gap does not count.
type Acceptance struct {
	By      string `json:"by"`                // "ignore" (a file that says so) or "baseline" (an earlier report)
	Reason  string `json:"reason,omitempty"`  // the user's words
	Expires string `json:"expires,omitempty"` // RFC 3339 date; the acceptance ends with that day
}

// Identify fills ID from what is stable: check, path, user and Anchor. Line
// numbers and keyed fingerprints stay out, so an edit elsewhere in the file or
// another installation of assay gives the same ID.
func (f *Finding) Identify() {
	h := sha256.New()
	deleted := ""
	if f.Where.Deleted {
		deleted = fmt.Sprint("deleted@", f.Where.Offset)
	}
	for _, s := range []string{f.Check, f.Where.Path, f.Where.User, deleted, f.Anchor} {
		fmt.Fprintf(h, "%d:%s\n", len(s), s)
	}
	f.ID = hex.EncodeToString(h.Sum(nil)[:8])
}

// A Where is a place in a subject. Path is an absolute path inside the guest,
// as bytes: it may hold anything but NUL.
type Where struct {
	Volume  string // volume name of the layout, such as "p1" or "vg0/root"
	Path    string
	Line    int   // 1-based; 0 when lines mean nothing here
	Offset  int64 // byte offset in the file, or on the volume when Deleted
	User    string
	Deleted bool // found in bytes that no live file owns
}

type whereJSON struct {
	Volume  string `json:"volume,omitempty"`
	Path    string `json:"path,omitempty"`
	Raw     string `json:"path_base64,omitempty"`
	Line    int    `json:"line,omitempty"`
	Offset  int64  `json:"offset,omitempty"`
	User    string `json:"user,omitempty"`
	Deleted bool   `json:"deleted,omitempty"`
}

// MarshalJSON writes Path as text, and as base64 beside it when it is not
// valid UTF-8.
func (w Where) MarshalJSON() ([]byte, error) {
	j := whereJSON{w.Volume, w.Path, "", w.Line, w.Offset, w.User, w.Deleted}
	if !utf8.ValidString(w.Path) {
		j.Path = strings.ToValidUTF8(w.Path, "\uFFFD")
		j.Raw = base64.StdEncoding.EncodeToString([]byte(w.Path))
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (w *Where) UnmarshalJSON(b []byte) error {
	var j whereJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*w = Where{j.Volume, j.Path, j.Line, j.Offset, j.User, j.Deleted}
	if j.Raw != "" {
		raw, err := base64.StdEncoding.DecodeString(j.Raw)
		if err != nil {
			return fmt.Errorf("path_base64: %w", err)
		}
		w.Path = string(raw)
	}
	return nil
}

// Evidence is all that leaves the room in which a secret was found.
type Evidence struct {
	Kind        string `json:"kind"`                  // "ssh-public-key", "password-hash", "private-key", …
	Fingerprint string `json:"fingerprint,omitempty"` // keyed hash of the secret, or the public fingerprint of a public key
	Length      int    `json:"length,omitempty"`      // of the secret, in bytes
	Excerpt     string `json:"excerpt,omitempty"`     // its surroundings with the secret masked
}

// A Fix is a change as data; only package apply performs it.
type Fix struct {
	Title Text   `json:"title"`          // verb phrase: "Remove the key"
	Safe  bool   `json:"safe"`           // needs no human decision
	Risk  *Text  `json:"risk,omitempty"` // what can break, when not Safe
	Edits []Edit `json:"edits,omitempty"`

	// Redact is another way, taken only when the user asks for it: the secrets
	// are overwritten in place, and the file stays.
	Redact []Edit `json:"redact,omitempty"`

	// Commands are what a person types where assay makes no edit: one line
	// each, quoted for a shell; words in CAPITALS are for the person to fill.
	Commands []string `json:"commands,omitempty"`
}

// An Op names what an Edit does.
type Op string

// The operations.
const (
	Blank        Op = "blank"         // make the file empty, keep it
	Remove       Op = "remove"        // remove the file, or the empty directory
	RemoveTree   Op = "remove-tree"   // remove the directory and all below
	EmptyDir     Op = "empty-dir"     // remove all below the directory, keep it
	RemoveLine   Op = "remove-line"   // remove one line of a text file
	Replace      Op = "replace"       // overwrite Length bytes at Offset by With
	LockPassword Op = "lock-password" // set the user's password field to "*"; in a SAM hive: to a random hash
	RemoveUser   Op = "remove-user"   // remove the account and what belongs to it
	SetSSHD      Op = "set-sshd"      // make sshd's effective setting With
	Scrub        Op = "scrub"         // zero bytes that no live file owns
	Reset        Op = "reset"         // bring to the first-boot state (machine-id, cloud-init)

	// Of Windows. Path is the file of a registry hive, Key a path in it.
	RegDeleteValue Op = "reg-delete-value" // remove the value Value of Key
	RegDeleteKey   Op = "reg-delete-key"   // remove Key and all below
	RegSetValue    Op = "reg-set-value"    // make the value Value of Key the bytes With, in hexadecimal
	RegReplace     Op = "reg-replace"      // overwrite Length bytes at Offset of the value Value of Key by a placeholder
	ForgetLogons   Op = "forget-logons"    // empty the cached domain logons of the hive SECURITY
	ForgetComment  Op = "forget-comment"   // empty the description and full name of the account Key of a SAM hive
	RegScrub       Op = "reg-scrub"        // zero what deleted keys and values have left, and empty the hive's logs
	EmptyLog       Op = "empty-log"        // make the event log empty, of the same length

	// Of running machines and accounts; package fleet performs them.
	PlaceKey     Op = "place-key"     // add the key With to the file Path of User
	BindKeyPair  Op = "bind-key-pair" // bind the cloud's key pair With to the instance
	Restart      Op = "restart"       // restart the machine
	ProveLogin   Op = "prove-login"   // log in from outside, or be refused: changes nothing
	SetPassword  Op = "set-password"  // give User a password that was not in the image
	DisableUser  Op = "disable-user"  // switch the account off, keep it
	ChangePolicy Op = "change-policy" // write, bind, unbind or delete a policy of the cloud
)

// An Edit is one step. It never holds a secret: what it expects to find is
// named by a keyed fingerprint.
type Edit struct {
	Op     Op     `json:"op"`
	Volume string `json:"volume,omitempty"`
	Path   string `json:"path,omitempty"`
	User   string `json:"user,omitempty"`
	Line   int    `json:"line,omitempty"`
	Offset int64  `json:"offset,omitempty"`
	Length int64  `json:"length,omitempty"`
	Expect string `json:"expect,omitempty"` // fingerprint of what must be there before
	With   string `json:"with,omitempty"`   // what is written instead
	Key    string `json:"key,omitempty"`    // of the registry, names separated by "\"
	Value  string `json:"value,omitempty"`  // name of a registry value; "" is the default value
}
