package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"assay"
	"assay/check"
	"assay/finding"
	"assay/internal/cli"
	"assay/internal/report"
	jsonreport "assay/internal/report/json"
	"assay/internal/sandbox"
)

// childArg makes this program the reader of one hostile target: it gets a job
// on stdin, the images as descriptors 3, 4, …, and answers with the stream on
// stdout. It is no command for people.
const childArg = "__inspect"

// firstFile is the descriptor of the first inherited file.
const firstFile = 3

// A job is what the parent asks of the child.
type job struct {
	Target    string
	Images    []string // paths, for names in headers to relate to
	Dir       string
	Live      bool
	Machine   string // "" or how the archive of a running machine on descriptor 3 came: "private", "masked"
	Checks    []string
	NoContent bool
	Reading   check.Reading
	Digest    bool
	Disk      assay.DiskOptions
	Key       []byte
	Started   time.Time
	Sandbox   string // "auto" or "require"
	Memory    int64
	Read      []string // what the child may open by path
	Clean     *cleanJob
	// DigestOnly asks for the verdict's digests and nothing else.
	DigestOnly bool
}

func (j job) options() assay.Options {
	return assay.Options{Checks: j.Checks, NoContent: j.NoContent, Reading: j.Reading, Digest: j.Digest, Disk: j.Disk, Key: j.Key,
		Started: j.Started, Command: "inspect"}
}

// child runs in the sandboxed process.
func child(in io.Reader, out, errs *os.File) int {
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		fmt.Fprintln(errs, "no job:", err)
		return cli.ExitUsage
	}
	policy := sandbox.Policy{Read: j.Read}
	if j.Disk.SpillDir != "" {
		policy.Spill = j.Disk.SpillDir
	}
	t := assay.Target{Name: j.Target, Dir: j.Dir, Live: j.Live}
	if j.Machine != "" {
		t.Machine = assay.NewMachine(os.NewFile(firstFile, "machine"), j.Machine == "masked")
	}
	for i, p := range j.Images {
		t.Images = append(t.Images, assay.ImageFile{Path: p, File: os.NewFile(uintptr(firstFile+i), p)})
	}
	level, err := sandbox.Enter(policy, sandbox.Limits{Memory: j.Memory}, j.Sandbox == "require")
	if err != nil {
		fmt.Fprintln(errs, err)
		return cli.ExitFailed
	}
	o := j.options()
	o.Sandbox = level
	o.Disk.Siblings = len(j.Read) > 0 && j.Dir == ""
	if j.DigestOnly {
		return digestOnly(t, o, jsonreport.New(out, true))
	}
	if j.Clean != nil {
		return j.Clean.run(t, o, firstFile+len(j.Images), jsonreport.New(out, true), errs)
	}
	if err := assay.Inspect(context.Background(), t, o, jsonreport.New(out, true)); err != nil {
		return cli.ExitFailed // told by the verdict in the stream
	}
	return cli.ExitClean
}

// digestOnly answers with the digests of the first image.
func digestOnly(t assay.Target, o assay.Options, h report.Handler) int {
	v := &report.Verdict{Catalogue: assay.CatalogueVersion()}
	var err error
	v.SHA256, v.DiskSHA256, err = assay.Digests(context.Background(), t.Images[0], o.Disk, func(int64, int64) {})
	if err != nil {
		v.Error = err.Error()
	}
	if err := h.Handle(report.Message{Verdict: v}); err != nil {
		return cli.ExitFailed
	}
	return cli.ExitClean
}

// maxComplaint bounds what is kept of a child's stderr.
const maxComplaint = 16 << 10

