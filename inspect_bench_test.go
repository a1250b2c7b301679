package assay

import (
	"cmp"
	"context"
	"errors"
	"os"
	"testing"

	"assay/internal/report"
)

// deaf takes a stream and drops it.
type deaf struct{}

func (deaf) Handle(report.Message) error { return nil }
func (deaf) Close() error                { return nil }

// BenchmarkInspect inspects the image or directory $ASSAY_BENCH_TARGET in this
// process, contents and all, so that it can be profiled:
//
//	ASSAY_BENCH_TARGET=disk.raw go test . -run '^$' -bench Inspect -cpuprofile cpu.out
func BenchmarkInspect(b *testing.B) {
	name := os.Getenv("ASSAY_BENCH_TARGET")
	if name == "" {
		b.Skip("set ASSAY_BENCH_TARGET to an image or a directory")
	}
	info, err := os.Stat(name)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		t := Target{Name: name, Dir: name}
		if !info.IsDir() {
			f, err := OpenImage(name)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			t = Target{Name: name, Images: []ImageFile{{Path: name, File: f}}}
		}
		if err := Inspect(context.Background(), t, Options{Key: []byte("bench")}, deaf{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkClean cleans the image $ASSAY_BENCH_TARGET in this process. The copy
// goes to $TMPDIR, in the format $ASSAY_BENCH_FORMAT (raw), compressed as
// $ASSAY_BENCH_COMPRESS says; $ASSAY_BENCH_NO_CONTENT leaves contents out.
func BenchmarkClean(b *testing.B) {
	name := os.Getenv("ASSAY_BENCH_TARGET")
	if name == "" {
		b.Skip("set ASSAY_BENCH_TARGET to an image")
	}
	for b.Loop() {
		f, err := OpenImage(name)
		if err != nil {
			b.Fatal(err)
		}
		out, err := os.CreateTemp("", "assay-bench")
		if err != nil {
			b.Fatal(err)
		}
		o := CleanOptions{Options: Options{Key: []byte("bench"), NoContent: os.Getenv("ASSAY_BENCH_NO_CONTENT") != ""},
			Copies: []Copy{{File: out, Name: "out", Format: cmp.Or(os.Getenv("ASSAY_BENCH_FORMAT"), "raw"), Compress: os.Getenv("ASSAY_BENCH_COMPRESS")}}}
		_, err = Clean(context.Background(), Target{Name: name, Images: []ImageFile{{Path: name, File: f}}}, o, deaf{})
		if err := errors.Join(err, f.Close(), out.Close(), os.Remove(out.Name())); err != nil {
			b.Fatal(err)
		}
	}
}
