package history

import (
	"path"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var editorTraces = &Check{
	ID:       "any/history/editor-traces",
	Severity: finding.Medium,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"HIS-011"},
	Doc: check.Doc{
		Title:  t("Memory of editors", "编辑器的记忆"),
		Why:    t("Registers and undo files hold text that was cut from files: passwords and keys among it", "寄存器和撤销文件中保存着从文件中剪切的文本，其中可能有密码和密钥"),
		Remedy: t("Delete the files", "删除这些文件"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		if err := (kind{name: t("Registers and history of an editor", "编辑器的寄存器和历史"), patterns: []string{"~/.viminfo*", "~/_viminfo", "~/.cache/vim/viminfo", "~/.local/state/vim/viminfo",
			"~/.local/state/nvim/shada/*", "~/.local/share/nvim/shada/*", "~/.emacs.d/savehist", "~/.emacs.d/history", "~/.emacs.d/.history"}}).run(p); err != nil {
			return err
		}
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"~/.vim/undo*/**", "~/.vim/.undo*/**", "~/.undodir/**", "~/.local/state/nvim/undo/**", "~/.local/share/nvim/undo/**", "~/.cache/vim/undo/**",
				"~/.emacs.d/auto-save-list/*", "~/.emacs.d/backups/**", "~/.vim/backup/**", "~/.local/state/nvim/swap/*", "~/.local/share/nvim/swap/*", "~/.vim/swap/*"},
			Group: func(m guest.Match) string { return path.Dir(m.Path) },
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Undo and backup files of an editor: %[1]s", "编辑器的撤销和备份文件:%[2]d 个", g.Count(), len(g.Matches))
			},
			Fix: finding.Remove, FixTitle: t("Remove the files", "删除这些文件"), Safe: true,
		})
	},
}
