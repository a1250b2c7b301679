package dpkg

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestDpkg(t *testing.T) {
	ps := Status([]byte(`Package: base-files
Status: install ok installed
Architecture: amd64
Version: 12.4
Conffiles:
 /etc/debian_version 3b1d2a3b1d2a3b1d2a3b1d2a3b1d2a3b
 /etc/with blank 00000000000000000000000000000000 obsolete
 /etc/new newconffile
Description: x
 /etc/not 00000000000000000000000000000000

Status: nameless

Package: b
`))
	if got := fmt.Sprint(ps); got != "[{base-files amd64 12.4 install ok installed [{/etc/debian_version 3b1d2a3b1d2a3b1d2a3b1d2a3b1d2a3b} "+
		"{/etc/with blank 00000000000000000000000000000000} {/etc/new }]} {b    []}]" {
		t.Error(got)
	}
	got := ""
	Paths([]byte("/.\n/etc\n/etc/a b\nbad\n"), func(p string) { got += p + "|" })
	MD5Sums([]byte("d41d8cd98f00b204e9800998ecf8427e  usr/bin/a b\nD41D8CD98F00B204E9800998ECF8427E  x\n"), func(p, s string) { got += p + "=" + s })
	if got != "/etc|/etc/a b|/usr/bin/a b=d41d8cd98f00b204e9800998ecf8427e" {
		t.Error(got)
	}
	if got := fmt.Sprint(Diversions([]byte("/bin/sh\n/bin/sh.distrib\ndash\n/a\n/b\n"))); got != "[{/bin/sh /bin/sh.distrib dash}]" {
		t.Error(got)
	}
}

func TestDigests(t *testing.T) {
	var index strings.Builder
	var want []string
	for i := range 3000 { // more than one piece, so that fields lie across borders
		want = append(want, fmt.Sprintf("%064x", i))
		fmt.Fprintf(&index, "Package: p%d\nFilename: pool/%s.deb\nSHA256: %s\nSize: %d\n\n", i, strings.Repeat("x", i%97), want[i], i)
	}
	for _, r := range []io.Reader{strings.NewReader(index.String()), iotest.OneByteReader(strings.NewReader(index.String()))} {
		var got []string
		Digests(r, func(hex []byte) { got = append(got, string(hex)) })
		if !slices.Equal(got, want) {
			t.Errorf("%d digests, want %d", len(got), len(want))
		}
	}
}

func FuzzDpkg(f *testing.F) {
	f.Add([]byte("Package: a\nConffiles:\n /x 00000000000000000000000000000000 obsolete\n\n/a\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		Status(b)
		Diversions(b)
		Paths(b, func(p string) {
			if p[0] != '/' {
				t.Error(p)
			}
		})
		MD5Sums(b, func(p, s string) {
			if p[0] != '/' || len(s) != 32 {
				t.Error(p, s)
			}
		})
	})
}
