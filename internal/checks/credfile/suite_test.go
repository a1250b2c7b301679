package credfile_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/any/app"
	"assay/internal/checks/any/cloud"
	"assay/internal/checks/any/data"
	"assay/internal/checks/linux/machine"
	"assay/internal/checks/linux/residue"
	"assay/internal/fsys/memfs"
	"assay/internal/guest"
)

var suite = slices.Concat(cloud.All, app.All, data.All, machine.All, residue.All)

// large is a tree of about 200,000 files, laid out like a busy server.
func large() *guest.Guest {
	files := []memfs.File{{Path: "/etc/passwd", Data: "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n"},
		{Path: "/root/.aws/credentials", Data: "[default]\naws_secret_access_key = q8Zr3TnVb7XkP2mWd5Yc9LsH4Gj6Fa\n"}}
	add := func(n int, pattern string, group int) {
		for i := range n {
			files = append(files, memfs.File{Path: fmt.Sprintf(pattern, i/group, i), Data: "x"})
		}
	}
	add(100_000, "/usr/share/p%d/f%d.txt", 40)
	add(40_000, "/usr/lib/p%d/m%d.py", 40)
	add(30_000, "/srv/app/node_modules/p%d/f%d.json", 20)
	add(10_000, "/var/www/html/upload/%d/u%d.jpg", 500)
	add(5_000, "/home/ann/.cache/c%d/f%d", 50)
	add(5_000, "/var/lib/mysql/shop%d/t%d.ibd", 500)
	add(5_000, "/var/lib/docker/overlay2/l%d/diff/f%d", 500)
	add(3_000, "/var/log/nginx/%d/access.log.%d.gz", 1000)
	add(1_000, "/opt/app/logs/%d/x%d.log", 500)
	add(500, "/tmp/d%d/t%d", 50)
	return guest.New(memfs.Tree(files...))
}

// BenchmarkLargeTree is what all checks of these rooms cost together, without
// the walk that every check shares.
func BenchmarkLargeTree(b *testing.B) {
	g := large()
	g.Index()
	g.Packages()
	g.Homes()
	for b.Loop() {
		found := 0
		err := check.Run(context.Background(), g, suite, check.Options{Key: []byte("k"), Report: func(finding.Finding) { found++ }, Gap: func(finding.Gap) {}})
		if err != nil || found == 0 {
			b.Fatal(err, found)
		}
	}
}

// BenchmarkEachCheck names the dear ones.
func BenchmarkEachCheck(b *testing.B) {
	g := large()
	g.Index()
	g.Packages()
	g.Homes()
	for _, c := range suite {
		b.Run(c.ID, func(b *testing.B) {
			for b.Loop() {
				err := check.Run(context.Background(), g, []*check.Check[*guest.Guest]{c}, check.Options{Report: func(finding.Finding) {}, Gap: func(finding.Gap) {}})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
