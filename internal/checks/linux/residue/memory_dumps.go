package residue

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var memoryDumps = &Check{
	ID:       "linux/residue/memory-dumps",
	Severity: finding.Medium,
	Class:    finding.SystemTrace,
	Rows:     []string{"B1", "B3"},
	Covers:   []string{"LOG-024"},
	Doc: check.Doc{
		Title:  t("Core dumps and crash reports", "核心转储和崩溃报告"),
		Why:    t("A dump is the memory of a process or of the kernel: keys and passwords stand in it in clear", "转储就是进程或内核的内存：其中的密钥和密码都是明文"),
		Remedy: t("Remove the dumps", "删除这些转储文件"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		patterns := []string{"/var/spool/abrt/**", "/var/crash/**", "/var/log/dump/**", "/var/lib/systemd/coredump/*", "/var/lib/apport/coredump/*", "/var/cache/abrt-di/**"}
		for _, m := range credfile.NamedBy(p.Subject, coreName) {
			if b := start(p, m, 18); len(b) == 18 && string(b[:4]) == "\x7fELF" && (b[16] == 4 || b[17] == 4) && !strings.ContainsAny(m.Path, `*?[\`) { // e_type ET_CORE of elf(5), in either byte order
				patterns = append(patterns, m.Path)
			}
		}
		return leftover.Run(p, leftover.Spec{
			Patterns: patterns,
			Keep: func(m guest.Match) bool {
				return credfile.Vendor(p.Subject, m.Path) || strings.HasSuffix(m.Path, "/kexec_cmd") || strings.HasSuffix(m.Path, "/.lock") || strings.HasSuffix(m.Path, "/last-via-server")
			},
			Group: func(m guest.Match) string {
				for _, d := range []string{"/var/spool/abrt", "/var/crash", "/var/log/dump", "/var/lib/systemd/coredump", "/var/lib/apport/coredump"} {
					if credfile.Under(m.Path, d) {
						return d
					}
				}
				return m.Path
			},
			Title: inDir("Memory dumps", "内存转储"),
			Fix:   finding.Remove, FixTitle: removeTitle, Safe: true,
		})
	},
}

// coreName knows "core", "core.1234" and "vmcore".
func coreName(name string) bool {
	rest, ok := strings.CutPrefix(name, "core.")
	return name == "core" || name == "vmcore" || ok && rest != "" && strings.Trim(rest, "0123456789") == ""
}
