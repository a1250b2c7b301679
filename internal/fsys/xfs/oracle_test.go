package xfs

import (
	"testing"
)

var variants = []struct {
	name string
	size int64
	big  bool
	args []string
}{
	{"default", 512 << 20, true, nil},
	{"block1k-rmap", 512 << 20, false, []string{"-b", "size=1k", "-m", "rmapbt=1"}},
	{"block2k-dir8k", 512 << 20, true, []string{"-b", "size=2k", "-n", "size=8192"}},
	{"dir64k", 512 << 20, false, []string{"-n", "size=65536"}},
	{"inode1k", 512 << 20, false, []string{"-i", "size=1024,nrext64=1"}},
	{"inode2k-nosparse", 512 << 20, false, []string{"-i", "size=2048,sparse=0"}},
	{"manygroups", 2 << 30, false, []string{"-d", "agcount=25", "-l", "size=64m"}},
	{"sector4k", 512 << 20, false, []string{"-s", "size=4096", "-m", "bigtime=0,reflink=0"}},
	{"minimal-v5", 512 << 20, false, []string{"-m", "bigtime=0,reflink=0,finobt=0,inobtcount=0", "-i", "sparse=0"}},
}

func TestKernelSeesTheSame(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			img := mkfs(t, v.size, v.args...)
			dir, umount := mount(t, img, "rw")
			populate(t, dir, v.big)
			umount()
			dir, umount = mount(t, img, "ro")
			fs := openImage(t, img)
			if !fs.LogState().Clean || len(fs.Describe().Problems) > 0 {
				t.Errorf("%+v, %+v", fs.LogState(), fs.Describe())
			}
			n := compare(t, fs, dir)
			t.Logf("%d files compared", n)
			umount()
		})
	}
}
