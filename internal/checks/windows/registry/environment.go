package registry

import (
	"regexp"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

var environment = &Check{
	ID:       "windows/registry/environment",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B2"},
	Covers:   []string{"WCR-020"},
	Doc: check.Doc{
		Title:  t("Secrets in environment variables", "环境变量中的机密"),
		Why:    t("Every program of the user, or of the machine, can read them; so can who reads the image", "该用户或本机的每个程序都能读取；能读取镜像的人也能读取"),
		Remedy: t("Remove the variable, and give it to the program that needs it when it starts", "删除该变量，并在程序启动时再提供给它"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		for _, u := range users(w) {
			variables(p, u.Hive, u.name, "Environment")
		}
		_, set := w.ControlSet()
		variables(p, w.Hive("SYSTEM"), "", set+`\Control\Session Manager\Environment`)
		for _, s := range w.Hive("SYSTEM").Key(set + `\Services`).Keys() {
			for _, line := range s.Value("Environment").Texts() { // NAME=value
				name, value, _ := strings.Cut(line, "=")
				variable(p, w.Hive("SYSTEM"), "", set+`\Services\`+s.Name(), name, value, nil)
			}
		}
		return nil
	},
}

// secretName are names of variables that hold a secret.
var secretName = regexp.MustCompile(`(?i)(?:^|_|-)(?:password|passwd|pwd|secret|token|api_?key|access_?key|access_?key_?secret|private_?key|credentials?)(?:$|_|-)|(?:password|secret|accesskey|apikey|authtoken)$`)

// variables reports those of one key.
func variables(p *Pass, h *guest.Hive, user, key string) {
	for _, v := range h.Key(key).Values() {
		edit := h.Edit(finding.RegDeleteValue, key, v.Name())
		variable(p, h, user, key, v.Name(), v.Text(), &edit)
	}
}

func variable(p *Pass, h *guest.Hive, user, key, name, value string, edit *finding.Edit) {
	if value == "" || !secretName.MatchString(name) || strings.Contains(value, `:\`) || !credfile.Real(value) { // a path names a file
		return
	}
	f := at(h, key+`\`+name)
	f.Where.User = user
	f.Title = finding.Tf("The environment variable %s holds a secret", "环境变量 %s 中保存了机密", credfile.Show(name))
	f.Evidence = p.Secret("environment", []byte(value), name+"="+check.Mask())
	if edit != nil {
		risk := t("A program that needs the variable stops working", "需要该变量的程序将停止工作")
		f.Fix = &finding.Fix{Title: t("Remove the variable", "删除该变量"), Risk: &risk, Edits: []finding.Edit{*edit}}
	}
	p.Report(f)
}
