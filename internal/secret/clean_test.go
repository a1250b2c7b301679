package secret

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/internal/need"
)

// regular calls f for each regular file below root.
func regular(t testing.TB, root string, f func(name string, size int64)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			f(name, info.Size())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// scanTree scans the files below root and returns the candidates worth a
// reader's time, as "path: rule".
func scanTree(t testing.TB, root, inside string) (worth, less []string, read int64) {
	s := mustEngine(t).NewScanner()
	regular(t, root, func(name string, size int64) {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		path := inside + strings.TrimPrefix(name, root)
		read += size
		err = s.Scan(context.Background(), Source{Path: path, Size: size}, f, func(c Candidate) {
			line := path + ":" + c.Rule + " " + c.Reason.EN + " | " + c.Excerpt
			if c.Confidence >= Worth {
				worth = append(worth, line)
			} else {
				less = append(less, line)
			}
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	return worth, less, read
}

func logLines(t *testing.T, what string, list []string) {
	sort.Strings(list)
	rules := map[string]int{}
	for _, l := range list {
		_, rest, _ := strings.Cut(l, ":")
		rule, _, _ := strings.Cut(rest, " ")
		rules[rule]++
	}
	t.Logf("%s: %d %v", what, len(list), rules)
	for _, l := range list[:min(len(list), 400)] {
		t.Logf("  %.300q", l)
	}
}

// TestStockRoot demands silence about a distribution as it is delivered.
func TestStockRoot(t *testing.T) {
	stockRoot := need.StockRoot(t)
	start := time.Now()
	worth, less, read := scanTree(t, stockRoot, "")
	owned := packaged(t, stockRoot)
	var packages, own []string
	for _, l := range worth {
		path, _, _ := strings.Cut(l, ":")
		switch {
		case owned[path] || owned[strings.TrimPrefix(path, "/usr")]:
			packages = append(packages, l)
		case strings.HasPrefix(path, "/etc/ssh/ssh_host_"): // real: made when the package was installed
		default:
			own = append(own, l)
		}
	}
	t.Logf("%d bytes in %v", read, time.Since(start))
	logLines(t, "below Worth", less)
	logLines(t, "worth, in files of packages", packages)
	logLines(t, "worth, in no package", own)
	if len(own) > 0 {
		t.Error("a stock system has candidates of medium or above")
	}
}

// packaged are the files that dpkg's lists name.
func packaged(t *testing.T, root string) map[string]bool {
	lists, err := filepath.Glob(root + "/var/lib/dpkg/info/*.list")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, name := range lists {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range strings.Fields(string(b)) {
			out[path] = true
		}
	}
	return out
}

// TestGoTree counts what the Go source tree gives: tests with keys in them, and
// nothing else.
func TestGoTree(t *testing.T) {
	root := runtime.GOROOT()
	need.That(t, root != "", "no Go tree")
	worth, less, read := scanTree(t, filepath.Join(root, "src"), "/usr/local/go/src")
	t.Logf("%d bytes", read)
	logLines(t, "below Worth", less)
	logLines(t, "worth", worth)
}

// cpuTime is what this process has used, in seconds: on a machine that others
// use too it says more than the clock.
func cpuTime(t testing.TB) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

func benchTree(b *testing.B, root string) {
	type file struct {
		path string
		body []byte
	}
	var files []file
	var total int64
	regular(b, root, func(name string, size int64) {
		if body, err := os.ReadFile(name); err == nil && total < 400<<20 {
			files = append(files, file{strings.TrimPrefix(name, root), body})
			total += int64(len(body))
		}
	})
	need.That(b, total > 0, "nothing at %s", root)
	s := mustEngine(b).NewScanner()
	b.Run("scan", func(b *testing.B) {
		b.SetBytes(total)
		b.ReportAllocs()
		cpu := cpuTime(b)
		for b.Loop() {
			for _, f := range files {
				if err := s.Scan(context.Background(), Source{Path: f.path, Size: int64(len(f.body))}, bytes.NewReader(f.body), func(Candidate) {}); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(total)*float64(b.N)/1e6/(cpuTime(b)-cpu), "MB/cpu-s")
	})
	b.Run("filter", func(b *testing.B) {
		b.SetBytes(total)
		cpu := cpuTime(b)
		for b.Loop() {
			for _, f := range files {
				for at := 0; at+front+tailPad < len(f.body); at += BufferSize {
					end := min(at+BufferSize, len(f.body)-tailPad)
					if at+front < end {
						s.hits = s.e.all.find(f.body, at+front, end, end, s.hits[:0])
					}
				}
			}
		}
		b.ReportMetric(float64(total)*float64(b.N)/1e6/(cpuTime(b)-cpu), "MB/cpu-s")
	})
	b.Run("indexbyte", func(b *testing.B) {
		b.SetBytes(total)
		n := 0
		for b.Loop() {
			for _, f := range files {
				n += bytes.Count(f.body, []byte{'\n'})
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(total)
		for b.Loop() {
			for _, f := range files {
				h, err := os.Open(root + f.path)
				if err != nil {
					b.Fatal(err)
				}
				for err == nil {
					_, err = h.Read(s.buf)
				}
				h.Close()
				if err != io.EOF {
					b.Fatal(err)
				}
			}
		}
	})
}

func BenchmarkStockRoot(b *testing.B) { benchTree(b, need.StockRoot(b)) }
func BenchmarkGoTree(b *testing.B)    { benchTree(b, filepath.Join(runtime.GOROOT(), "src")) }
