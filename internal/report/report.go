package report

import (
	"assay/finding"
)

// Protocol is the version of the stream. It changes when a reader of the old
// one would misunderstand the new one.
const Protocol = "1"

// A Message is one thing that a run has to say: exactly one field is set.
type Message struct {
	Config    *Config          `json:"config,omitempty"`
	Inventory *Inventory       `json:"inventory,omitempty"`
	Progress  *Progress        `json:"progress,omitempty"`
	Finding   *finding.Finding `json:"finding,omitempty"`
	Gap       *finding.Gap     `json:"gap,omitempty"`
	Action    *Action          `json:"action,omitempty"`
	Verdict   *Verdict         `json:"verdict,omitempty"`
}

// A Handler listens to one run. Handle is called from one goroutine, in order;
// a message must not be changed or kept. Close ends the run and writes what is
// still to be written.
type Handler interface {
	Handle(Message) error
	Close() error
}

// A Config opens a stream. One stream can hold several targets: each begins
// with a Config and ends with a Verdict.
type Config struct {
	Protocol  string   `json:"protocol"`
	Tool      string   `json:"tool"` // "assay"
	Version   string   `json:"version"`
	Command   string   `json:"command"` // "inspect"
	Target    string   `json:"target"`
	Catalogue string   `json:"catalogue"` // version of the checks: digest of their IDs and texts
	Checks    []Check  `json:"checks,omitempty"`
	FailOn    string   `json:"fail_on,omitempty"`
	Started   string   `json:"started,omitempty"` // RFC 3339, UTC
	Options   []string `json:"options,omitempty"` // those that change what is looked at
}

// A Check is what a stream says of a check once, so that any reader can show
// its findings without knowing the catalogue.
type Check struct {
	ID         string        `json:"id"`
	Severity   string        `json:"severity"`
	Class      finding.Class `json:"class"`
	Rows       []string      `json:"rows,omitempty"`
	Title      finding.Text  `json:"title"`
	Why        finding.Text  `json:"why"`
	Remedy     finding.Text  `json:"remedy"`
	References []string      `json:"references,omitempty"`
}

// An Inventory says what the target is.
type Inventory struct {
	Disks   []Disk   `json:"disks,omitempty"`
	Volumes []Volume `json:"volumes,omitempty"`
	System  *System  `json:"system,omitempty"`

	Policies *Policies `json:"policies,omitempty"`
	Account  *Account  `json:"account,omitempty"`
}

// An Account is what an audit saw of a cloud account, in numbers.
type Account struct {
	ID         string `json:"id"`
	Caller     string `json:"caller"`              // ARN of who asked
	Taken      string `json:"taken"`               // RFC 3339
	Directory  string `json:"directory,omitempty"` // Resource Directory
	Management bool   `json:"management,omitempty"`
	Members    int    `json:"members,omitempty"`
	Regions    int    `json:"regions"`
	Images     int    `json:"images"`
	Snapshots  int    `json:"snapshots"`
	Instances  int    `json:"instances"`
	KeyPairs   int    `json:"key_pairs"`
	Templates  int    `json:"templates"`
	Shares     int    `json:"shares"` // resource shares
	Principals int    `json:"principals"`
	Events     int    `json:"events"`
	TrailDays  int    `json:"trail_days"`
	Calls      int    `json:"calls"` // API calls that it took
}

// Policies say what policy documents do: the matrix of the baseline.
type Policies struct {
	Scope   string       `json:"scope"`   // "enterprise" or "user"
	Assumed finding.Text `json:"assumed"` // what the matrix rests on
	Matrix  []PolicyRow  `json:"matrix"`
}

// A PolicyRow is one scenario of the baseline and what it meets.
type PolicyRow struct {
	ID      string       `json:"id"` // the check's
	Title   finding.Text `json:"title"`
	Rows    []string     `json:"rows"`
	Outcome string       `json:"outcome"` // "blocked", "open", "undetermined", "cannot be blocked", "works", "hindered"
	By      string       `json:"by,omitempty"`
	Why     finding.Text `json:"why"`
	Watch   string       `json:"watch,omitempty"` // the account check that watches what no policy blocks
	Assumed finding.Text `json:"assumption"`
}

// A Disk is one image file.
type Disk struct {
	Name      string   `json:"name"`
	Format    string   `json:"format"`
	Variant   string   `json:"variant,omitempty"`
	Size      int64    `json:"size"`
	Table     string   `json:"table,omitempty"` // "gpt", "mbr"
	Backing   string   `json:"backing,omitempty"`
	Snapshots []string `json:"snapshots,omitempty"`
	Notes     []string `json:"notes,omitempty"`
}

