package sshkey

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"assay/internal/need"
)

// keygen runs ssh-keygen in dir and returns what it prints.
func keygen(t *testing.T, dir string, args ...string) string {
	t.Helper()
	c := exec.Command("ssh-keygen", args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("ssh-keygen %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// judge compares a public key with a line of ssh-keygen -l.
func judge(t *testing.T, what string, k PublicKey, line string) {
	t.Helper()
	f := strings.Fields(line)
	name := strings.Trim(f[len(f)-1], "()")
	if f[0] != strconv.Itoa(k.Bits) || f[1] != k.Fingerprint || strings.TrimSuffix(name, "-CERT") != k.Name() || strings.HasSuffix(name, "-CERT") != k.Certificate {
		t.Errorf("%s: %+v, ssh-keygen says %s", what, k, line)
	}
}

func only(t *testing.T, what string, b []byte) PrivateKey {
	t.Helper()
	var got []PrivateKey
	Private(b, func(k PrivateKey) bool { got = append(got, k); return true })
	if len(got) != 1 {
		t.Fatalf("%s: %d keys in %q", what, len(got), b)
	}
	return got[0]
}

func TestAgainstSSHKeygen(t *testing.T) {
	need.Tool(t, "ssh-keygen")
	dir := t.TempDir()
	for _, c := range []struct{ name, kind, bits, form, pass string }{
		{"rsa", "rsa", "1024", "RFC4716", ""}, {"rsapem", "rsa", "2048", "PEM", ""}, {"rsa8", "rsa", "2048", "PKCS8", ""},
		{"rsaenc", "rsa", "1024", "RFC4716", "phrase"}, {"rsapemenc", "rsa", "1024", "PEM", "phrase"}, {"rsa8enc", "rsa", "1024", "PKCS8", "phrase"},
		{"ec256", "ecdsa", "256", "RFC4716", ""}, {"ec384pem", "ecdsa", "384", "PEM", ""}, {"ec521p8", "ecdsa", "521", "PKCS8", ""}, {"ec256pem", "ecdsa", "256", "PEM", ""},
		{"ed", "ed25519", "256", "RFC4716", ""}, {"edenc", "ed25519", "256", "RFC4716", "phrase"},
		{"dsa", "dsa", "1024", "RFC4716", ""}, {"dsapem", "dsa", "1024", "PEM", ""}, {"dsa8", "dsa", "1024", "PKCS8", ""},
	} {
		keygen(t, dir, "-q", "-t", c.kind, "-b", c.bits, "-m", c.form, "-N", c.pass, "-C", "deploy key@host", "-f", c.name)
		want := keygen(t, dir, "-l", "-f", c.name+".pub")
		pub, err := os.ReadFile(filepath.Join(dir, c.name+".pub"))
		if err != nil {
			t.Fatal(err)
		}
		l, ok := ParseLine(strings.TrimSpace(string(pub)))
		if !ok || l.Comment != "deploy key@host" {
			t.Fatalf("%s: %+v", c.name, l)
		}
		judge(t, c.name+".pub", l.Key, want)

		b, err := os.ReadFile(filepath.Join(dir, c.name))
		if err != nil {
			t.Fatal(err)
		}
		k := only(t, c.name, b)
		if k.Offset != 0 || k.Len != len(bytes.TrimSpace(b)) || k.Cut || k.Encrypted != (c.pass != "") {
			t.Errorf("%s: %+v of %d bytes", c.name, k, len(b))
		}
		switch {
		case k.Public != nil:
			judge(t, c.name, *k.Public, want)
		case c.pass == "" || c.form == "RFC4716":
			t.Errorf("%s: no public half", c.name)
		}
		surroundings(t, c.name, b, k)
	}
}

// surroundings looks for the same key inside other text, as JSON, with Windows
// line ends, and cut off.
func surroundings(t *testing.T, name string, b []byte, want PrivateKey) {
	t.Helper()
	j, _ := json.Marshal(map[string]string{"k": string(b)})
	for what, in := range map[string][]byte{
		"json": j, "crlf": bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")), "indented": bytes.ReplaceAll(b, []byte("\n"), []byte("\n    ")),
		"inside": append(append([]byte("garbage -----BEGIN \x00"), b...), 0xff, 0xfe),
	} {
		k := only(t, name+" "+what, in)
		if k.Encrypted != want.Encrypted || k.Kind != want.Kind || (k.Public == nil) != (want.Public == nil) || k.Public != nil && *k.Public != *want.Public {
			t.Errorf("%s %s: %+v, want %+v", name, what, k, want)
		}
		if got := in[k.Offset : k.Offset+k.Len]; !bytes.HasPrefix(got, []byte("-----BEGIN")) || !bytes.HasSuffix(bytes.TrimSpace(got), []byte("-----")) {
			t.Errorf("%s %s: spans %q", name, what, got)
		}
	}
	if k := only(t, name+" cut", b[:len(b)*2/3]); !k.Cut || k.Offset+k.Len > len(b)*2/3 {
		t.Errorf("%s cut: %+v", name, k)
	}
}

func TestCertificate(t *testing.T) {
	need.Tool(t, "ssh-keygen")
	dir := t.TempDir()
	keygen(t, dir, "-q", "-t", "ed25519", "-N", "", "-f", "ca")
	keygen(t, dir, "-q", "-t", "ecdsa", "-N", "", "-f", "user")
	keygen(t, dir, "-q", "-s", "ca", "-I", "id", "-n", "root", "user.pub")
	b, err := os.ReadFile(filepath.Join(dir, "user-cert.pub"))
	if err != nil {
		t.Fatal(err)
	}
	l, ok := ParseLine(strings.TrimSpace(string(b)))
	if !ok {
		t.Fatal("a certificate is not recognised")
	}
	judge(t, "certificate", l.Key, keygen(t, dir, "-l", "-f", "user-cert.pub"))
}

const ed = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1YdxBpNlzxDqfJyw/QKow1F+wvG9hXGoqiysfJOn5Y"

func TestOptions(t *testing.T) {
	text := "# comment\n\n  " + ed + " a b\n" +
		`command="/bin/echo \"a, b\" c",no-pty,From="10.0.0.0/8,!10.1.1.1" ` + ed + " bob\n" +
		"\tcert-authority,principals=\"root\"\t" + ed + "\n" +
		"1024 35 1234 old\nssh-ed25519 AAAA broken\nssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIN1YdxBpNlzxDqfJyw/QKow1F+wvG9hXGoqiysfJOn5Y other type\n" +
		"command=\"unclosed " + ed + "\n" + ed + "\r\n" + ed
	var got []string
	Authorized([]byte(text), func(l Line) bool {
		s := strconv.Itoa(l.Number) + " " + l.Comment
		for _, o := range l.Options {
			s += " [" + o.Name + "=" + o.Value + "]"
		}
		got = append(got, s)
		return true
	})
	want := []string{"3 a b", `4 bob [command=/bin/echo "a, b" c] [no-pty=] [from=10.0.0.0/8,!10.1.1.1]`, "5  [cert-authority=] [principals=root]", "10 ", "11 "}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestSameLinesAsSSHKeygen: ssh-keygen -l reads a file of several keys and
// prints each that it believes in.
func TestSameLinesAsSSHKeygen(t *testing.T) {
	need.Tool(t, "ssh-keygen")
	dir := t.TempDir()
	text := "# x\n" + ed + " one\n" + `from="a b",command="x \"y\" z" ` + ed + " two\n" + "garbage\n  " + ed + "\nrestrict,pty " + ed + " three four\n"
	if err := os.WriteFile(filepath.Join(dir, "keys"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	want := strings.Count(keygen(t, dir, "-l", "-f", "keys"), "SHA256:")
	got := 0
	Authorized([]byte(text), func(l Line) bool {
		got++
		return true
	})
	if got != want {
		t.Errorf("%d keys, ssh-keygen sees %d", got, want)
	}
}

const ppk = `PuTTY-User-Key-File-%V: ssh-ed25519
Encryption: %E
Comment: a: b
Public-Lines: 2
AAAAC3NzaC1lZDI1NTE5AAAAIN1YdxBpNlzxDqfJyw/QKow1F+wvG9hXGoqiysfJ
On5Y
%KPrivate-Lines: 1
AAAAIL3kR0R0goyMWzShw0c3sw9FN0d1BBJku0d9387z0AA/
Private-MAC: bc710f345e67c736d57dd72aab10fe4625345dae
`

func TestPuTTY(t *testing.T) {
	for _, v := range []struct{ version, encryption, kdf string }{{"2", "none", ""}, {"2", "aes256-cbc", ""},
		{"3", "none", ""}, {"3", "aes256-cbc", "Key-Derivation: Argon2id\nArgon2-Memory: 8192\n"}} {
		text := strings.NewReplacer("%V", v.version, "%E", v.encryption, "%K", v.kdf).Replace(ppk)
		k := only(t, "ppk", []byte("x\n"+text+"rest"))
		if k.Offset != 2 || k.Len != len(text)-1 || k.Encrypted != (v.encryption != "none") || k.Format != PuTTY ||
			k.Public == nil || k.Public.Fingerprint != "SHA256:WkvqjnyPAeC0cbPErYiGP9vqHdgL1MqqvPdIe3lvHgI" {
			t.Errorf("%+v: %+v", v, k)
		}
	}
	Private([]byte(strings.Split(ppk, "Private-Lines")[0]), func(k PrivateKey) bool {
		t.Errorf("a public part alone is no key: %+v", k)
		return true
	})
}

func TestMentionsAreNoKeys(t *testing.T) {
	for _, s := range []string{
		"-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----",
		`if strings.Contains(s, "-----BEGIN OPENSSH PRIVATE KEY-----") {`,
		"-----BEGIN PUBLIC KEY-----\n" + strings.Repeat("A", 200) + "\n-----END PUBLIC KEY-----",
		"-----BEGIN CERTIFICATE-----\n" + strings.Repeat("A", 200) + "\n-----END CERTIFICATE-----",
		"---- BEGIN SSH2 PUBLIC KEY ----\n" + strings.Repeat("A", 200) + "\n---- END SSH2 PUBLIC KEY ----",
		"-----BEGIN PRIVATE KEY-----\n<paste your key here, it is secret and must not be shown to anybody>\n-----END PRIVATE KEY-----",
		"PuTTY-User-Key-File-2", "SSH PRIVATE KEY FILE FORMAT 1.1",
	} {
		Private([]byte(s), func(k PrivateKey) bool {
			t.Errorf("%q gives %+v", s, k)
			return true
		})
	}
}

func TestSSHCom(t *testing.T) {
	body := appendStr(append([]byte{0x3f, 0x6f, 0xf9, 0xeb, 0, 0, 1, 0}, appendStr(nil, []byte("if-modn{sign{rsa-pkcs1-sha1}}"))...), []byte("3des-cbc"))
	body = append(body, make([]byte, 64)...)
	text := "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: \"a long\\\n one\"\n" + base64.StdEncoding.EncodeToString(body) + "\n---- END SSH2 ENCRYPTED PRIVATE KEY ----\n"
	if k := only(t, "ssh.com", []byte(text)); k.Format != SSHCom || !k.Encrypted || k.Len != len(text)-1 {
		t.Errorf("%+v", k)
	}
	if k := only(t, "ssh.com", []byte(strings.Replace(text, base64.StdEncoding.EncodeToString(body),
		base64.StdEncoding.EncodeToString(bytes.Replace(body, []byte("\x00\x00\x00\x083des-cbc"), []byte("\x00\x00\x00\x04none"), 1)), 1))); k.Encrypted {
		t.Errorf("%+v", k)
	}
}

func TestDropbear(t *testing.T) {
	pub := make([]byte, 32)
	copy(pub, "public half")
	k, ok := ParseDropbear(blobOf("ssh-ed25519", append(make([]byte, 32), pub...)))
	if !ok || k.Public.Fingerprint != Fingerprint(blobOf("ssh-ed25519", pub)) {
		t.Errorf("%+v", k)
	}
	rsa := blobOf("ssh-rsa", []byte{1, 0, 1}, append([]byte{0}, bytes.Repeat([]byte{0xc5}, 128)...))
	if _, ok := ParseDropbear(rsa); ok {
		t.Error("a public key is not private")
	}
	if k, ok := ParseDropbear(append(rsa, appendStr(nil, bytes.Repeat([]byte{7}, 128))...)); !ok || k.Public.Bits != 1024 || k.Public.Fingerprint != Fingerprint(rsa) {
		t.Errorf("%+v", k)
	}
}

// TestHostileIsLinear: repeated heads and breaks must not cost the square.
func TestHostileIsLinear(t *testing.T) {
	for _, unit := range []string{"PuTTY-User-Key-File-2: x\n", "-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat(`A\n`, 20_000), "---- BEGIN ", `\n`} {
		start := need.CPU()
		Private(bytes.Repeat([]byte(unit), (4<<20)/len(unit)), func(PrivateKey) bool { return true })
		if d := need.CPU() - start; d > time.Minute {
			t.Errorf("%.30q took %v", unit, d)
		}
	}
}

func FuzzPrivate(f *testing.F) {
	f.Add([]byte(ppk))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIL3kR0R0goyMWzShw0c3sw9FN0d1BBJku0d9387z0AA/\n-----END PRIVATE KEY-----\n"))
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n" + strings.Repeat("A", 90)))
	f.Add([]byte("-----BEGIN OPENSSH PRIVATE KEY-----\\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQyNTUxOQAAACDdWHcQaTZc8Q6nycsP0CqMNRfsLxvYVxqKosrHyTp+WA==\\n-----END"))
	f.Fuzz(func(t *testing.T, b []byte) {
		last := 0
		Private(b, func(k PrivateKey) bool {
			if k.Offset < last || k.Len <= 0 || k.Offset+k.Len > len(b) {
				t.Fatalf("%+v in %d bytes after %d", k, len(b), last)
			}
			last = k.Offset + k.Len
			return true
		})
		ParseDropbear(b)
	})
}

func FuzzParsePKCS(f *testing.F) {
	f.Add([]byte{0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20}, byte(0))
	f.Add([]byte{0x30, 9, 2, 1, 0, 2, 1, 5, 2, 1, 3}, byte(1))
	f.Fuzz(func(t *testing.T, der []byte, how byte) {
		k := PrivateKey{}
		switch how % 4 {
		case 0:
			k.pkcs8(der)
		case 1:
			k.rsa(der)
		case 2:
			k.dsa(der)
		case 3:
			k.ec(der, oidEC)
		}
	})
}

func FuzzAuthorized(f *testing.F) {
	f.Add([]byte(`command="x \"y\"",from="*" ` + ed + " c\n"))
	f.Add([]byte("ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB x\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		last := 0
		Authorized(b, func(l Line) bool {
			if l.Number <= last || l.Key.Fingerprint == "" || l.Key.Type == "" {
				t.Fatalf("%+v after %d", l, last)
			}
			last = l.Number
			return true
		})
	})
}
