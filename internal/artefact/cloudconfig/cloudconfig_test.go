package cloudconfig

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

const sample = `#cloud-config
password: Top1
chpasswd:
  list: |
    root:Pw1
    ann:RANDOM
  expire: false
users:
  - default
  - name: deploy
    passwd: $6$salt$hash
    lock_passwd: false
    ssh_authorized_keys:
      - ssh-ed25519 AAAA ann
ssh_authorized_keys: [ssh-rsa BBBB]
ssh_keys:
  rsa_private: |
    -----BEGIN
  rsa_public: ssh-rsa
runcmd:
  - [ sh, -c, "x" ]
  - export A=b
`

func show(c Config) string {
	var b strings.Builder
	for _, i := range c.Items {
		fmt.Fprintf(&b, "%d %s %s %s %s\n", i.Line, i.What, i.Key, i.User, i.Value)
	}
	for _, x := range c.Commands {
		fmt.Fprintf(&b, "%d run %s\n", x.Line, x.Text)
	}
	return b.String()
}

func TestParse(t *testing.T) {
	c, err := Parse([]byte(sample))
	want := `2 password password  Top1
5 password chpasswd root Pw1
11 password-hash users deploy $6$salt$hash
14 authorized-key users deploy ssh-ed25519 AAAA ann
15 authorized-key ssh_authorized_keys  ssh-rsa BBBB
17 private-key ssh_keys  -----BEGIN
21 run sh -c x
22 run export A=b
`
	if got := show(c); err != nil || got != want {
		t.Errorf("%v\n%swant\n%s", err, got, want)
	}
	if _, err := Parse([]byte("a: *s3cr3t")); err == nil || strings.Contains(err.Error(), "s3cr3t") {
		t.Error(err)
	}
	if _, err := Parse([]byte("#cloud-config\n# nothing\n")); err != nil {
		t.Error(err)
	}
	c, _ = Parse([]byte("autoinstall:\n  identity:\n    username: u\n    password: $6$a$b\n  ssh: {authorized-keys: [ssh-rsa C]}\n"))
	if got := show(c); got != "4 password-hash password  $6$a$b\n5 authorized-key authorized-keys  ssh-rsa C\n" {
		t.Error(got)
	}
}

func TestParts(t *testing.T) {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write([]byte("#!/bin/sh\necho\n"))
	_ = w.Close()
	mime := "Content-Type: multipart/mixed; boundary=\"B\"\nMIME-Version: 1.0\n\n--B\nContent-Type: text/cloud-config\n\n#cloud-config\npassword: x\n--B\nContent-Type: text/x-shellscript\nContent-Transfer-Encoding: base64\n\n" +
		base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n")) + "\n--B--\n"
	for name, c := range map[string]struct{ in, want string }{
		"plain":  {"#cloud-config\na: b\n", "cloud-config@1 "},
		"gzip":   {z.String(), "script@0 "},
		"base64": {base64.StdEncoding.EncodeToString(z.Bytes()), "script@0 "},
		"mime":   {mime, "cloud-config@7 script@0 "},
		"text":   {"hello", "@1 "},
		"empty":  {" \n", ""},
	} {
		ps, err := Parts([]byte(c.in))
		got := ""
		for _, p := range ps {
			got += fmt.Sprintf("%s@%d ", p.Kind, p.Line)
		}
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestGzipBomb(t *testing.T) {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	for range 16 {
		_, _ = w.Write(make([]byte, 1<<20))
	}
	_ = w.Close()
	if _, err := Parts(z.Bytes()); err == nil {
		t.Error("a bomb is no error")
	}
}

func FuzzUserData(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=B\n\n--B\n\n#!x\n--B--\n"))
	f.Add([]byte("From nobody Thu\nContent-Type: multipart/mixed; boundary=B\n\n--B\n\n#!x\n--B--\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		ps, _ := Parts(b)
		for _, p := range ps {
			c, _ := Parse(p.Body)
			for _, i := range c.Items {
				if i.Value == "" {
					t.Fatal("empty item")
				}
			}
		}
	})
}
