package volume

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"assay/internal/binread"
	"assay/internal/need"
)

// TestScrubSwap empties swap spaces of several page sizes, also of hibernated
// machines, and asks blkid and swaplabel.
func TestScrubSwap(t *testing.T) {
	need.Tool(t, "mkswap", "blkid", "swaplabel")
	const size = 4 * mib
	for _, page := range []string{"4096", "8192", "16384", "32768", "65536"} {
		for _, image := range []string{"", "S1SUSPEND\x00", "ULSUSPEND\x00"} {
			p := sparse(t, size)
			need.Run(t, "mkswap", "-q", "-L", "paging", "-p", page, p)
			fresh := contents(t, p)
			b := noise(size)
			n := bytes.Index(fresh, []byte("SWAPSPACE2")) + 10
			copy(b, fresh[:n])
			if image != "" {
				copy(b[n-40:], noise(20))
				copy(b[n-20:], "SWAPSPACE2"+image)
			}
			patch(t, p, 0, b)
			l := scan(t, p)
			v := l.volume(t, "disk")
			if page == "32768" { // nobody recognises this one by itself
				v = &Volume{Name: "disk", Size: size, Content: "swap", Map: []Segment{{0, size, 0, 0}}}
				l.Volumes = []*Volume{v}
			}
			disks := patches(t, l, p)
			w, err := l.Patch(v, disks)
			if err != nil {
				t.Fatal(err)
			}
			zeroed, err := ScrubSwap(w, size)
			if err != nil || zeroed != size-int64(n) {
				t.Fatalf("page %s: %d, %v", page, zeroed, err)
			}
			flush(t, w, size, p)
			if !bytes.Equal(contents(t, p), fresh) {
				t.Errorf("page %s, %q: not what mkswap makes", page, image)
			}
			if out := need.Run(t, "swaplabel", p); page == "4096" && !strings.Contains(out, "paging") {
				t.Error(out)
			}
			if out, err := exec.Command("blkid", "-p", p).CombinedOutput(); err != nil || page != "32768" && !strings.Contains(string(out), `TYPE="swap"`) {
				t.Errorf("page %s: %v %s", page, err, out)
			}
		}
	}
}

func TestSwapSpan(t *testing.T) {
	b := make([]byte, 128<<10)
	if _, err := SwapSpan(bytes.NewReader(b), int64(len(b))); !errors.Is(err, binread.ErrNotMine) {
		t.Error(err)
	}
	if _, err := SwapSpan(bytes.NewReader(b), 100); !errors.Is(err, binread.ErrNotMine) {
		t.Error(err)
	}
	copy(b[16384-10:], "SWAPSPACE2")
	if n, err := SwapSpan(bytes.NewReader(b), int64(len(b))); n != 16384 || err != nil {
		t.Error(n, err)
	}
	copy(b[16384-10:], "S1SUSPEND\x00")
	var u *binread.UnsupportedError
	if _, err := SwapSpan(bytes.NewReader(b), int64(len(b))); !errors.As(err, &u) {
		t.Error(err)
	}
	if _, err := SwapSpan(bytes.NewReader(b[:16380]), int64(len(b))); err == nil {
		t.Error("a swap space that ends early")
	}
}
