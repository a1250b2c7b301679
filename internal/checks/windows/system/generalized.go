package system

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

const setupState = `Microsoft\Windows\CurrentVersion\Setup\State`

var generalized = &Check{
	ID:       "windows/system/generalized",
	Severity: finding.Medium,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"WID-001", "WID-002"},
	Doc: check.Doc{
		Title: t("Whether Sysprep has generalised the system", "系统是否已由 Sysprep 通用化"),
		Why: t("Without it all instances have the same security identifier and machine GUID, and logs, activation and domain membership of the source machine",
			"否则所有实例都具有相同的安全标识符（SID）和计算机 GUID，并带有源计算机的日志、激活信息和域成员身份"),
		Remedy:     t("Run sysprep /generalize /oobe /shutdown as the last step before making the image", "制作镜像前，最后一步执行 sysprep /generalize /oobe /shutdown"),
		References: []string{"https://learn.microsoft.com/windows-hardware/manufacture/desktop/sysprep--generalize--a-windows-installation"},
		Since:      "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		h := w.Hive("SOFTWARE")
		// GeneralizationState of SYSTEM says nothing: it is 7 on every running machine.
		state := h.Key(setupState).Text("ImageState")
		f := at(h, setupState)
		// Only Windows can do it: what it changes is not known offline.
		f.Fix = &finding.Fix{Title: t("Start Windows, run Sysprep as the last step, and make the image without starting it again", "启动 Windows，最后一步运行 Sysprep，之后不要再次启动，直接制作镜像"),
			Commands: []string{`C:\Windows\System32\Sysprep\sysprep.exe /generalize /oobe /shutdown`}}
		switch {
		case h.Path == "" || h.Err != nil: // a gap of windows/system/registry-hives
			return nil
		case strings.HasPrefix(state, "IMAGE_STATE_GENERALIZE_RESEAL_TO_"):
			return nil
		case state == "IMAGE_STATE_UNDEPLOYABLE":
			f.Severity = finding.High
			f.Title = t("Sysprep was interrupted: instances of this image do not start", "Sysprep 被中断：由该镜像创建的实例无法启动")
		case state == "" || state == "IMAGE_STATE_COMPLETE":
			f.Title = t("The system was not generalised by Sysprep", "系统未经 Sysprep 通用化")
		default:
			f.Title = finding.Tf("The system was not generalised by Sysprep: its state is %s", "系统未经 Sysprep 通用化：其状态为 %s", credfile.Show(state))
		}
		p.Report(f)
		return nil
	},
}
