package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/need"
)

// The test binary is its own child: "__sandbox DIR SPILL" tries what a captured
// parser would try and prints what worked.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "__sandbox" {
		captured()
		return
	}
	os.Exit(m.Run())
}

func captured() {
	var dir, spill string
	fmt.Fscan(os.Stdin, &dir, &spill)
	level, err := Enter(Policy{Read: []string{dir}, Spill: spill}, Limits{Memory: 256 << 20}, true)
	fmt.Println("level", level, err)
	try := func(what string, err error) { fmt.Println(what, err == nil) }
	_, err = os.ReadFile("/etc/passwd")
	try("passwd", err)
	_, err = os.ReadFile(filepath.Join(dir, "in"))
	try("inside", err)
	try("write", os.WriteFile(filepath.Join(dir, "new"), nil, 0o600))
	try("spill", os.WriteFile(filepath.Join(spill, "new"), nil, 0o600))
	f := os.NewFile(3, "inherited")
	b := make([]byte, 5)
	_, err = f.ReadAt(b, 0)
	try("inherited "+string(b), err)
	_, err = net.DialTimeout("tcp", "127.0.0.1:9", time.Second)
	fmt.Println("connect denied", err != nil && strings.Contains(err.Error(), "permission denied"))
	_, err = os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{})
	try("exec", err)
	fmt.Println("secret", os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET"))
}

func TestCapturedChild(t *testing.T) {
	dir, spill := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "in"), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "canary")
	f, err := os.Open(filepath.Join(dir, "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := Child(context.Background(), "__sandbox", []*os.File{f})
	if err != nil {
		t.Fatal(err)
	}
	c.Stdin = strings.NewReader(dir + " " + spill)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	need.That(t, !strings.Contains(out.String(), "no Landlock"), "this kernel has no Landlock: %s", &out)
	for _, want := range []string{"level landlock-v", "passwd false", "inside true", "write false", "spill true",
		"inherited hello true", "connect denied true", "exec false"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("want %q in\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "canary") {
		t.Error("the child has the caller's cloud secret in its environment")
	}
}
