package assay

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"assay/finding"
	"assay/internal/fsys"
	"assay/internal/fsys/memfs"
	"assay/internal/guest"
	"assay/internal/remote"
)

// A Machine is a running machine as its probe describes it.
type Machine struct {
	archive io.Reader
	masked  bool // brought through a channel that must not carry secrets
}

// Observe brings what the checks need to know of a running machine. It changes
// nothing there.
func Observe(ctx context.Context, sh remote.Shell) (*Machine, error) {
	b, err := remote.Probe(ctx, sh)
	if err != nil {
		return nil, err
	}
	return &Machine{bytes.NewReader(b), !sh.Private()}, nil
}

// NewMachine is the machine whose archive r gives: the other end of Pipe.
func NewMachine(r io.Reader, masked bool) *Machine { return &Machine{r, masked} }

// Masked reports whether hashes and private files stayed on the machine.
func (m *Machine) Masked() bool { return m.masked }

// Pipe gives the archive to another process, so that no secret of the machine
// touches a disk of this host. The caller closes the file; m is used up.
func (m *Machine) Pipe() (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	go func() {
		_, _ = io.Copy(w, m.archive) // a reader that went away says so itself
		w.Close()
	}()
	return r, nil
}

// guest makes a guest of the probe's files. Gaps say what stayed there.
func (m *Machine) guest(gap func(finding.Gap)) (*guest.Guest, error) {
	var files []memfs.File
	err := remote.Files(m.archive, func(f remote.File) {
		x := memfs.File{Path: f.Path, Data: f.Data, Link: f.Link,
			Meta: fsys.Meta{Kind: fsys.Regular, Mode: f.Mode, UID: f.UID, GID: f.GID, Mtime: fsys.Time{Sec: f.Mtime}}}
		switch {
		case f.Path == "/": // tar names the top, too; it is there already
			return
		case f.Cut:
			gap(finding.NewGap(finding.GapLimit, finding.Where{Path: f.Path}, "the folder holds more than a probe brings: the rest was not looked at"))
			return
		case f.Dir:
			x.Meta.Kind = fsys.Directory
		case f.Link != "":
			x.Meta.Kind = fsys.Symlink
		}
		files = append(files, x)
	})
	if err != nil {
		return nil, err
	}
	fs := memfs.New(files...)
	tree, err := fsys.NewTree(fsys.Mount{Path: "/", Name: "machine", FS: fs, Root: fs.Root()})
	if err != nil {
		return nil, err
	}
	g := guest.New(tree)
	g.Live = true
	if g.OS().Family == guest.Other {
		return nil, fmt.Errorf("the machine's probe shows no operating system")
	}
	if m.masked {
		gap(scope(finding.T("Looked at: accounts, who may log in, sshd and sudo. Not looked at: everything else; hashes and private files do not travel through Cloud Assistant. For the rest inspect an image of this machine, or use ssh://",
			"已检查：账户、登录方式、sshd 和 sudo。其余内容未检查；哈希和私有文件不会经云助手传输。如需检查其余内容，请检查该机器的镜像，或使用 ssh://")))
	} else {
		gap(scope(finding.T("Looked at: settings, accounts, homes and temporary folders. Not looked at: the rest of the disk and what deleted files left. For the rest inspect an image of this machine",
			"已检查：系统设置、账户、主目录和临时目录。未检查：磁盘其余部分及已删除文件的残留。如需检查其余内容，请检查该机器的镜像")))
	}
	return g, nil
}

// scope says what a probe looks at, in place of the kind's own words.
func scope(says finding.Text) finding.Gap {
	g := finding.NewGap(finding.GapScope, finding.Where{Path: "/"}, "")
	g.Title = says
	return g
}
