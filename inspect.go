package assay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"assay/check"
	"assay/finding"
	"assay/internal/binread"
	"assay/internal/checks"
	"assay/internal/checks/account"
	"assay/internal/content"
	"assay/internal/disk"
	"assay/internal/fsys"
	"assay/internal/fsys/hostfs"
	"assay/internal/fsys/probe"
	"assay/internal/guest"
	"assay/internal/report"
	"assay/internal/volume"
	"assay/internal/winapi"
)

// A Target is what to inspect: image files of one machine, or a directory.
type Target struct {
	Name string // as the user wrote it
	// Images are the machine's disks, opened by the caller, first the one
	// that it boots from.
	Images []ImageFile
	// Dir is a directory instead of images; "/" together with Live.
	Dir  string
	Live bool
	// Machine is a running machine's probe instead.
	Machine *Machine

	windows winapi.API // with Live: the running Windows; see DirTarget
}

// An ImageFile is one image, opened for reading. Path relates the names of
// files that its header may ask for.
type ImageFile struct {
	Path   string
	File   *os.File
	Format string // instead of DiskOptions.Format
}

// open opens the image in a file.
func (f ImageFile) open(o DiskOptions) (*disk.File, error) {
	if f.Format != "" {
		o.Format = f.Format
	}
	return disk.OpenReader(f.File, f.Path, o.open())
}

// Options say what an inspection does.
type Options struct {
	Checks    []string // IDs or prefixes of those to run; all if empty
	NoContent bool     // leave out checks that read file contents at large
	Reading   check.Reading
	Disk      DiskOptions
	Digest    bool   // compute the sha256 of the first image, of its file and of its disk
	Key       []byte // for fingerprints of secrets
	Sandbox   string // level reached, for the verdict
	Parallel  int    // checks at a time; 0 means the number of processors
	Command   string // "inspect", for the stream
	Started   time.Time
	// AsImage judges "/" as the image that is about to be made of it: what an
	// image must not have counts, and what is on no disk does not.
	AsImage bool

	seen func(fingerprint string, secret []byte) // told what stands behind each fingerprint
	memo *content.Memo                           // what was judged, for the inspection of a copy
}

// DiskOptions say what opening an image may do.
type DiskOptions struct {
	Format       string // "raw", "qcow2", …; "" looks at the bytes
	AllowBacking bool   // headers may name further files
	Siblings     bool   // files that a header names may be opened by path
	SpillDir     string // for the bytes of a compressed image; "" refuses those
	SpillLimit   int64  // bound of these bytes
}

func (o DiskOptions) open() disk.Options {
	d := disk.Options{Format: o.Format, AllowBacking: o.AllowBacking, SpillDir: o.SpillDir, SpillLimit: o.SpillLimit}
	if o.Siblings {
		d.OpenSibling = disk.OpenHost
	}
	return d
}

// OpenImage opens an image file or block device for an ImageFile, read only.
func OpenImage(name string) (*os.File, error) { return disk.OpenHost(name) }

// ErrNothing says that a target holds nothing that assay can look at.
var ErrNothing = errors.New("no file system was found in it")

// Inspect says what is in a target, as messages to h, and closes the target's
// part of the stream with a verdict. It changes nothing. It returns an error
// only when the target could not be inspected at all; the verdict then says so
// too. h is not closed.
func Inspect(ctx context.Context, t Target, o Options, h report.Handler) error {
	r := &run{ctx: ctx, t: t, o: o, h: h, clock: time.Now()}
	defer r.close()
	suite, err := Select(o.Checks, o.NoContent)
	if err != nil {
		return err
	}
	r.send(report.Message{Config: r.config(suite)})
	r.watch()
	g, err := r.assemble()
	if err == nil {
		err = r.check(g, suite)
	}
	if err == nil && o.Digest && len(t.Images) > 0 {
		err = r.digest()
	}
	r.steady()
	if err != nil {
		r.verdict.Error = err.Error()
	}
	r.verdict.Seconds = time.Since(r.clock).Seconds()
	r.verdict.BytesRead = r.read.Load()
	r.verdict.Sandbox = o.Sandbox
	r.verdict.Catalogue = CatalogueVersion()
	r.send(report.Message{Verdict: &r.verdict})
	return errors.Join(err, r.failed)
}

