package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"assay/internal/need"
)

// TestMain makes the test binary stand for assay itself: scripts call "assay",
// and the sandboxed child runs this binary again.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == childArg {
		os.Exit(child(os.Stdin, os.Stdout, os.Stderr))
	}
	testscript.Main(m, map[string]func(){"assay": main})
}

// demo builds the demo image once for all scripts; "" where mke2fs is missing.
func demo(t *testing.T) string {
	t.Helper()
	need.Tool(t, "mke2fs", "debugfs")
	img := filepath.Join(t.TempDir(), "web.img")
	if out, err := exec.Command("go", "run", "assay/internal/demo", "-o", img).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return img
}

func TestScripts(t *testing.T) {
	img := demo(t)
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") == "1",
		Setup: func(e *testscript.Env) error {
			e.Setenv("IMG", img)
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			e.Setenv("LC_ALL", "C.UTF-8")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits runs a command and wants an exact exit code: exits 3 assay inspect x.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if x, ok := err.(*exec.ExitError); ok {
		code = strconv.Itoa(x.ExitCode())
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}
