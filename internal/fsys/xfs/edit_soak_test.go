package xfs

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// TestEditorSoak edits many file systems, if ASSAY_SOAK is set: ASSAY_SEEDS of
// them (20), from ASSAY_SEED on (1), each of a random shape, unmounted or
// crashed, with random work done to it before.
func TestEditorSoak(t *testing.T) {
	if os.Getenv("ASSAY_SOAK") == "" {
		t.Skip("runs with ASSAY_SOAK=1")
	}
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
			return n
		}
		return otherwise
	}
	first := number("ASSAY_SEED", 1)
	for seed := first; seed < first+number("ASSAY_SEEDS", 20); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { soak(t, uint64(seed)) })
	}
}

func soak(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	v := variants[r.IntN(len(variants))]
	img := mkfs(t, v.size, v.args...)
	dir, umount := mount(t, img, "rw,noatime")
	must(t, os.Mkdir(dir+"/churn", 0o755))
	must(t, churn(dir+"/churn", 200+r.IntN(3000), seed))
	plant(t, dir)
	if r.IntN(3) == 0 {
		populate(t, dir, false)
	}
	must(t, os.Mkdir(dir+"/more", 0o755))
	must(t, churn(dir+"/more", 200+r.IntN(1000), seed+1000))
	crashed := r.IntN(2) == 0
	t.Logf("%s, crashed: %v", v.name, crashed)
	if crashed {
		open := deleteOpen(t, dir)
		crash(t, dir, true, func() {
			for _, f := range open {
				f.Close()
			}
			umount()
		})
	} else {
		umount()
	}
	copied := copyImage(t, img)
	dir, umount = mountDirty(t, img, copied)
	before := manifest(t, dir)
	umount()
	cleaned(t, load(t, img), before, seed)
}

// BenchmarkEditor opens and scrubs a file system of 50,000 small files.
func BenchmarkEditor(b *testing.B) {
	img := mkfs(b, 2<<30)
	dir, umount := mount(b, img, "rw")
	for i := range 50000 {
		d := fmt.Sprintf("%s/%d", dir, i/500)
		if i%500 == 0 {
			must(b, os.Mkdir(d, 0o755))
		}
		must(b, os.WriteFile(fmt.Sprintf("%s/file number %d", d, i), secret(i%6000), 0o644))
	}
	umount()
	s := load(b, img)
	b.ReportAllocs()
	for b.Loop() {
		e := newEditor(b, s.copy())
		if _, err := e.Scrub(); err != nil {
			b.Fatal(err)
		}
	}
}
