package regf_test

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"slices"
	"testing"

	"assay/internal/artefact/regf"
	"assay/internal/artefact/regf/regftest"
	"assay/internal/need"
)

// steps are three states of one hive, each of the same length.
func steps() (out [][]byte) {
	for i := range 4 {
		root := sample()
		for range i {
			root.At("Log").Set("Step", 0)
		}
		root.At("Log").Set("Now", i)
		out = append(out, regftest.Build(root, regftest.Options{Pad: 4096}))
	}
	return out
}

func step(t *testing.T, b []byte, logs ...[]byte) (int, regf.State) {
	t.Helper()
	h, err := regf.Open(slices.Clone(b), logs...)
	if err != nil {
		t.Fatal(err)
	}
	n, ok := h.Key("Log").Uint("Now")
	if !ok || len(h.Faults()) > 0 {
		t.Fatalf("no step; faults %v", h.Faults())
	}
	return int(n), h.State()
}

func TestReplayNew(t *testing.T) {
	s := steps()
	dirty := regftest.Begin(s[0], 10)
	log1, log2 := regftest.NewLog(10, s[0], s[1]), regftest.NewLog(11, s[1], s[2], s[3])
	stale := regftest.NewLog(8, s[2], s[1])
	far := regftest.NewLog(20, s[0], s[3])
	torn := slices.Clone(log2)
	torn[len(torn)-1] ^= 1 // the last page of the second entry
	tornHead := slices.Clone(log2)
	tornHead[512+13] ^= 1
	for _, c := range []struct {
		name  string
		hive  []byte
		logs  [][]byte
		step  int
		state regf.State
	}{
		{"both", dirty, [][]byte{log1, log2}, 3, regf.Replayed},
		{"either order", dirty, [][]byte{log2, log1}, 3, regf.Replayed},
		{"clean hive", regftest.Begin(s[0], 10), [][]byte{nil, nil}, 0, regf.Dirty},
		{"already written", s[0], [][]byte{log1, log2}, 0, regf.Clean},
		{"stale", dirty, [][]byte{stale}, 0, regf.Dirty},
		{"stale and new", dirty, [][]byte{log1, stale}, 1, regf.Replayed},
		{"hole", dirty, [][]byte{log1, far}, 3, regf.Replayed},
		{"torn entry", dirty, [][]byte{log1, torn}, 2, regf.Replayed},
		{"torn head", dirty, [][]byte{log1, tornHead}, 1, regf.Replayed},
		{"foreign", dirty, [][]byte{[]byte("x"), bytes.Repeat([]byte{0xff}, 4096)}, 0, regf.Dirty},
	} {
		if n, state := step(t, c.hive, c.logs...); n != c.step || state != c.state {
			t.Errorf("%s: step %d, %v; want %d, %v", c.name, n, state, c.step, c.state)
		}
	}
}

func TestReplayOld(t *testing.T) {
	s := steps()
	dirty := regftest.Begin(s[0], 10)
	log := regftest.OldLog(s[0], s[2])
	if n, state := step(t, dirty, log); n != 2 || state != regf.Replayed {
		t.Errorf("step %d, %v", n, state)
	}
	for name, change := range map[string]func([]byte){
		"other time":     func(b []byte) { b[12]++; regftest.Seal(b) },
		"unfinished log": func(b []byte) { b[4]++; regftest.Seal(b) },
		"no vector":      func(b []byte) { b[512] = 'X' },
		"bad checksum":   func(b []byte) { b[508]++ },
	} {
		l := slices.Clone(log)
		change(l)
		if n, state := step(t, dirty, l); n != 0 || state != regf.Dirty {
			t.Errorf("%s: step %d, %v", name, n, state)
		}
	}
	if n, state := step(t, dirty, log[:len(log)-1]); n != 0 || state != regf.Dirty {
		t.Errorf("short log: step %d, %v", n, state)
	}
}

