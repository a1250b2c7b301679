package ssh

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/sshkey"
	"assay/internal/checks/credfile"
	"assay/internal/fsys"
	"assay/internal/guest"
)

var privateKeys = &Check{
	ID:       "any/ssh/private-keys",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B6"},
	Covers:   []string{"SSH-007", "SSH-008", "APP-016"},
	Content:  true,
	Doc: check.Doc{
		Title:  t("Private keys", "私钥"),
		Why:    t("Whoever starts an instance has the key, and with it every machine and service that trusts it", "任何启动实例的人都能得到该私钥，从而进入信任它的所有机器和服务"),
		Remedy: t("Delete the key and remove its public half wherever it is authorised; a TLS key is delivered at first boot", "删除私钥，并在所有已授权处移除对应公钥；TLS 私钥应在首次启动时下发"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		opens := authorized(p)
		places, whole := keyPlaces(p)
		if !whole {
			p.Gap(finding.GapLimit, finding.Where{}, "more than %d files may hold a private key: the rest was not read", maxKeyFiles)
		}
		var samples []guest.Match
		for _, m := range places {
			if err := p.Context.Err(); err != nil {
				return err
			}
			if p.Subject.Live && gone(p, m) {
				continue
			}
			b, ok := credfile.Read(p, m)
			if ok && !sample(m.Path) {
				reportPrivate(p, m, b, opens)
			} else if ok && holdsKey(b) {
				samples = append(samples, m)
			}
		}
		reportSamples(p, samples)
		return nil
	},
}

const (
	maxKeyFiles = 100_000
	maxKeySize  = 256 << 10 // a bundle of keys and certificates; larger ones are the content engine's
	minKeySize  = 100
	maxKeyDepth = 8 // directories; deeper ones are trees of programs
)

// keyDirs are searched whole; homes are added. Elsewhere names decide.
var keyDirs = []string{"/etc", "/root", "/srv", "/mnt", "/media", "/tmp", "/var/tmp", "/data", "/var/backups"}

// notKeyDirs are full of files that are none, or that other checks judge.
var notKeyDirs = []string{"/etc/ssl/certs", "/etc/pki/ca-trust", "/etc/ca-certificates", "/etc/selinux", "/etc/alternatives", "/etc/dropbear", "/etc/letsencrypt/accounts"}

// notKeyExt are source code and binary formats: a key inside is the content
// engine's.
var notKeyExt = set("go py pyc pyi c h cc cpp hpp rs js mjs ts tsx jsx java class jar rb php pl pm lua css html htm svg png jpg jpeg gif ico woff woff2 ttf so a o map " +
	"gz xz zst bz2 zip deb rpm whl mo po rst lock sum mod d s asm cmake am m4 tcl el vim ipynb csv parquet db sqlite pb proto")

func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

// keyPlaces lists the files worth reading, by where they lie and what they are
// called. The flag is false when there are too many.
func keyPlaces(p *Pass) (out []guest.Match, whole bool) {
	g := p.Subject
	x := g.Index()
	dirs := slices.Clone(keyDirs)
	for _, h := range g.Homes() {
		dirs = append(dirs, h.Path)
	}
	dirs = slices.Compact(dirs)
	inDir := make([]bool, len(x.Dirs))
	for i, d := range x.Dirs {
		inDir[i] = credfile.UnderAny(d, dirs...) && !credfile.UnderAny(d, notKeyDirs...) && !strings.Contains(d, "/node_modules/") && !strings.Contains(d, "/.cache/") &&
			strings.Count(d, "/") <= maxKeyDepth && (!sample(d+"/") || strings.HasSuffix(d, "/.ssh"))
	}
	for _, f := range x.Files {
		if f.Kind != fsys.Regular && f.Kind != fsys.Unknown || !keyName(f.Name) && (!inDir[f.Dir] || notKeyExt[credfile.Ext(f.Name)]) {
			continue
		}
		name := x.Path(f)
		if credfile.Pseudo(name) || otherCheck(name) {
			continue
		}
		if _, owned := g.Packages().Owner(name); owned {
			continue // test keys and examples of the vendor, known to all
		}
		meta, err := g.Tree.Meta(f.Place())
		if err != nil || meta.Kind != fsys.Regular || meta.Size < minKeySize || meta.Size > maxKeySize {
			continue
		}
		if len(out) == maxKeyFiles {
			return out, false
		}
		out = append(out, guest.Match{Path: name, Place: f.Place(), Meta: meta, User: credfile.UserOf(g, name)})
	}
	return out, true
}

// keyName reports whether a file anywhere is called like a private key.
func keyName(name string) bool {
	switch credfile.Ext(name) {
	case "pem", "key", "ppk", "p8", "pk8", "priv", "rsa", "openssh", "asc":
		return true
	case "pub":
		return false
	}
	return strings.HasPrefix(name, "id_") || strings.HasSuffix(name, "_rsa") || strings.HasSuffix(name, "_ed25519") || strings.HasSuffix(name, "_ecdsa") ||
		strings.HasSuffix(name, "_key") || name == "identity"
}

// otherCheck reports whether a key is judged elsewhere: host keys, and the
// self-signed default keys of ssl-cert and mod_ssl.
func otherCheck(name string) bool {
	return path.Dir(name) == "/etc/ssh" && strings.HasPrefix(path.Base(name), "ssh_host_") ||
		slices.Contains([]string{"/etc/ssl/private/ssl-cert-snakeoil.key", "/etc/pki/tls/private/localhost.key", "/etc/nginx/ssl/localhost.key", "/etc/xrdp/key.pem"}, name)
}

// gone reports whether a file of a running machine was removed since it was
// listed: temporary files come and go.
func gone(p *Pass, m guest.Match) bool {
	_, err := p.Subject.Tree.OpenAt(m.Place)
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fsys.ErrNotExist)
}

