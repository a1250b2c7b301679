package apk

import (
	"fmt"
	"testing"
)

// The stanzas are from Alpine 3.20.
const sample = `C:Q1qkkS3hAJxYv2X+0y0IxKxMP5LHo=
P:alpine-baselayout-data
V:3.6.5-r0
F:etc
R:fstab
Z:Q11Q7hNe8QpDS531guqCdrXBzoA/o=
R:shadow
a:0:42:640
Z:Q1ltrPIAW2zHeDiajsex2Bdmq3uqA=
F:
R:top

P:musl
F:lib
R:ld-musl-x86_64.so.1
R:bad
Z:Q1!!
x
`

func TestParse(t *testing.T) {
	got := ""
	n := Parse([]byte(sample), func(f File) { got += fmt.Sprintln(f) })
	want := `{alpine-baselayout-data /etc/fstab sha1 d50ee135ef10a434b9df582ea8276b5c1ce803fa}
{alpine-baselayout-data /etc/shadow sha1 96dacf2005b6cc778389a8ec7b1d81766ab7baa0}
{alpine-baselayout-data /top  }
{musl /lib/ld-musl-x86_64.so.1  }
{musl /lib/bad  }
`
	if got != want || n != 2 {
		t.Errorf("%d packages\n%s", n, got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Fuzz(func(t *testing.T, b []byte) {
		Parse(b, func(f File) {
			if f.Path[0] != '/' || f.Package == "" {
				t.Errorf("%+v", f)
			}
		})
	})
}
