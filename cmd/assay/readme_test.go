package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadme runs every command of the READMEs: assay's on the demo image,
// make's by looking for the target.
func TestReadme(t *testing.T) {
	img := demo(t)
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "assay")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"README.md", "README.zh.md"} {
		b, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for _, link := range []string{"image.qcow2", "boot.img"} {
			if err := os.Link(img, filepath.Join(dir, link)); err != nil {
				t.Fatal(err)
			}
		}
		policy := `{"Version": "1", "Statement": [{"Action": ["ecs:RunInstances", "ecs:CreateInstance", "ecs:ReplaceSystemDisk"],
  "Resource": "*", "Condition": {"Bool": {"ecs:PasswordInherit": ["true"]}}, "Effect": "Deny"}]}`
		if err := os.WriteFile(filepath.Join(dir, "password-inherit.json"), []byte(policy), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, f := range []string{"data.img", "rootfs/etc/passwd"} {
			p := filepath.Join(dir, f)
			_ = os.MkdirAll(filepath.Dir(p), 0o755)
			if err := os.WriteFile(p, make([]byte, 1<<20), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		n := 0
		for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(b), -1) {
			for line := range strings.Lines(block[1]) {
				n++
				readmeLine(t, dir, bin, string(makefile), strings.Fields(line))
			}
		}
		if n < 6 {
			t.Errorf("%s has only %d commands: are they found?", name, n)
		}
	}
}

func readmeLine(t *testing.T, dir, bin, makefile string, f []string) {
	t.Helper()
	switch f[0] {
	case "make":
		if !strings.Contains(makefile, "\n"+f[1]+":") {
			t.Errorf("no target %s", f[1])
		}
	case "assay":
		c := exec.Command(bin, f[1:]...)
		c.Dir = dir
		c.Env = append(os.Environ(), "HOME="+dir)
		out, err := c.CombinedOutput()
		if code := c.ProcessState.ExitCode(); code != 0 && code != 3 && code != 4 {
			t.Errorf("%v: exit %d, %v\n%s", f, code, err, out)
		}
	default:
		t.Errorf("cannot run %v", f)
	}
}