// sampleDirs mark the trees of libraries. The keys in their tests and examples
// are as public as the library, and there are hundreds.
var sampleDirs = []string{"/site-packages/", "/dist-packages/", "/lib/python", "/node_modules/", "/pkg/mod/", "/gems/", "/.cargo/registry/", "/.m2/repository/",
	"/testdata/", "/fixtures/", "/.npm/", "/lib/ruby/", "/lib/perl", "/usr/local/go/src/", "/usr/share/doc/"}

func sample(name string) bool {
	return !strings.Contains(name, "/.ssh/") && slices.ContainsFunc(sampleDirs, func(d string) bool { return strings.Contains(name, d) })
}

func holdsKey(b []byte) (found bool) {
	sshkey.Private(b, func(sshkey.PrivateKey) bool {
		found = true
		return false
	})
	return found
}

// reportSamples makes one finding of all keys that came with libraries.
func reportSamples(p *Pass, ms []guest.Match) {
	if len(ms) == 0 {
		return
	}
	f := finding.Finding{Severity: finding.Low, Where: credfile.Where(p.Subject, ms[0]), Anchor: "samples",
		Title: finding.Tf("Private keys in the tests and examples of libraries: %d files", "函数库的测试和示例中的私钥：%d 个文件", len(ms))}
	for _, m := range ms[1:min(len(ms), 50)] {
		f.Places = append(f.Places, credfile.Where(p.Subject, m))
	}
	p.Report(f)
}

func reportPrivate(p *Pass, m guest.Match, b []byte, opens map[string]string) {
	n := 0
	sshkey.Private(b, func(k sshkey.PrivateKey) bool {
		n++
		p.Report(privateFinding(p, m, b, k, opens, n))
		return n < 100
	})
}