// Select returns the checks whose ID is in names or below one of them.
func Select(names []string, noContent bool) ([]*check.Check[*guest.Guest], error) {
	var out []*check.Check[*guest.Guest]
	used := map[string]bool{}
	for _, c := range checks.Machine {
		if noContent && c.Content {
			continue
		}
		for _, n := range names {
			if c.ID == n || strings.HasPrefix(c.ID, strings.TrimSuffix(n, "/")+"/") {
				used[n] = true
			}
		}
		if len(names) == 0 || slices.ContainsFunc(names, func(n string) bool {
			return c.ID == n || strings.HasPrefix(c.ID, strings.TrimSuffix(n, "/")+"/")
		}) {
			out = append(out, c)
		}
	}
	for _, n := range names {
		if !used[n] {
			return nil, fmt.Errorf("there is no check %q: assay checks lists them", n)
		}
	}
	return out, nil
}

// CatalogueVersion is the digest of the IDs, severities and titles of all
// checks: it changes when a verdict could.
func CatalogueVersion() string {
	h := sha256.New()
	for _, c := range checks.Machine {
		fmt.Fprintf(h, "%s %s %s\n", c.ID, c.Severity, c.Doc.Title.EN)
	}
	for _, c := range account.All {
		fmt.Fprintf(h, "%s %s %s\n", c.ID, c.Severity, c.Doc.Title.EN)
	}
	return Version + "+" + hex.EncodeToString(h.Sum(nil)[:4])
}

// run is one inspection.
type run struct {
	ctx     context.Context
	t       Target
	o       Options
	h       report.Handler
	clock   time.Time
	read    atomic.Int64
	verdict report.Verdict
	failed  error
	closers []io.Closer
	inv     report.Inventory
	seen    map[string]bool // gaps already sent
	// reported are the IDs of the machine's own findings, and of those of its
	// snapshots as if they were the machine's.
	reported map[string]bool
	before   []moment // how each image looked before it was read
}

func (r *run) close() {
	for _, c := range r.closers {
		c.Close()
	}
}

// send hands a message on; the first failure of the handler is kept.
func (r *run) send(m report.Message) {
	if err := r.h.Handle(m); err != nil && r.failed == nil {
		r.failed = err
	}
}

func (r *run) gap(g finding.Gap) {
	if r.seen == nil {
		r.seen = map[string]bool{}
	}
	if r.seen[g.ID] {
		return
	}
	r.seen[g.ID] = true
	r.verdict.Gaps++
	r.send(report.Message{Gap: &g})
}

func (r *run) config(suite []*check.Check[*guest.Guest]) *report.Config {
	c := &report.Config{Protocol: report.Protocol, Tool: "assay", Version: Version, Command: r.o.Command,
		Target: r.t.Name, Catalogue: CatalogueVersion()}
	if !r.o.Started.IsZero() {
		c.Started = r.o.Started.UTC().Format(time.RFC3339)
	}
	if r.o.NoContent {
		c.Options = append(c.Options, "no-content")
	}
	if n := r.o.Reading.MaxFileSize; n > 0 {
		c.Options = append(c.Options, fmt.Sprint("max-file-size=", n))
	}
	if n := r.o.Reading.MinConfidence; n > 0 {
		c.Options = append(c.Options, fmt.Sprint("min-confidence=", n))
	}
	for _, n := range r.o.Checks {
		c.Options = append(c.Options, "check="+n)
	}
	for _, k := range suite {
		c.Checks = append(c.Checks, Describe(k))
	}
	return c
}

// Describe is what a stream says of a check.
func Describe[S any](k *check.Check[S]) report.Check {
	return report.Check{ID: k.ID, Severity: k.Severity.String(), Class: k.Class, Rows: k.Rows,
		Title: k.Doc.Title, Why: k.Doc.Why, Remedy: k.Doc.Remedy, References: k.Doc.References}
}

// counted counts the bytes read through it; it still tells where data is.
type counted struct {
	disk.Image
	n *atomic.Int64
}

func (c counted) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.Image.ReadAt(b, off)
	c.n.Add(int64(n))
	return n, err
}

