package main

import (
	"crypto/hmac"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"assay"
	"assay/check"
	"assay/finding"
	"assay/internal/cli"
	"assay/internal/report"
)

// A shower prints the secrets behind the findings of directories once the
// report is out. The report has none and the sandboxed reader lets none out, so
// it reads their places again, and shows only what has the fingerprint that was
// found: a file that changed meanwhile shows nothing of itself.
type shower struct {
	a     *app
	out   io.Writer
	key   []byte
	dirs  map[string]string // by name of the target
	dir   string            // of the target that runs
	lines []string
}

// showing adds a shower to h, or says why secrets cannot be shown.
func (o *inspectFlags) showing(a *app, h report.Handler, key []byte, targets []assay.Target) (report.Handler, error) {
	if !o.showSecrets {
		return h, nil
	}
	if o.format != "text" || !cli.IsTerminal(os.Stdout) {
		return nil, cli.Usage(finding.T("--show-secrets shows secrets on a terminal only, as text", "--show-secrets 仅在终端以文本格式显示机密"),
			finding.T("leave out --format and do not redirect the output", "请去掉 --format，且不要重定向输出"))
	}
	s := &shower{a: a, out: os.Stdout, key: key, dirs: map[string]string{}}
	for _, t := range targets {
		if t.Dir == "" {
			return nil, cli.Usage(finding.Tf("--show-secrets cannot show what is in %s: what reads an image or another machine lets no secret out", "--show-secrets 无法显示 %s 中的机密：读取镜像或其他机器的进程不会输出机密", t.Name),
				finding.T("look at the place that the finding names, or inspect a directory that the image is mounted on", "请查看结果指出的位置，或将镜像挂载到目录后检查该目录"))
		}
		s.dirs[t.Name] = t.Dir
	}
	return report.Tee(h, s), nil
}

// Handle reads the places of a finding's secret.
func (s *shower) Handle(m report.Message) error {
	if m.Config != nil {
		s.dir = s.dirs[m.Config.Target]
	}
	f := m.Finding
	if f == nil || f.Fix == nil || f.Evidence == nil || s.dir == "" {
		return nil
	}
	for _, e := range f.Fix.Redact {
		if e.Expect != f.Evidence.Fingerprint {
			continue
		}
		if b := readBack(s.dir, e); len(b) > 0 && hmac.Equal([]byte(check.Fingerprint(s.key, b)), []byte(e.Expect)) {
			s.lines = append(s.lines, fmt.Sprintf("%s: %s", strconv.QuoteToGraphic(e.Path), strconv.QuoteToGraphic(string(b))))
			return nil
		}
	}
	return nil
}

// Close prints them, after the report.
func (s *shower) Close() error {
	if len(s.lines) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(s.out, "\n%s\n  %s\n", s.a.t("Secrets (--show-secrets):", "机密内容（--show-secrets）："), strings.Join(s.lines, "\n  "))
	return err
}

// maxShown bounds one secret: the longest is a private key.
const maxShown = 16 << 10

// readBack reads the bytes at a place below dir; nil if they are not there.
// Links out of dir are not followed, and only regular files are read.
func readBack(dir string, e finding.Edit) []byte {
	if e.Length <= 0 || e.Length > maxShown {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil
	}
	defer root.Close()
	f, err := root.OpenFile(strings.TrimPrefix(filepath.Clean(e.Path), "/"), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	b := make([]byte, e.Length)
	if _, err := f.ReadAt(b, e.Offset); err != nil {
		return nil
	}
	return b
}
