package sam_test

import (
	"bytes"
	"testing"

	"assay/internal/artefact/regf"
	"assay/internal/artefact/regf/regftest"
	"assay/internal/artefact/sam"
	"assay/internal/artefact/sam/samtest"
)

// FuzzAccounts puts foreign bytes into the values that hold accounts, groups,
// secrets and cached logons: reading ends, and an account that can be locked is
// an account still.
func FuzzAccounts(f *testing.F) {
	for _, aes := range []bool{false, true} {
		m := machine(aes)
		s, sec := m.SAM(), m.SECURITY()
		user := s.At(`SAM\Domains\Account\Users\000001F4`)
		f.Add(aes, user.Values[0].Data, user.Values[1].Data, s.At(`SAM\Domains\Builtin\Aliases\00000220`).Values[0].Data,
			s.At(`SAM\Domains\Account`).Values[0].Data, sec.At(`Policy\Secrets\_SC_MyService\CurrVal`).Values[0].Data, sec.At("Cache").Values[1].Data)
	}
	system := regftest.Build(samtest.Machine{}.SYSTEM(), regftest.Options{})
	f.Fuzz(func(t *testing.T, aes bool, userF, userV, alias, domain, secret, slot []byte) {
		m := samtest.Machine{AES: aes, Accounts: []samtest.Account{{RID: 500, Name: "a"}}, Secrets: []samtest.Secret{{Name: "s"}}, Slots: []string{"x"}}
		s, sec := m.SAM(), m.SECURITY()
		user := s.At(`SAM\Domains\Account\Users\000001F4`)
		user.Values[0].Data, user.Values[1].Data = userF, userV
		s.At(`SAM\Domains\Builtin\Aliases\00000220`).Values[0].Data = alias
		if len(domain) > 0 {
			s.At(`SAM\Domains\Account`).Values[0].Data = domain
		}
		sec.At(`Policy\Secrets\s\CurrVal`).Values[0].Data = secret
		sec.At("Cache").Values[1].Data = slot
		key, err := sam.BootKey(open(t, system))
		if err != nil {
			t.Fatal(err)
		}
		b := regftest.Build(s, regftest.Options{})
		list, _ := sam.Accounts(open(t, b), &key)
		security := regftest.Build(sec, regftest.Options{})
		_, _ = sam.Secrets(open(t, security), &key)
		e, err := regf.Edit(security)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sam.ForgetLogons(e); err != nil || len(sam.Logons(e.Hive())) != 0 {
			t.Fatal("logons are left", err)
		}
		if e, err = regf.Edit(b); err != nil {
			t.Fatal(err)
		}
		if err := sam.Lock(e, key, 500, true, bytes.NewReader(bytes.Repeat([]byte{1, 2, 3}, 50))); err != nil {
			return
		}
		out, _, err := e.Finish()
		if err != nil || len(out) != len(b) {
			t.Fatal(err)
		}
		after, _ := sam.Accounts(open(t, out), &key)
		if len(after) != len(list) || !after[0].Disabled {
			t.Fatalf("%+v became %+v", list, after)
		}
	})
}