// assemble opens the target down to one machine.
func (r *run) assemble() (*guest.Guest, error) {
	if r.t.Machine != nil {
		return r.t.Machine.guest(r.gap)
	}
	if r.t.Dir != "" {
		return r.directory()
	}
	var disks []volume.Disk
	var images []*disk.File
	for _, f := range r.t.Images {
		img, err := f.open(r.o.Disk)
		if err != nil {
			return nil, r.imageError(f, err)
		}
		r.closers = append(r.closers, img)
		r.inv.Disks = append(r.inv.Disks, describeDisk(f.Path, img))
		images = append(images, img)
		disks = append(disks, volume.Disk{Name: path.Base(f.Path), ReaderAt: counted{img, &r.read}, Size: img.Size()})
	}
	layout, err := volume.Scan(disks)
	if err != nil {
		return nil, err
	}
	for i, t := range layout.Tables {
		r.inv.Disks[i].Table = t
	}
	for _, p := range layout.Problems {
		r.gap(finding.NewGap(p.Kind, finding.Where{Volume: p.Volume}, "%s", p.Detail))
	}
	var sources []guest.Source
	for _, v := range layout.Volumes {
		if s, ok := r.open(v, images); ok {
			sources = append(sources, s)
		}
	}
	g, err := guest.Assemble(sources)
	if errors.Is(err, guest.ErrNoFileSystem) {
		r.inventory(nil)
		return nil, ErrNothing
	}
	if err == nil {
		g.Residue = residues(sources, images)
	}
	return g, err
}

// imageError turns an image that is recognised but cannot be read into a gap
// beside the error.
func (r *run) imageError(f ImageFile, err error) error {
	var u *binread.UnsupportedError
	if errors.As(err, &u) {
		r.gap(fsys.Gap(finding.Where{Volume: path.Base(f.Path)}, err))
	}
	return err
}

func describeDisk(name string, img *disk.File) report.Disk {
	i := img.Info()
	return report.Disk{Name: path.Base(name), Format: i.Format, Variant: i.Variant, Size: img.Size(),
		Backing: i.Backing, Snapshots: i.Snapshots, Notes: i.Notes}
}

// open opens a volume's file system; what cannot be opened is a gap.
func (r *run) open(v *volume.Volume, images []*disk.File) (guest.Source, bool) {
	entry := report.Volume{Name: v.Name, Content: v.Content, Size: v.Size, UUID: v.UUID, Label: v.Label}
	s := guest.Source{Name: v.Name, UUID: v.UUID, Label: v.Label, PartUUID: v.PartUUID, PartName: v.PartName,
		Content: v.Content, Size: v.Size, Bytes: v, Data: dataOf(v, images)}
	defer func() { r.inv.Volumes = append(r.inv.Volumes, entry) }()
	where := finding.Where{Volume: v.Name}
	if v.Problem != nil {
		entry.Problem = v.Problem.Detail
		r.gap(finding.NewGap(v.Problem.Kind, where, "%s", v.Problem.Detail))
		return s, false
	}
	switch {
	case v.Content == "swap":
		return s, true
	case v.Content == "zero", v.Content == "lvm2", bootCode[v.Type]: // nothing, or looked at elsewhere
		return s, false
	}
	f, err := probe.Open(v, v.Size)
	if err != nil {
		entry.Problem = err.Error()
		r.gap(volumeGap(v, err))
		return s, false
	}
	d := f.Describe()
	entry.Content, entry.Replayed = d.Type, d.Replayed
	s.FS, s.Content = f, d.Type
	for _, p := range d.Problems {
		r.gap(finding.NewGap(p.Kind, finding.Where{Volume: v.Name, Path: p.Path}, "%s", p.Detail))
	}
	return s, true
}

// bootCode are types of partitions that hold a boot loader's code and no file
// system: BIOS boot (GRUB's core.img) and PowerPC PReP.
var bootCode = map[string]bool{
	"21686148-6449-6E6F-744E-656564454649": true,
	"9E1A2D38-C612-4316-AA26-8B49521E5A8B": true,
	"0x41":                                 true,
}