func privateFinding(p *Pass, m guest.Match, b []byte, k sshkey.PrivateKey, opens map[string]string, n int) finding.Finding {
	w := credfile.Where(p.Subject, m)
	w.Offset = int64(k.Offset)
	w.Line = strings.Count(string(b[:k.Offset]), "\n") + 1
	f := finding.Finding{Where: w, Evidence: p.Secret("private-key", b[k.Offset:k.Offset+k.Len], string(k.Format)+" "+k.Kind+" "+check.Mask())}
	if n > 1 {
		f.Anchor = "key " + string(rune('0'+min(n, 9))) // further keys of a bundle, by position
	}
	kind := describeKind(k)
	lock, lockZH := "", ""
	if k.Encrypted {
		lock, lockZH = ", protected by a passphrase", "，有口令保护"
		f.Severity = finding.Medium
	}
	if k.Public != nil {
		f.Anchor = k.Public.Fingerprint
		lock += ", " + k.Public.Fingerprint
		lockZH += "," + k.Public.Fingerprint
	}
	switch {
	case tlsKey(m.Path, b):
		f.Severity = finding.Medium
		f.Title = finding.Tf("Application TLS key: %s%[2]s", "应用的 TLS 私钥:%[1]s%[3]s", kind, lock, lockZH)
		return f
	default:
		f.Title = finding.Tf("Private key: %s%[2]s", "私钥:%[1]s%[3]s", kind, lock, lockZH)
	}
	if k.Public != nil && opens[k.Public.Fingerprint] != "" {
		user := opens[k.Public.Fingerprint]
		reason := finding.Tf("Its public half is authorised for %s on this machine: whoever has the image can log in with it", "其公钥已在本机授权给 %s：获得镜像的人可以用它登录", user)
		f.Reason = &reason
	}
	if k.Public != nil && published[k.Public.Fingerprint] != "" {
		f.Severity = finding.Low
		f.Title = finding.Tf("A private key that anybody can download: %s", "任何人都可以下载的私钥：%s", published[k.Public.Fingerprint])
	}
	f.Fix = privateFix(p, m)
	return f
}

func describeKind(k sshkey.PrivateKey) string {
	kind := k.Kind
	if k.Public != nil {
		kind = size(*k.Public)
	}
	if kind == "" {
		return string(k.Format)
	}
	return kind + " (" + string(k.Format) + ")"
}

// privateFix removes keys in .ssh of homes: nobody but the former user needs
// them. Elsewhere a program may.
func privateFix(p *Pass, m guest.Match) *finding.Fix {
	f := &finding.Fix{Title: t("Remove the key file", "删除该私钥文件"), Safe: strings.Contains(m.Path, "/.ssh/") && !p.Subject.Live,
		Edits: []finding.Edit{{Op: finding.Remove, Volume: p.Subject.Tree.VolumeOf(m.Place), Path: m.Path}}}
	if !f.Safe {
		risk := t("A program that uses the key stops working", "使用该私钥的程序将无法工作")
		f.Risk = &risk
	}
	return f
}

// tlsDirs are where servers keep the key of their certificate.
var tlsDirs = []string{"/etc/ssl", "/etc/pki", "/etc/nginx", "/etc/apache2", "/etc/httpd", "/etc/letsencrypt", "/etc/haproxy", "/etc/lighttpd", "/etc/caddy",
	"/etc/postfix", "/etc/dovecot", "/etc/exim4", "/etc/mysql", "/etc/postgresql", "/etc/redis", "/etc/rabbitmq", "/etc/openvpn", "/etc/strongswan", "/etc/ipsec.d",
	"/etc/kubernetes/pki", "/etc/etcd", "/etc/docker", "/etc/stunnel", "/etc/cockpit", "/etc/grafana", "/etc/elasticsearch", "/usr/local/nginx", "/www/server/panel/vhost/cert"}

// tlsKey reports whether a key belongs to a server's certificate.
func tlsKey(name string, b []byte) bool {
	return strings.Contains(string(b), "-----BEGIN CERTIFICATE-----") || credfile.UnderAny(name, tlsDirs...)
}
