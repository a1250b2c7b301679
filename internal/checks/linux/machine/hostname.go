package machine

import (
	"regexp"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var hostname = &Check{
	ID:       "linux/machine/hostname",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"IDN-005"},
	Doc: check.Doc{
		Title:  t("The host name of the machine that the image was made from", "制作镜像的机器的主机名"),
		Why:    t("The name tells where the image comes from, an ECS default name even which instance, and every instance would answer to it", "主机名会暴露镜像来源，ECS 默认主机名甚至能定位到具体实例，且所有实例都会使用该名称"),
		Remedy: t("Empty /etc/hostname and remove the name's line from /etc/hosts; the cloud sets the name at first boot", "清空 /etc/hostname，并从 /etc/hosts 中删除该名称所在的行；首次启动时由云平台设置主机名"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		g := p.Subject
		if g.Live {
			return nil
		}
		b, err := g.Read("/etc/hostname")
		if err != nil {
			p.Gap(finding.GapUnreadable, g.Where("/etc/hostname", 0), "%v", err)
		}
		name := strings.TrimSpace(string(b))
		if name == "" || strings.ContainsAny(name, "\n# ") || generic(name, g.OS().ID) {
			return nil
		}
		f := finding.Finding{Where: g.Where("/etc/hostname", 0), Title: finding.Tf("Host name %s", "主机名 %s", credfile.Show(name))}
		if ecsName.MatchString(name) {
			f.Title = finding.Tf("Host name %s, the default name of one ECS instance", "主机名 %s，是某台 ECS 实例的默认主机名", credfile.Show(name))
		}
		hosts, _ := g.Read("/etc/hosts") // only to list further places
		n := 0
		for l := range strings.Lines(string(hosts)) {
			n++
			for w := range strings.FieldsSeq(l) {
				if w == name {
					f.Places = append(f.Places, g.Where("/etc/hosts", n))
					break
				}
			}
		}
		first := g.FirstBoot()
		f.Fix = &finding.Fix{Title: t("Empty /etc/hostname", "清空 /etc/hostname"), Safe: first.CloudInit || first.AliYun,
			Edits: []finding.Edit{{Op: finding.Blank, Volume: f.Where.Volume, Path: f.Where.Path}}}
		if !f.Fix.Safe {
			risk := t("Without cloud-init the machine calls itself localhost", "没有 cloud-init 时，主机名将变为 localhost")
			f.Fix.Risk = &risk
		}
		p.Report(f)
		return nil
	},
}

// ecsName is the name that ECS gives an instance without one.
var ecsName = regexp.MustCompile(`^iZ[0-9a-z]{10,30}Z?$`)

// generic reports whether a host name says nothing about a machine.
func generic(name, system string) bool {
	name = strings.ToLower(name)
	name, _, _ = strings.Cut(name, ".")
	switch name {
	case "localhost", "debian", "ubuntu", "centos", "alinux", "anolis", "fedora", "rocky", "almalinux", "alpine", "opensuse", "linux", "host", "template", "image", "none", "(none)", "unassigned", "buildroot":
		return true
	}
	return system != "" && name == system
}
