package sam_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"assay/internal/artefact/regf"
	"assay/internal/artefact/sam"
)

// After Lock, an attacker's tool finds a hash that nobody has the password of,
// and nothing else.
func TestLock(t *testing.T) {
	for _, aes := range []bool{false, true} {
		h := build(machine(aes))
		key := bootKey(t, h)
		e, err := regf.Edit(h.sam)
		if err != nil {
			t.Fatal(err)
		}
		random := bytes.Repeat([]byte{7, 9, 11, 13}, 100)
		for _, rid := range []uint32{500, 1000, 1002} {
			if err := sam.Lock(e, key, rid, rid == 1000, bytes.NewReader(random)); err != nil {
				t.Fatal(rid, err)
			}
		}
		if err := sam.Lock(e, key, 501, false, bytes.NewReader(random)); !errors.Is(err, sam.ErrNoRoom) {
			t.Errorf("an account without a hash: %v", err)
		}
		if err := sam.Lock(e, key, 1003, true, bytes.NewReader(random)); err != nil {
			t.Errorf("it can be disabled: %v", err)
		}
		if err := sam.Lock(e, key, 999, true, bytes.NewReader(random)); !errors.Is(err, regf.ErrNotFound) {
			t.Errorf("no such account: %v", err)
		}
		if err := sam.Lock(e, key, 500, true, bytes.NewReader(random[:23])); err == nil {
			t.Error("locked without randomness")
		}
		out, _, err := e.Finish()
		if err != nil || len(out) != len(h.sam) {
			t.Fatal(err, len(out))
		}
		h.sam = out
		dump := secretsdump(t, h)
		noise := "07090b0d07090b0d" // and what follows from it
		for _, want := range []string{"Administrator:500:aad3b435b51404eeaad3b435b51404ee:" + noise, "vagrant:1000:aad3b435b51404eeaad3b435b51404ee:" + noise, "ghost$:1002:aad3b435b51404eeaad3b435b51404ee:" + noise,
			"blank:1001:aad3b435b51404eeaad3b435b51404ee:" + nt("")} {
			if !strings.Contains(dump, want) {
				t.Errorf("aes %v: secretsdump does not say %s:\n%s", aes, want, dump)
			}
		}
		for _, gone := range []string{nt("Zu7!kept-by-nobody"), nt("vagrant"), nt("older"), nt("oldest")} {
			if strings.Contains(dump, gone) {
				t.Errorf("aes %v: secretsdump still finds %s:\n%s", aes, gone, dump)
			}
		}
		for _, gone := range []string{"Rex", "the usual", "x@example.com"} {
			if bytes.Contains(out, regf.UTF16(gone)) {
				t.Errorf("%q is still in the hive", gone)
			}
		}
		list, err := sam.Accounts(open(t, out), &key)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(list, func(a sam.Account) bool { return a.Name == "vagrant" })
		if a := list[i]; a.Password != sam.Locked || !a.Disabled || a.HasHistory || a.HasKeys || a.Hint || a.Questions || a.Online || a.Comment == "" {
			t.Errorf("aes %v: %+v", aes, a)
		}
		if a := list[0]; a.Password != sam.Locked || a.Disabled || a.HasHistory {
			t.Errorf("aes %v: %+v", aes, a)
		}
	}
}

func TestForgetComment(t *testing.T) {
	h := build(machine(true))
	before, err := sam.Accounts(open(t, h.sam), nil)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(before, func(a sam.Account) bool { return a.Comment != "" })
	e, err := regf.Edit(h.sam)
	if err != nil {
		t.Fatal(err)
	}
	if err := sam.ForgetComment(e, before[i].RID); err != nil {
		t.Fatal(err)
	}
	if err := sam.ForgetComment(e, 999); !errors.Is(err, regf.ErrNotFound) {
		t.Errorf("no such account: %v", err)
	}
	out, _, err := e.Finish()
	if err != nil || len(out) != len(h.sam) || bytes.Contains(out, regf.UTF16(before[i].Comment)) {
		t.Fatal(err, len(out))
	}
	after, err := sam.Accounts(open(t, out), nil)
	if err != nil {
		t.Fatal(err)
	}
	before[i].Comment, before[i].FullName = "", ""
	if !slices.Equal(after, before) {
		t.Errorf("%+v, want %+v", after, before)
	}
}

func TestForgetLogons(t *testing.T) {
	h := build(machine(true))
	e, err := regf.Edit(h.security)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := sam.ForgetLogons(e); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	out, _, err := e.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(out, []byte("as far as a test must know")) || len(sam.Logons(open(t, out))) != 0 {
		t.Error("logons are left")
	}
	h.security = out
	secretsdump(t, h)
}
