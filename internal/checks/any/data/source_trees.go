package data

import (
	"path"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/fsys"
)

var sourceTrees = &Check{
	ID:       "any/data/source-trees",
	Severity: finding.Medium,
	Class:    finding.UserData,
	Rows:     []string{"B1", "B2", "B12"},
	Covers:   []string{"APP-039", "CLD-016"},
	Doc: check.Doc{
		Title:  t("Source code with its history", "带有历史记录的源代码"),
		Why:    t("A repository holds every version ever committed, with passwords that were removed later; its remote may name a password", "代码仓库包含所有提交过的版本，包括后来被删除的密码；其远程地址中也可能带有密码"),
		Remedy: t("Deploy without .git (git archive), and revoke tokens in remote URLs", "部署时不要包含 .git（使用 git archive），并吊销远程地址中的令牌"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		g := p.Subject
		x := g.Index()
		for _, kind := range []string{".git", ".svn", ".hg", ".bzr"} {
			outer := ""
			for _, f := range x.Named(kind) {
				name := x.Path(f)
				if f.Kind != fsys.Directory || credfile.Pseudo(name) || !people(name) && !strings.HasPrefix(name, "/usr/local/") || outer != "" && credfile.Under(name, outer) {
					continue
				}
				if kind == ".svn" { // old versions keep one in each directory
					outer = path.Dir(name)
				}
				repository(p, kind, name)
			}
		}
		return nil
	},
}

// publicTools are programs that people install by cloning them.
var publicTools = []string{".oh-my-zsh", ".nvm", ".pyenv", ".rbenv", ".fzf", ".vim", ".tmux", ".acme.sh", ".asdf", ".sdkman", ".jenv", ".goenv", ".zplug", ".antigen", ".emacs.d"}

func repository(p *Pass, kind, name string) {
	g := p.Subject
	tree := path.Dir(name)
	config := map[string]string{".git": "config", ".hg": "hgrc", ".svn": "wc.db", ".bzr": "branch/branch.conf"}[kind]
	if _, owned := g.Packages().Owner(path.Join(name, config)); owned {
		return
	}
	w := g.Where(name, 0)
	w.User = credfile.UserOf(g, name)
	f := finding.Finding{Where: w, Title: finding.Tf("Source code with its history (%s) in %s", "%[2]s 中有带历史记录的源代码(%[1]s)", kind[1:], credfile.Show(tree))}
	for _, d := range publicTools {
		if path.Base(tree) == d || strings.Contains(tree, "/"+d+"/") {
			f.Severity = finding.Low
		}
	}
	b, err := g.Read(path.Join(name, config))
	if err != nil && kind != ".svn" {
		p.Gap(finding.GapUnreadable, g.Where(path.Join(name, config), 0), "%v", err)
	}
	if kind == ".svn" {
		b = nil // a database: its presence is the fact
	}
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		k, v, ok := strings.Cut(strings.TrimSpace(l), "=")
		v = strings.TrimSpace(v)
		if pass, masked, has := credfile.URLSecret(l); has {
			f.Severity = finding.High
			f.Where.Path, f.Where.Line = path.Join(name, config), n
			f.Evidence = p.Secret("url-password", []byte(pass), masked)
			f.Title = finding.Tf("Password in the remote of the repository %s", "代码仓库 %s 的远程地址中带有密码", credfile.Show(tree))
			break
		}
		if k = strings.TrimSpace(k); ok && (k == "url" || k == "default") && f.Severity != finding.Low {
			f.Title = finding.Tf("Source code with its history (%s) in %s, from %s", "%[2]s 中有带历史记录的源代码(%[1]s),来自 %[3]s", kind[1:], credfile.Show(tree), credfile.Show(v))
		}
	}
	p.Report(f)
}
