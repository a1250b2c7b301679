package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"assay/internal/need"
)

const recipes = "../../docs/recipes/"

// TestRecipes runs the commands of the recipes: those on images on the demo
// image, which has findings, those on "/" on a small tree in its place.
func TestRecipes(t *testing.T) {
	img := demo(t)
	bin := filepath.Join(t.TempDir(), "assay")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	github, gitlab := workflow(t), pipeline(t)
	for name, commands := range map[string][]string{"github-actions.yml": github, "gitlab-ci.yml": gitlab,
		"packer.md": shell(t, "packer.md"), "packer.zh.md": shell(t, "packer.zh.md")} {
		t.Run(name, func(t *testing.T) {
			if n := len(commands); n == 0 || strings.HasPrefix(name, "packer") && n != 6 {
				t.Fatalf("%d commands: are they found?", n)
			}
			for _, line := range commands {
				recipe(t, bin, img, line)
			}
		})
	}
	if en, zh := shell(t, "packer.md"), shell(t, "packer.zh.md"); !slices.Equal(en, zh) {
		t.Errorf("the translations run different commands:\n%q\n%q", en, zh)
	}
}

// recipe runs one command in a folder of its own.
func recipe(t *testing.T, bin, img, line string) {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"output", "rootfs/etc", "rootfs/root"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(line, "--live-scrub") { // on a file system of its own: filling takes all of it
		need.Root(t)
		rootfs := filepath.Join(dir, "rootfs")
		need.Run(t, "mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", rootfs)
		t.Cleanup(func() { need.Run(t, "umount", rootfs) })
		for _, d := range []string{"etc", "root"} {
			if err := os.Mkdir(filepath.Join(rootfs, d), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Link(img, filepath.Join(dir, "output/image.qcow2")); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"etc/passwd": "root:x:0:0::/root:/bin/sh\n", "etc/os-release": "ID=debian\n", "root/.bash_history": "ls\n"} {
		if err := os.WriteFile(filepath.Join(dir, "rootfs", name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := strings.Fields(line)
	if args[0] != "assay" {
		t.Fatalf("cannot run %q", line)
	}
	for i, a := range args {
		if a == "/" { // never this machine
			args[i] = "rootfs"
		}
	}
	c := exec.Command(bin, args[1:]...)
	c.Dir = dir
	c.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir)
	out, err := c.CombinedOutput()
	want := 3 // the demo image is not clean
	if slices.Contains(args, "rootfs") {
		want = 0
	}
	if code := c.ProcessState.ExitCode(); code != want {
		t.Errorf("%q: exit %d, want %d (%v)\n%s", line, code, want, err, out)
	}
	for i, a := range args {
		if a == "--report" && strings.HasSuffix(args[i+1], ".sarif") {
			b, err := os.ReadFile(filepath.Join(dir, args[i+1]))
			if err != nil || !json.Valid(b) {
				t.Errorf("%q: no SARIF to upload (%v)", line, err)
			}
		}
	}
	if slices.Contains(args, "--yes") {
		if b, err := os.ReadFile(filepath.Join(dir, "rootfs/root/.bash_history")); err == nil && len(b) > 0 {
			t.Errorf("%q left the history", line)
		}
	}
}

// shell are the commands of a recipe's sh blocks.
func shell(t *testing.T, name string) (out []string) {
	t.Helper()
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(recipeText(t, name), -1) {
		out = append(out, slices.Collect(strings.Lines(strings.TrimSpace(block[1])))...)
	}
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	// The blocks of HCL run nothing else.
	for _, m := range regexp.MustCompile(`inline = \["(assay [^"]*)"`).FindAllStringSubmatch(recipeText(t, name), -1) {
		if !slices.Contains(out, m[1]) {
			t.Errorf("%s: %q is not among the commands", name, m[1])
		}
	}
	if !strings.Contains(recipeText(t, name), `"/tmp/`+out[0]+`"`) {
		t.Errorf("%s: the provisioner does not run %q", name, out[0])
	}
	return out
}

func recipeText(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(recipes + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// workflow are the commands of the GitHub job, which uploads what it wrote even
// when it fails.
func workflow(t *testing.T) (out []string) {
	t.Helper()
	var w struct {
		Jobs map[string]struct {
			Steps []struct {
				Run, Uses, If string
				With          map[string]string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(recipeText(t, "github-actions.yml")), &w); err != nil {
		t.Fatal(err)
	}
	uploads := 0
	for _, j := range w.Jobs {
		for _, s := range j.Steps {
			if strings.HasPrefix(s.Run, "assay ") {
				out = append(out, s.Run)
			}
			if strings.Contains(s.Uses, "upload-sarif") && s.If == "always()" && strings.Contains(out[0], "--report "+s.With["sarif_file"]+" ") {
				uploads++
			}
		}
	}
	if uploads != 1 {
		t.Error("the SARIF report is not uploaded")
	}
	return out
}

func pipeline(t *testing.T) (out []string) {
	t.Helper()
	var p map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(recipeText(t, "gitlab-ci.yml")), &p); err != nil {
		t.Fatal(err)
	}
	for name, n := range p {
		var j struct {
			Script    []string
			Artifacts struct {
				When    string
				Reports map[string]string
			}
		}
		if name == "stages" {
			continue
		}
		if err := n.Decode(&j); err != nil {
			t.Fatal(err)
		}
		for _, s := range j.Script {
			if strings.HasPrefix(s, "assay ") {
				out = append(out, s)
				if j.Artifacts.When != "always" || !strings.Contains(s, j.Artifacts.Reports["junit"]) {
					t.Errorf("%s keeps no report when it fails", name)
				}
			}
		}
	}
	return out
}
