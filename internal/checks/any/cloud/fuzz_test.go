package cloud

import "testing"

// FuzzFinders holds that no credential file makes a finder panic.
func FuzzFinders(f *testing.F) {
	f.Add([]byte(`{"auths":{"h":{"auth":"dTpw"}}}`))
	f.Add([]byte("[url]\n extraheader = Authorization: basic x\n"))
	f.Add([]byte("user = \"a:b\"\n-u c:d\n:rubygems_api_key: x\nAGE-SECRET-KEY-1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<14 {
			return
		}
		dockerAuths(b)
		gitConfig(b)
		curlrc(b)
		gemKeys(b)
		composer(b)
		mylogin(b)
		vaultPassword(b)
		ageKeys(b)
	})
}
