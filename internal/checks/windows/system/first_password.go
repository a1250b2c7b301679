package system

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/regf"
	"assay/internal/guest"
)

// doNotRun keeps vminit from its work on every start while it exists.
const doNotRun = "/ProgramData/aliyun/vminit/DONOT_RUN_CLOUDINIT_AFTER_REBOOT"

var firstPassword = &Check{
	ID:       "windows/system/first-password",
	Severity: finding.Critical,
	Class:    finding.PresetAccount,
	Rows:     []string{"A1", "A14", "B4"},
	Covers:   []string{"WLG-005", "WLG-006"},
	Doc: check.Doc{
		Title: t("Whether the first start of an instance sets its password", "实例首次启动时是否会设置密码"),
		Why: t("vminit, or Cloudbase-Init, gives Administrator the password chosen at creation; where neither runs, the password of the image stays valid on every instance, whatever PasswordInherit says",
			"由 vminit 或 Cloudbase-Init 将创建实例时设定的密码写入 Administrator；如果二者都不运行，无论 PasswordInherit 如何设置，镜像中的密码在所有实例上都继续有效"),
		Remedy: t("Remove the flag file, enable the service vminit, or install it again", "删除标志文件，启用 vminit 服务，或重新安装"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		h := w.Hive("SYSTEM")
		if h.Path == "" || h.Err != nil { // a gap of windows/system/registry-hives
			return nil
		}
		set, name := w.ControlSet()
		vminit, cloudbase := set.Key(`Services\vminit`), set.Key(`Services\cloudbase-init`)
		if vminit.Exists() {
			if flag, _ := p.Subject.Match(doNotRun); len(flag) > 0 { // empty or not
				where := finding.Where{Volume: p.Subject.Tree.VolumeOf(flag[0].Place), Path: flag[0].Path}
				p.Report(finding.Finding{Where: where,
					Title: t("vminit does not run on instances: they keep the password of the image", "vminit 不会在实例上运行：实例将沿用镜像中的密码"),
					// Emptying it does not help, and no entry of NTFS is removed offline.
					Fix: &finding.Fix{Title: t("Delete the flag file in Windows, then shut down", "在 Windows 中删除该标志文件，然后关机"),
						Commands: []string{`del /f C:` + strings.ReplaceAll(doNotRun, "/", `\`)}}})
			}
		}
		switch {
		case vminit.Exists():
			service(p, h, vminit, name+`\Services\vminit`, "vminit")
		case cloudbase.Exists():
			service(p, h, cloudbase, name+`\Services\cloudbase-init`, "Cloudbase-Init")
		default:
			f := at(h, name+`\Services\vminit`)
			f.Severity = finding.High
			f.Title = t("Neither vminit nor Cloudbase-Init is installed: no instance gets a password of its own", "既未安装 vminit 也未安装 Cloudbase-Init：实例不会获得自己的密码")
			p.Report(f)
		}
		return nil
	},
}

// Start types of a service.
const (
	startAuto     = 2
	startDisabled = 4
)

// service reports what keeps a service from starting by itself.
func service(p *Pass, h *guest.Hive, k regf.Key, key, name string) {
	start := k.Value("Start")
	if n, ok := start.Uint(); ok && n > startAuto && n <= startDisabled {
		f := at(h, key)
		f.Title = finding.Tf("The service %s does not start by itself: instances keep the password of the image", "服务 %s 不会自动启动：实例将沿用镜像中的密码", name)
		f.Fix = &finding.Fix{Title: t("Start the service automatically", "将服务设为自动启动"), Safe: true, Edits: []finding.Edit{setNumber(h, key, start.Name(), startAuto)}}
		p.Report(f)
	}
	program := p.Subject.Windows().Path(commandPath(k.Text("ImagePath")))
	if program != "" && len(p.Subject.Files(program)) == 0 {
		f := at(h, key+`\ImagePath`)
		f.Title = finding.Tf("The program of the service %s is missing: instances keep the password of the image", "服务 %s 的程序文件缺失：实例将沿用镜像中的密码", name)
		p.Report(f)
	}
}
