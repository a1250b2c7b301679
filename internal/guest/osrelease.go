package guest

import (
	"strings"

	"assay/internal/artefact/osrelease"
	"assay/internal/fsys"
)

// readOS says which system this is. os-release(5) comes first; the files that
// stood in for it before it was invented follow.
func (g *Guest) readOS() OS {
	os := g.release()
	if b, err := g.Read("/etc/image-id"); err == nil {
		os.Image = osrelease.Parse(b)["image_id"]
	}
	return os
}

func (g *Guest) release() OS {
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release", "/etc/initrd-release"} {
		b, err := g.Read(name)
		if err != nil || len(b) == 0 {
			continue
		}
		v := osrelease.Parse(b)
		os := OS{Family: Linux, ID: strings.ToLower(v["ID"]), Like: strings.Fields(strings.ToLower(v["ID_LIKE"])),
			Version: v["VERSION_ID"], Name: v["PRETTY_NAME"]}
		if os.Name == "" {
			os.Name = strings.TrimSpace(v["NAME"] + " " + v["VERSION"])
		}
		if os.ID == "" {
			os.ID = "linux" // as os-release(5) says
		}
		return os
	}
	for _, f := range []struct{ path, id string }{
		{"/etc/alpine-release", "alpine"}, {"/etc/redhat-release", ""}, {"/etc/system-release", ""},
		{"/etc/SuSE-release", "suse"}, {"/etc/debian_version", "debian"}, {"/etc/arch-release", "arch"}, {"/etc/gentoo-release", "gentoo"},
	} {
		b, err := g.Read(f.path)
		if err != nil || b == nil {
			continue
		}
		line, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
		os := OS{Family: Linux, ID: f.id, Name: line}
		if f.id == "" {
			os.ID, os.Version = osrelease.RedHat(line)
			os.Like = []string{"rhel", "fedora"}
		} else if f.id == "alpine" || f.id == "debian" {
			os.Version, os.Name = line, f.id+" "+line
		}
		return os
	}
	switch {
	case windowsRoot(g.Tree):
		return g.windowsOS()
	case g.Exists("/etc/passwd") && (g.Exists("/bin") || g.Exists("/usr/bin")):
		return OS{Family: Linux, ID: "linux"}
	}
	return OS{}
}

// windowsRoot looks for Windows/System32/config without regard to case, as
// Windows does.
func windowsRoot(t *fsys.Tree) bool {
	dir := ""
	for _, want := range []string{"Windows", "System32", "config"} {
		es, _ := t.ReadDir(dir + "/")
		found := false
		for _, e := range es {
			if strings.EqualFold(e.Name, want) && (e.Kind == fsys.Directory || e.Kind == fsys.Unknown) {
				dir, found = dir+"/"+e.Name, true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}
