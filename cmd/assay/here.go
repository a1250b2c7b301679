package main

import (
	"context"
	"runtime"

	"assay"
	"assay/finding"
	"assay/internal/cli"
	"assay/internal/report"
	"assay/internal/sandbox"
)

// inherits reports whether a child can be handed open files. On Windows it
// cannot, so everything happens in this process.
const inherits = runtime.GOOS != "windows"

// here does a child's work in this process, with its limits.
func here(ctx context.Context, j job, t assay.Target, h report.Handler) error {
	if j.DigestOnly || j.Clean != nil && !j.Clean.Inspect {
		return &cli.Error{Code: cli.ExitFailed, What: finding.T("images are not changed on this system", "此系统上不支持修改镜像"),
			Hint: finding.T("run assay on Linux for that", "请在 Linux 上运行 assay")}
	}
	if _, err := sandbox.Enter(sandbox.Policy{}, sandbox.Limits{Memory: j.Memory}, j.Sandbox == "require"); err != nil {
		return err
	}
	o := j.options()
	o.Sandbox = "limits"
	o.Disk.Siblings = len(j.Read) > 0 && t.Dir == ""
	if j.Clean != nil {
		o.AsImage = j.Clean.AsImage
	}
	err := assay.Inspect(ctx, t, o, h)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	_ = err // told by the verdict
	return nil
}
