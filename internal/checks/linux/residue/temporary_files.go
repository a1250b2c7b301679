package residue

import (
	"bytes"
	"path"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

// maxLooked bounds the temporary files that are opened to see what they are.
const maxLooked = 500

var temporaryFiles = &Check{
	ID:       "linux/residue/temporary-files",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"A14", "B3", "B10"},
	Covers:   []string{"TMP-001", "TMP-002"},
	Doc: check.Doc{
		Title:  t("Temporary files, hidden ones included", "临时文件（包括隐藏文件）"),
		Why:    t("Installers, uploads and scripts with secrets stay in /tmp and /var/tmp; rm -rf /tmp/* misses names with a leading dot", "安装程序、上传文件和含机密的脚本会留在 /tmp 和 /var/tmp 中；rm -rf /tmp/* 会漏掉以点开头的文件"),
		Remedy: t("Empty both directories, keep them with mode 1777", "清空这两个目录，保留目录本身及其 1777 权限"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, dir := range []string{"/tmp", "/var/tmp"} {
			if err := temporary(p, dir); err != nil {
				return err
			}
		}
		return nil
	},
}

func temporary(p *Pass, dir string) error {
	g := p.Subject
	_, real, err := g.Tree.Lookup(dir, true)
	if err != nil || dir == "/var/tmp" && real == "/tmp" {
		return nil
	}
	files := g.Files(real + "/**")
	if len(files) == 0 {
		return nil
	}
	var bytes int64
	var telling []guest.Match
	for i, m := range files {
		if err := p.Context.Err(); err != nil {
			return err
		}
		bytes += m.Meta.Size
		if sensitiveName(path.Base(m.Path)) || i < maxLooked && sensitiveStart(start(p, m, 64)) {
			telling = append(telling, m)
		}
	}
	f := finding.Finding{Anchor: dir, Where: g.Where(real, 0)}
	count := leftover.Files(len(files))
	f.Title = finding.Tf("%[1]s holds %[2]s, %[4]s", "%[1]s 中有 %[3]d 个文件,共 %[4]s", dir, count, len(files), finding.Size(bytes))
	if len(telling) > 0 {
		f.Severity = finding.Medium
		f.Title = finding.Tf("%[1]s holds %[2]s, %[4]s, among them %[5]s", "%[1]s 中有 %[3]d 个文件,共 %[4]s,其中有 %[5]s", dir, count, len(files), finding.Size(bytes),
			credfile.Show(path.Base(telling[0].Path)))
	}
	for _, m := range append(telling, files...) { // those that tell come first
		if w := credfile.Where(g, m); len(f.Places) < 50 && !placed(f.Places, w) {
			f.Places = append(f.Places, w)
		}
	}
	f.Fix = &finding.Fix{Title: t("Empty the directory, keep it", "清空该目录，保留目录本身"), Safe: true,
		Edits: []finding.Edit{{Op: finding.EmptyDir, Volume: f.Where.Volume, Path: real}}}
	if g.Live {
		risk := t("Running programs lose their temporary files and sockets", "正在运行的程序会丢失临时文件和套接字")
		f.Fix.Safe, f.Fix.Risk = false, &risk
	}
	p.Report(f)
	return nil
}

func placed(list []finding.Where, w finding.Where) bool {
	for _, x := range list {
		if x == w {
			return true
		}
	}
	return false
}

var sensitiveExts = map[string]bool{"pem": true, "key": true, "p12": true, "pfx": true, "jks": true, "sh": true, "py": true, "pl": true, "rb": true, "ps1": true, "bat": true, "sql": true,
	"dump": true, "env": true, "ovpn": true, "kdbx": true, "csv": true, "xls": true, "xlsx": true, "conf": true, "yml": true, "yaml": true, "tfvars": true, "ppk": true}

func sensitiveName(name string) bool {
	low := strings.ToLower(name)
	if sensitiveExts[credfile.Ext(low)] {
		return true
	}
	for _, s := range []string{"id_rsa", "id_ed25519", "id_ecdsa", "passw", "secret", "credential", "krb5cc_", "sess_", ".sql.", "backup", "dump", "token", "authorized_keys", "user-data"} {
		if strings.Contains(low, s) {
			return true
		}
	}
	return false
}

func sensitiveStart(b []byte) bool {
	return bytes.HasPrefix(b, []byte("#!")) || bytes.HasPrefix(b, []byte("-----BEGIN")) || bytes.HasPrefix(b, []byte("#cloud-config"))
}
