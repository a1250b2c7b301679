package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	out := flag.String("o", "demo/web-server.img", "image to write")
	seed := flag.Uint64("seed", 1, "varies the secrets")
	flag.Parse()
	if err := build(*out, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// Sizes of the demo disk in bytes.
const (
	rootSize = 96 << 20
	swapSize = 16 << 20
)

func build(out string, seed uint64) error {
	tmp, err := os.MkdirTemp("", "assay-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	g := &generator{rand: rand.New(rand.NewPCG(seed, 20261122))}
	g.system()
	g.careless()
	root := filepath.Join(tmp, "root.ext4")
	if err := g.write(filepath.Join(tmp, "tree"), root); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	return g.disk(out, root)
}

// A generator collects the files of the guest.
type generator struct {
	rand  *rand.Rand
	files []file
	gone  []string // removed again after the file system is made: their blocks stay
}

type file struct {
	path, data, link string
	mode             os.FileMode
	uid, gid         int
}

// put adds a file that belongs to root.
func (g *generator) put(path, data string) { g.own(path, data, 0o644, 0, 0) }

func (g *generator) own(path, data string, mode os.FileMode, uid, gid int) {
	g.files = append(g.files, file{path: path, data: data, mode: mode, uid: uid, gid: gid})
}

const alnum = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// token makes n random letters and digits.
func (g *generator) token(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alnum[g.rand.IntN(len(alnum))]
	}
	return string(b)
}

// write makes the ext4 image of the files: mke2fs copies the tree, debugfs then
// sets the owners that a user who is not root cannot set.
func (g *generator) write(tree, image string) error {
	var owners strings.Builder
	dirs := map[string]bool{}
	chown := func(path string, uid, gid int) {
		fmt.Fprintf(&owners, "sif %q uid %d\nsif %q gid %d\n", path, uid, path, gid)
	}
	for _, f := range g.files {
		host := filepath.Join(tree, f.path)
		for d := filepath.Dir(f.path); d != "/" && !dirs[d]; d = filepath.Dir(d) {
			dirs[d] = true
			chown(d, homeOwner(d), homeOwner(d))
		}
		if err := os.MkdirAll(filepath.Dir(host), 0o755); err != nil {
			return err
		}
		var err error
		if f.link != "" {
			err = os.Symlink(f.link, host)
		} else if err = os.WriteFile(host, []byte(f.data), f.mode); err == nil {
			err = os.Chmod(host, f.mode)
		}
		if err != nil {
			return err
		}
		chown(f.path, f.uid, f.gid)
	}
	if err := tool("mke2fs", "-q", "-F", "-t", "ext4", "-L", "rootfs", "-U", rootUUID, "-d", tree, image, fmt.Sprintf("%dk", rootSize>>10)); err != nil {
		return err
	}
	for _, path := range g.gone {
		fmt.Fprintf(&owners, "rm %q\n", path)
	}
	script := image + ".owners"
	if err := os.WriteFile(script, []byte(owners.String()), 0o600); err != nil {
		return err
	}
	return tool("debugfs", "-w", "-f", script, image)
}

// homeOwner is the user id that owns a directory of the demo.
func homeOwner(dir string) int {
	switch {
	case strings.HasPrefix(dir, "/home/deploy"):
		return 1001
	case strings.HasPrefix(dir, "/home/zhangwei"):
		return 1002
	}
	return 0
}

// tool runs a program of e2fsprogs, which Debian keeps in /sbin, out of an
// ordinary user's PATH.
func tool(name string, args ...string) error {
	path, err := exec.LookPath(name)
	for _, d := range []string{"/usr/sbin", "/sbin"} {
		if err != nil {
			path, err = exec.LookPath(filepath.Join(d, name))
		}
	}
	if err != nil {
		return fmt.Errorf("%s is missing: install e2fsprogs (Debian: apt-get install e2fsprogs)", name)
	}
	if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}