// volumeGap says why a volume was not inspected.
func volumeGap(v *volume.Volume, err error) finding.Gap {
	where := finding.Where{Volume: v.Name}
	switch {
	case errors.Is(err, binread.ErrNotMine) && v.Content != "":
		return finding.NewGap(finding.GapUnsupported, where, "%s is not read by this version", v.Content)
	case errors.Is(err, binread.ErrNotMine):
		return finding.NewGap(finding.GapUnknown, where, "%d bytes of a kind that nobody recognised", v.Size)
	}
	return fsys.Gap(where, err)
}

// directory makes a machine of a directory of the host.
func (r *run) directory() (*guest.Guest, error) {
	f, err := hostfs.Open(r.t.Dir, r.t.Live)
	if err != nil {
		return nil, err
	}
	r.closers = append(r.closers, f)
	files, err := r.running(f)
	if err != nil {
		return nil, err
	}
	tree, err := fsys.NewTree(fsys.Mount{Path: "/", Name: "dir", FS: files, Root: files.Root()})
	if err != nil {
		return nil, err
	}
	g := guest.New(tree)
	if g.Live = r.t.Live && !r.o.AsImage; r.o.AsImage {
		f.OnDisk()
	}
	if g.OS().Family == guest.Other {
		r.gap(finding.NewGap(finding.GapMissing, finding.Where{Path: "/"}, "no operating system was found: files are checked, accounts and sshd cannot be"))
	}
	return g, nil
}

// check runs the suite over the machine, then over what it does not mount.
func (r *run) check(g *guest.Guest, suite []*check.Check[*guest.Guest]) error {
	r.inventory(g)
	for _, p := range g.Problem {
		r.gap(p)
	}
	r.reported = map[string]bool{}
	err := r.examine(g, suite, func(f finding.Finding) {
		r.reported[f.ID] = true
		r.finding(f)
	})
	if err != nil {
		return err
	}
	return r.spare(g, suite)
}

// examine runs the suite over one guest and reports in its order.
func (r *run) examine(g *guest.Guest, suite []*check.Check[*guest.Guest], report func(finding.Finding)) error {
	parallel := r.o.Parallel
	if parallel <= 0 {
		parallel = runtime.GOMAXPROCS(0)
	}
	suite = slices.DeleteFunc(slices.Clone(suite), func(c *check.Check[*guest.Guest]) bool { return !c.For(string(g.OS().Family)) })
	var o overlap
	var meter check.Meter
	err := check.Run(r.ctx, g, suite, check.Options{
		Parallel: parallel, Key: r.o.Key, Seen: r.o.seen, Memo: r.o.memo, Meter: &meter, Reading: r.o.Reading,
		Report: func(f finding.Finding) {
			if !o.hold(f) {
				report(f)
			}
		},
		Gap:      r.gap,
		Metered:  func(done, total int64) { r.progress("read", done, total, "bytes") },
		Progress: func(done, total int) { r.progress("check", int64(done), int64(total), "checks") },
	})
	for _, f := range o.release() {
		report(f)
	}
	x := g.Index()
	r.verdict.Files += len(x.Files)
	r.verdict.Sealed += int(meter.Sealed.Load())
	if r.t.Dir != "" { // an image counts what is read of it itself
		r.read.Add(meter.Done.Load())
	}
	for _, f := range x.Faults {
		r.gap(f)
	}
	for _, f := range g.Tree.Faults() {
		r.gap(fsys.Gap(finding.Where{Volume: f.Volume, Path: f.Path}, f.Err))
	}
	for _, m := range g.Tree.Mounts() { // a directory's problems show only when it was walked
		for _, p := range m.FS.Describe().Problems {
			r.gap(finding.NewGap(p.Kind, finding.Where{Volume: m.Name, Path: p.Path}, "%s", p.Detail))
		}
	}
	if p := g.Packages().Problem; p != "" {
		r.gap(finding.NewGap(finding.GapUnreadable, finding.Where{Path: "package database"}, "%s", p))
	}
	return err
}

func (r *run) finding(f finding.Finding) {
	if r.verdict.Findings == nil {
		r.verdict.Findings = map[string]int{}
	}
	r.verdict.Findings[f.Severity.String()]++
	r.send(report.Message{Finding: &f})
}

func (r *run) progress(phase string, done, total int64, unit string) {
	r.send(report.Message{Progress: &report.Progress{Phase: phase, Done: done, Total: total, Unit: unit}})
}
