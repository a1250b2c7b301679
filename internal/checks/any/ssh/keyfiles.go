package ssh

import (
	"slices"
	"strings"

	"assay/finding"
	"assay/internal/artefact/sshkey"
	"assay/internal/checks/credfile"
	"assay/internal/fsys"
	"assay/internal/guest"
)

// A keyFile is one file from which sshd takes keys, and for whom.
type keyFile struct {
	guest.Match
	users []guest.Account
}

// keyFiles lists every file from which the machine's SSH servers would take
// login keys: what sshd's settings name for each account, the default names in
// every home (also of accounts that are gone, and /etc/skel), and Dropbear's.
func keyFiles(p *Pass) []*keyFile {
	g := p.Subject
	var out []*keyFile
	add := func(name string, user *guest.Account, home guest.Home) {
		place, resolved, err := g.Tree.Lookup(name, true)
		if err != nil {
			return
		}
		meta, err := g.Tree.Meta(place)
		if err != nil || meta.Kind != fsys.Regular || meta.Size == 0 {
			return
		}
		i := slices.IndexFunc(out, func(k *keyFile) bool { return k.Place == place })
		if i < 0 {
			i = len(out)
			out = append(out, &keyFile{Match: guest.Match{Path: resolved, Place: place, Meta: meta, User: home.User(), Skel: home.Skel}})
		}
		if k := out[i]; user != nil && !slices.ContainsFunc(k.users, func(a guest.Account) bool { return a.Name == user.Name }) {
			if k.users = append(k.users, *user); len(k.users) == 1 {
				k.User = user.Name
			}
		}
	}
	all, _ := g.Accounts()
	for i := range all.Users {
		for _, name := range g.SSHD().AuthorizedKeysFiles(all.Users[i].Name) {
			add(name, &all.Users[i], guest.Home{})
		}
	}
	for _, h := range g.Homes() {
		if len(h.Users) == 0 || g.Windows() != nil { // Windows' accounts are not in passwd, and its sshd reads the default names
			add(h.Path+"/.ssh/authorized_keys", nil, h)
			add(h.Path+"/.ssh/authorized_keys2", nil, h)
		}
	}
	add("/etc/dropbear/authorized_keys", nil, guest.Home{Users: []string{"root"}})
	return out
}

// login reports whether somebody who gets in by this file gets a shell. An
// unknown user is taken to.
func (k *keyFile) login() bool {
	return len(k.users) == 0 || slices.ContainsFunc(k.users, guest.Account.Login)
}

// authorized are the fingerprints that open this machine, with whose account.
func authorized(p *Pass) map[string]string {
	m := map[string]string{}
	for _, k := range keyFiles(p) {
		b, ok := credfile.Read(p, k.Match)
		if !ok {
			continue
		}
		sshkey.Authorized(b, func(l sshkey.Line) bool {
			if m[l.Key.Fingerprint] == "" {
				m[l.Key.Fingerprint] = k.who()
			}
			return true
		})
	}
	return m
}

// who names the account that a file opens, or the home whose account is gone.
func (k *keyFile) who() string {
	if k.User != "" {
		return credfile.Show(k.User)
	}
	home, _, _ := strings.Cut(k.Path, "/.ssh/")
	return credfile.Show(home)
}

// publicEvidence shows a public key: its fingerprint is no secret.
func publicEvidence(k sshkey.PublicKey, excerpt string) *finding.Evidence {
	return &finding.Evidence{Kind: "ssh-public-key", Fingerprint: k.Fingerprint, Excerpt: excerpt}
}

// removal is the edit that takes one line out of a file, or empties the file
// when the line is all that it says.
func removal(p *Pass, m guest.Match, content []byte, line int, text string) finding.Edit {
	vol := p.Subject.Tree.VolumeOf(m.Place)
	others := 0
	for l := range strings.Lines(string(content)) {
		if l = strings.TrimSpace(l); l != "" && l[0] != '#' {
			others++
		}
	}
	if others <= 1 {
		return finding.Edit{Op: finding.Blank, Volume: vol, Path: m.Path}
	}
	return finding.Edit{Op: finding.RemoveLine, Volume: vol, Path: m.Path, Line: line, Expect: p.Secret("line", []byte(text), "").Fingerprint}
}

// published are keys whose private half anybody can download, by the
// fingerprint of the public half. Each was computed with ssh-keygen -l, or our
// own parser where OpenSSH refuses the size, from the published key itself:
// github.com/hashicorp/vagrant/keys, github.com/rapid7/ssh-badkeys, and the
// advisories of the CVE numbers.
var published = map[string]string{
	"SHA256:1M4RzhMyWuFS/86uPY/ce2prh/dVTHW7iD2RhpquOZA": "Vagrant insecure key (RSA)",
	"SHA256:WkvqjnyPAeC0cbPErYiGP9vqHdgL1MqqvPdIe3lvHgI": "Vagrant insecure key (ED25519)",
	"SHA256:9prMbqhS4QteoFQ1ZRJDqSBLWoHXPyKB0iWR05Ghro4": "F5 BIG-IP, CVE-2012-1493",
	"SHA256:Z+q4XhSwWY7q0BIDVPR1v/S306FjGBsid7tLq/8kIxM": "Ceragon FibeAir IP-10, CVE-2015-0936",
	"SHA256:uy5wXyEgbRCGsk23+J6f85om7G55Cu3UIPwC7oMZhNQ": "ExaGrid appliance, CVE-2016-1561",
	"SHA256:MEc4HfsOlMqJ3/9QMTmrKn5Xj/yfnMITMW8EwfUfTww": "Loadbalancer.org Enterprise VA",
	"SHA256:VtjqZ5fiaeoZ3mXOYi49Lk9aO31iT4pahKFP9JPiQPc": "Quantum DXi V1000",
	"SHA256:zR8FnLg8bTjFMPFlxkJzO4Uir6LWWecScCCrFOgJh8Q": "Tesla instrument cluster",
}
