package residue

import (
	"path"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var packageCaches = &Check{
	ID:       "linux/residue/package-caches",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"TMP-007", "TMP-011"},
	Doc: check.Doc{
		Title:  t("Downloaded packages", "下载的软件包缓存"),
		Why:    t("Packages of a private repository lie there for whoever gets the image", "私有软件源的软件包会留给获得镜像的人"),
		Remedy: t("Run apt-get clean or dnf clean all", "执行 apt-get clean 或 dnf clean all"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/var/cache/apt/archives/**", "/var/cache/dnf/**", "/var/cache/yum/**", "/var/cache/zypp/**", "/var/cache/libdnf5/**", "/var/cache/PackageKit/**", "/var/cache/gdm/**"},
			Keep: func(m guest.Match) bool {
				base := path.Base(m.Path)
				return base == "lock" || strings.HasSuffix(base, "_lock.pid") || base == "expired_repos.json" || base == "tempfiles.json"
			},
			Group: func(m guest.Match) string { return strings.Join(strings.SplitN(m.Path, "/", 5)[:4], "/") },
			Title: inDir("Package cache", "软件包缓存"),
			Fix:   finding.Remove, FixTitle: removeTitle, Safe: true,
		})
	},
}