// A destroyed base block is taken from the log.
func TestBaseFromLog(t *testing.T) {
	s := steps()
	for name, log := range map[string][]byte{"old": regftest.OldLog(s[0], s[2]), "new": regftest.NewLog(10, s[0], s[1], s[2])} {
		b := regftest.Begin(s[0], 10)
		clear(b[:512])
		if n, state := step(t, b, log); n != 2 || state != regf.Replayed {
			t.Errorf("%s: step %d, %v", name, n, state)
		}
	}
}

// A log may make the hive longer than its file.
func TestReplayGrows(t *testing.T) {
	root := sample()
	small := regftest.Build(root, regftest.Options{})
	root.At("Log").Set("Now", 9).Set("Big", make([]byte, 30000))
	large := regftest.Build(root, regftest.Options{})
	dirty, log := regftest.Begin(small, 3), regftest.NewLog(3, small, large)
	if n, state := step(t, dirty, log); n != 9 || state != regf.Replayed {
		t.Errorf("step %d, %v", n, state)
	}
	if _, err := regf.Edit(dirty, log); err == nil {
		t.Error("a hive that grew must not be edited in its file")
	}
}

// What Windows itself made of a dirty hive is what we make of it.
func TestRecoveredByWindows(t *testing.T) {
	dir := need.Corpus(t, "windows/yarp")
	for _, c := range []struct {
		name, truth string
		differ      int // bytes of the bins that Windows changed on its own: the time in the first bin
	}{{"NewDirtyHive", "RecoveredHive_Windows10", 0}, {"OldDirtyHive", "RecoveredHive_Windows7", 6}} {
		sub := c.name
		if c.differ == 0 {
			sub += "1"
		}
		in := func(name string) []byte { return read(t, filepath.Join(dir, sub, name)) }
		h, err := regf.Open(in(c.name), in(c.name+".LOG1"), in(c.name+".LOG2"))
		if err != nil || h.State() != regf.Replayed {
			t.Fatal(c.name, err, h.State())
		}
		want := in(c.truth)
		truth, err := regf.Open(slices.Clone(want))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := dump(h), dump(truth); !slices.Equal(got, want) {
			t.Errorf("%s: other keys\n%s", c.name, diff(got, want))
		}
		if n := differ(h.Bytes(), want); n != c.differ {
			t.Errorf("%s: %d bytes of the bins differ, want %d", c.name, n, c.differ)
		}
	}
}

func differ(a, b []byte) (n int) {
	if len(a) != len(b) {
		return -1
	}
	size := 4096 + int(binary.LittleEndian.Uint32(b[40:]))
	for i := 4096; i < size; i++ {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

// The other dirty hives of yarp's own tests, with what those tests expect.
func TestRecoveredLikeYarp(t *testing.T) {
	dir := need.Corpus(t, "windows/yarp")
	for _, c := range []struct {
		sub, name string
		state     regf.State
		has       string
	}{
		{"NewDirtyHive2", "NewDirtyHive", regf.Replayed, ""},
		{"BadBaseBlockHive", "BadBaseBlockHive", regf.Replayed, "key_with_many_subkeys"},
		{"BadLogHive1", "BadLogHive", regf.Dirty, ""},
		{"BadLogHive2", "BadLogHive", regf.Dirty, ""},
		{"BadLogHive3", "BadLogHive", regf.Dirty, ""},
	} {
		in := func(name string) []byte { return read(t, filepath.Join(dir, c.sub, name)) }
		h, err := regf.Open(in(c.name), in(c.name+".LOG1"), in(c.name+".LOG2"))
		if err != nil {
			t.Errorf("%s: %v", c.sub, err)
			continue
		}
		if h.State() != c.state || !h.Key(c.has).Exists() || len(dump(h)) < 2 {
			t.Errorf("%s: %v, %q exists: %v", c.sub, h.State(), c.has, h.Key(c.has).Exists())
		}
	}
}
