package disk_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"assay/internal/disk"
	"assay/internal/disk/disktest"
	"assay/internal/disk/overlay"
	"assay/internal/need"
)

// BenchmarkWriteAgainstQemu writes a raw disk in every format, and has qemu-img
// do the same, in turns, since the machine may have other work: it reports the
// best time of each, how many times as fast ours is, and our peak memory.
// scripts/bench-convert.sh runs it on a disk of a real size; ASSAY_BENCH_IMAGE
// names that.
func BenchmarkWriteAgainstQemu(b *testing.B) {
	need.Tool(b, "qemu-img")
	in := os.Getenv("ASSAY_BENCH_IMAGE")
	if in == "" {
		in = disktest.Pattern(b, 512<<20, 9)
	}
	dir := b.TempDir()
	for _, c := range []struct {
		name string
		o    disk.WriteOptions
		qemu string
	}{
		{"raw", disk.WriteOptions{Format: "raw"}, "-O raw"},
		{"qcow2", disk.WriteOptions{Format: "qcow2"}, "-O qcow2"},
		{"vhd", disk.WriteOptions{Format: "vhd"}, "-O vpc"},
		{"qcow2-zlib", disk.WriteOptions{Format: "qcow2", Compress: "zlib"}, "-c -O qcow2"},
		{"qcow2-zstd", disk.WriteOptions{Format: "qcow2", Compress: "zstd"}, "-c -O qcow2 -o compression_type=zstd"},
	} {
		for _, tap := range []bool{false, true} {
			name := c.name
			if tap {
				name += "-tapped"
				c.o.Tap = func(_ int64, p []byte) error { return nil }
			}
			b.Run(name, func(b *testing.B) {
				theirs, ours, peak := time.Hour, time.Hour, 0
				out := filepath.Join(dir, "out")
				for b.Loop() {
					os.Remove(out)
					start := time.Now()
					need.Run(b, "qemu-img", append(strings.Fields("convert -f raw "+c.qemu), in, out)...)
					theirs = min(theirs, time.Since(start))
					os.Remove(out)
					resetPeak()
					start = time.Now()
					convert(b, in, out, c.o)
					ours = min(ours, time.Since(start))
					peak = max(peak, peakRSS())
				}
				fi, err := os.Stat(out)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(theirs.Seconds(), "qemu-s")
				b.ReportMetric(ours.Seconds(), "ours-s")
				b.ReportMetric(theirs.Seconds()/ours.Seconds(), "times")
				b.ReportMetric(float64(peak>>10), "peak-MB")
				b.ReportMetric(float64(fi.Size()>>20), "file-MB")
			})
		}
	}
}

func convert(b testing.TB, in, out string, o disk.WriteOptions) {
	img, err := disk.Open(in, disk.Options{Format: "raw"})
	if err != nil {
		b.Fatal(err)
	}
	defer img.Close()
	f, err := os.Create(out)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if err := disk.Write(context.Background(), f, overlay.New(img, overlay.Options{}), o); err != nil {
		b.Fatal(err)
	}
}

// resetPeak and peakRSS ask Linux for the most memory that was resident, in
// KiB; elsewhere it is 0.
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

func peakRSS() int {
	b, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(v), " kB"))
			return n
		}
	}
	return 0
}
