package fleet

import "slices"

// Trust is what is known of keys and accounts from outside the instance.
// Values name the source, for people.
type Trust struct {
	New       string            // fingerprint of the key that the fix brings
	Bound     map[string]string // fingerprint to key pair
	Keys      map[string]string // fingerprint to trusted list
	Published map[string]string // fingerprint to publication
	Users     []string          // accounts that the user declares as expected
}

// Attribute fills whose every key and account is. A published key stays one
// even when somebody trusts it: its private half is everybody's.
func (f *Facts) Attribute(t Trust) {
	for i := range f.Keys {
		k := &f.Keys[i]
		k.Owner, k.By = Unknown, ""
		switch {
		case t.Published[k.Fingerprint] != "":
			k.Owner, k.By = Published, t.Published[k.Fingerprint]
		case t.New != "" && k.Fingerprint == t.New:
			k.Owner = New
		case t.Bound[k.Fingerprint] != "":
			k.Owner, k.By = Bound, t.Bound[k.Fingerprint]
		case t.Keys[k.Fingerprint] != "":
			k.Owner, k.By = Trusted, t.Keys[k.Fingerprint]
		}
	}
	for i := range f.Accounts {
		a := &f.Accounts[i]
		if a.Owner == Unknown && slices.Contains(t.Users, a.Name) {
			a.Owner, a.By = Trusted, "--expected-user"
		}
	}
}

// Goes reports whether a fix removes the key.
func (k Key) Goes() bool { return k.Owner == Unknown || k.Owner == Published }