// A Volume is one volume of the layout.
type Volume struct {
	Name     string `json:"name"`
	Content  string `json:"content,omitempty"`
	Size     int64  `json:"size"`
	UUID     string `json:"uuid,omitempty"`
	Label    string `json:"label,omitempty"`
	Mount    string `json:"mount,omitempty"`
	Replayed bool   `json:"replayed,omitempty"` // its log was dirty and applied in memory
	Problem  string `json:"problem,omitempty"`
}

// A System is the machine found on the volumes.
type System struct {
	Family   string     `json:"family"`
	ID       string     `json:"id,omitempty"`
	Version  string     `json:"version,omitempty"`
	Name     string     `json:"name,omitempty"`
	Packages int        `json:"packages"`
	Accounts int        `json:"accounts"`
	Logins   []Login    `json:"logins,omitempty"`
	Keys     []LoginKey `json:"keys,omitempty"` // of a fix: every key that opens the machine
	Files    int        `json:"files,omitempty"`
	Agents   []string   `json:"agents,omitempty"`
	HostKeys string     `json:"host_keys_by,omitempty"` // what makes host keys anew at first boot
}

// A LoginKey is a key that sshd takes, and whose it is.
type LoginKey struct {
	Users       []string `json:"users,omitempty"` // whom it lets in; none for a home whose account is gone
	Path        string   `json:"path"`
	Line        int      `json:"line"`
	Type        string   `json:"type"` // "ssh-ed25519"
	Bits        int      `json:"bits"`
	Fingerprint string   `json:"fingerprint"` // "SHA256:…"
	Comment     string   `json:"comment,omitempty"`
	Options     []string `json:"options,omitempty"` // names of its options
	Owner       string   `json:"owner"`             // "new", "bound", "trusted", "published" or "unknown"
	By          string   `json:"by,omitempty"`      // the list, key pair or publication that names it
}

// A Login is an account with a shell that lets a person in.
type Login struct {
	User     string `json:"user"`
	UID      uint32 `json:"uid"`
	Password string `json:"password"` // "none", "empty", "set", "locked", "shadowed"
	Origin   string `json:"origin,omitempty"`
	Sudo     bool   `json:"sudo,omitempty"`
}

// A Progress says how far a run is. Streams are complete without it.
type Progress struct {
	Phase string `json:"phase"` // "open", "read", "check"
	Done  int64  `json:"done"`
	Total int64  `json:"total,omitempty"` // 0 when unknown
	Unit  string `json:"unit,omitempty"`  // "bytes", "checks", "files"
}

// An Action is one change that was made, or would be.
type Action struct {
	Edit   finding.Edit  `json:"edit"`
	Check  string        `json:"check,omitempty"` // that asked for it
	Result string        `json:"result"`          // see Results
	Why    finding.Text  `json:"why"`
	Risk   *finding.Text `json:"risk,omitempty"` // what can break
	By     string        `json:"by,omitempty"`   // the flag that asked for it; "" when it is safe by itself
	Note   finding.Text  `json:"note"`           // how it went, where there is something to say
}

// Results are the values of Action.Result: what became of a change.
func Results() []string {
	return []string{
		"planned", // not made, or not yet
		"done",
		"weaker",  // emptied where it should have been removed, see Note
		"left",    // nothing was changed, a person decides
		"refused", // nothing was changed, see Note
		"failed",  // it did not work, see Note
		"undone",  // it was made and taken back
		"guarded", // it was made, and the guard on the machine takes it back
	}
}

// A Verdict closes one target's part of a stream.
type Verdict struct {
	Clean    bool           `json:"clean"` // nothing at or above fail_on, and no gap that is not accepted
	Findings map[string]int `json:"findings"`
	Accepted int            `json:"accepted"` // findings that do not count because the user accepted them
	Hidden   int            `json:"hidden"`   // below --severity: counted in findings, not shown
	Gaps     int            `json:"gaps"`
	Scope    int            `json:"scope,omitempty"` // what this kind of inspection does not look at: Clean says nothing of it
	Files    int            `json:"files,omitempty"`
	// Sealed counts containers (archives, compressed files) that a package
	// brought and whose digest is the package's: they were read, not opened.
	Sealed    int     `json:"sealed,omitempty"`
	BytesRead int64   `json:"bytes_read"`
	Seconds   float64 `json:"seconds"`
	Catalogue string  `json:"catalogue"`
	SHA256    string  `json:"sha256,omitempty"` // of the input file, when asked for
	// DiskSHA256 is that of the virtual disk, the same in every format.
	DiskSHA256 string `json:"disk_sha256,omitempty"`
	// Further are the digests of the machine's other disks, when asked for.
	Further []Digest `json:"further,omitempty"`
	Sandbox string   `json:"sandbox"`         // the level that was reached
	Error   string   `json:"error,omitempty"` // why the run did not get to the end
}

// A Digest tells one disk's file, and the virtual disk in it.
type Digest struct {
	Name       string `json:"name"`
	SHA256     string `json:"sha256"`
	DiskSHA256 string `json:"disk_sha256"`
}
