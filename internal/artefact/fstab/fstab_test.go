package fstab

import (
	"reflect"
	"testing"
)

func TestParse(t *testing.T) {
	got := Parse([]byte("# comment\n\nUUID=aa-bb / ext4 errors=remount-ro 0 1\nLABEL=\"my disk\" /x ext4\nLABEL=a\\040b /mnt/a\\040b xfs subvol=@home,ro\nshort\n/dev/vdb1 none swap sw 0 0"))
	want := []Entry{
		{"UUID=aa-bb", "/", "ext4", []string{"errors=remount-ro"}, 3},
		{"LABEL=a b", "/mnt/a b", "xfs", []string{"subvol=@home", "ro"}, 5},
		{"/dev/vdb1", "none", "swap", []string{"sw"}, 7},
	}
	if len(got) != 4 || got[1].Line != 4 { // a quoted label with a space is cut at the space, as getmntent(3) does
		t.Fatalf("%+v", got)
	}
	if got = append(got[:1], got[2:]...); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if v, ok := got[1].Option("subvol"); v != "@home" || !ok {
		t.Error(v, ok)
	}
	if got := Parse([]byte(`LABEL="root" / ext4`)); got[0].Spec != "LABEL=root" {
		t.Error(got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("UUID=a / ext4 defaults\nLABEL=a\\04 b c"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, e := range Parse(b) {
			e.Option("x")
		}
	})
}