// inspectInChild runs one target in a child and hands its stream to h. more
// are further descriptors for the child, behind the images.
func (a *app) inspectInChild(ctx context.Context, j job, t assay.Target, h report.Handler, more ...*os.File) error {
	j.Target, j.Dir, j.Live = t.Name, t.Dir, t.Live
	var files []*os.File
	compressed := false
	for _, i := range t.Images {
		abs, err := filepath.Abs(i.Path)
		if err != nil {
			return err
		}
		j.Images = append(j.Images, abs)
		files = append(files, i.File)
		head := sniff(i.File)
		if j.Disk.AllowBacking || head == "vmdk" {
			j.Read = append(j.Read, filepath.Dir(abs))
		}
		compressed = compressed || head == "compressed"
	}
	if t.Dir != "" {
		j.Read = []string{t.Dir}
	}
	if t.Machine != nil {
		pipe, err := t.Machine.Pipe()
		if err != nil {
			return err
		}
		defer pipe.Close()
		files, j.Machine = append(files, pipe), map[bool]string{false: "private", true: "masked"}[t.Machine.Masked()]
	}
	if !compressed {
		j.Disk.SpillDir = ""
	} else {
		dir, err := os.MkdirTemp(j.Disk.SpillDir, "assay-")
		if err != nil {
			return cli.OpenError(j.Disk.SpillDir, err)
		}
		defer os.RemoveAll(dir)
		j.Disk.SpillDir = dir
	}
	if !inherits {
		return here(ctx, j, t, h)
	}
	in, err := json.Marshal(j)
	if err != nil {
		return err
	}
	c, err := sandbox.Child(ctx, childArg, append(files, more...))
	if err != nil {
		return err
	}
	var complaint tail
	c.Stdin, c.Stderr = bytes.NewReader(in), &complaint
	out, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return &cli.Error{Code: cli.ExitFailed, What: finding.T("the sandboxed reader could not be started", "无法启动沙箱进程"), Err: err,
			Hint: finding.T("if this host forbids it, use --sandbox=off", "如果本机不允许，请使用 --sandbox=off")}
	}
	w := &watch{Handler: h}
	decodeErr := report.Decode(out, w)
	_, _ = io.Copy(io.Discard, out)
	waitErr := c.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if decodeErr == nil && w.verdict && (waitErr == nil || j.Clean == nil) {
		return nil
	}
	if decodeErr == nil && w.verdict {
		return errNotCleaned // the verdict says why
	}
	return w.died(t, decodeErr, waitErr, complaint.String())
}

// sniff tells from its first bytes what an image needs of the host: "vmdk" for
// a text descriptor that names files beside it, "compressed" for gzip and zstd.
func sniff(f *os.File) string {
	var b [32]byte
	n, _ := f.ReadAt(b[:], 0)
	head := string(b[:n])
	switch {
	case strings.HasPrefix(head, "# Disk DescriptorFile"):
		return "vmdk"
	case strings.HasPrefix(head, "\x1f\x8b"), strings.HasPrefix(head, "\x28\xb5\x2f\xfd"):
		return "compressed"
	}
	return ""
}

// watch notes what passed, so that a child that dies leaves a stream that says
// so.
type watch struct {
	report.Handler
	config, verdict bool
}

func (w *watch) Handle(m report.Message) error {
	w.config = w.config || m.Config != nil
	w.verdict = w.verdict || m.Verdict != nil
	return w.Handler.Handle(m)
}

// died closes the stream of a child that did not.
func (w *watch) died(t assay.Target, decodeErr, waitErr error, complaint string) error {
	why := "the sandboxed reader ended before its verdict"
	first, _, _ := strings.Cut(strings.TrimSpace(complaint), "\n")
	switch {
	case strings.Contains(complaint, "out of memory") || strings.Contains(complaint, "cannot allocate"):
		why = "the sandboxed reader ran out of memory: give it more with --memory"
	case first != "":
		why += ": " + first
	case waitErr != nil:
		why += ": " + waitErr.Error()
	case decodeErr != nil:
		why += ": " + decodeErr.Error()
	}
	if !w.config {
		if err := w.Handler.Handle(report.Message{Config: &report.Config{Protocol: report.Protocol, Tool: "assay", Version: assay.Version,
			Command: "inspect", Target: t.Name, Catalogue: assay.CatalogueVersion()}}); err != nil {
			return err
		}
	}
	return errors.Join(w.Handler.Handle(report.Message{Verdict: &report.Verdict{Error: why, Catalogue: assay.CatalogueVersion()}}))
}

// tail keeps the first bytes of a complaint.
type tail struct{ bytes.Buffer }

func (t *tail) Write(b []byte) (int, error) {
	if room := maxComplaint - t.Len(); room > 0 {
		t.Buffer.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}
