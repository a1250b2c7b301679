package need

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// miss skips t, or fails it where everything must be present.
func miss(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("ASSAY_REQUIRE") == "1" {
		t.Fatalf("ASSAY_REQUIRE=1: "+format, args...)
	}
	t.Skipf(format, args...)
}

// Tool needs every named program, also in the sbin folders that an ordinary
// user's PATH lacks. It returns the path of the first.
func Tool(t testing.TB, names ...string) string {
	t.Helper()
	first := ""
	for _, n := range names {
		p, err := exec.LookPath(n)
		for _, d := range []string{"/usr/sbin", "/sbin", "/usr/lib/openssh"} {
			if err != nil {
				p, err = exec.LookPath(filepath.Join(d, n))
			}
		}
		if err != nil {
			miss(t, "%s is not installed (make tools installs it)", n)
		}
		if first == "" {
			first = p
		}
	}
	return first
}

// Root needs the rights to mount: uid 0 on Linux.
func Root(t testing.TB) {
	t.Helper()
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		miss(t, "needs root on Linux")
	}
}

// That needs something that is neither a program nor a right: what a kernel, a
// file system or a library can do.
func That(t testing.TB, ok bool, format string, args ...any) {
	t.Helper()
	if !ok {
		miss(t, format, args...)
	}
}

// Perl needs perl and modules of it. It returns perl's path.
func Perl(t testing.TB, modules ...string) string {
	t.Helper()
	perl := Tool(t, "perl")
	for _, m := range modules {
		out, err := exec.Command(perl, "-M"+m, "-e1").CombinedOutput()
		That(t, err == nil, "perl has no %s (make tools installs it): %s", m, out)
	}
	return perl
}

// Python needs the distribution's python3, as another one has its own modules,
// and modules of it. It returns its path.
func Python(t testing.TB, modules ...string) string {
	t.Helper()
	const python = "/usr/bin/python3"
	_, err := os.Stat(python)
	That(t, err == nil, "%s is not installed (make tools installs it)", python)
	for _, m := range modules {
		out, err := exec.Command(python, "-c", "import "+m).CombinedOutput()
		That(t, err == nil, "python3 has no %s (make tools installs it): %s", m, out)
	}
	return python
}

// Corpus returns a folder of the samples that lie beside the checkout, and
// skips where they are absent: the project tests itself without them, so this
// skip is never a failure.
func Corpus(t testing.TB, name string) string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(here), "..", "..", "..", "shared", "corpora", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no sample folder %s", name)
	}
	return dir
}

// StockRoot needs a Debian root as debootstrap makes it and returns its path.
// No test makes it in passing: that takes a minute and the network.
func StockRoot(t testing.TB) string {
	t.Helper()
	const dir = "/tmp/assay-debootstrap-minbase"
	_, err := os.Stat(dir + "/var/lib/dpkg/status")
	That(t, err == nil, "no %s (as root, scripts/stock-root.sh makes it)", dir)
	return dir
}

// Run runs a command and fails the test with its output when it fails. It
// returns what the command printed on both streams.
func Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(Tool(t, name), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}
