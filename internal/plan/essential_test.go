package plan

import (
	"errors"
	"testing"
)

// What Windows needs is not removed, in whatever case it is written; what
// people leave beside it is.
func TestEssentialOfWindows(t *testing.T) {
	for _, p := range []string{"/Windows/System32/config/SAM", "/windows/system32/CONFIG/software", "/Users/ops/NTUSER.DAT", "/Users/*/NTUSER.DAT", "/Windows", "/Windows/System32", "/Users", "/Windows/System32/config/S*"} {
		if err := Essential(p); !errors.Is(err, ErrEssential) {
			t.Errorf("%s may be removed: %v", p, err)
		}
	}
	for _, p := range []string{"/Windows/System32/config/RegBack/SAM", "/Windows/Panther/unattend.xml", "/Users/ops", "/Users/ops/Documents/*", "/Windows/System32/winevt/Logs/Security.evtx", "/hiberfil.sys", "/ProgramData/aliyun/vminit/user-data"} {
		if err := Essential(p); err != nil {
			t.Errorf("%s: %v", p, err)
		}
	}
}
