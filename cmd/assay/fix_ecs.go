package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"assay"
	"assay/finding"
	"assay/internal/cli"
	"assay/internal/cloud"
	"assay/internal/fleet"
	"assay/internal/remote"
	"assay/internal/remote/assistant"
	"assay/internal/remote/openssh"
)

// instances are the targets of a region that have these tags. Those that cannot
// be tried are named and noted: they are not done.
func (a *app) instances(ctx context.Context, o *fixFlags, region string, tags []string) ([]string, error) {
	c, err := o.cloud.open(region)
	if err != nil {
		return nil, err
	}
	is, err := fleet.Instances(ctx, c, region, nil, tags)
	if err != nil {
		return nil, ecsError("ecs://"+region, err)
	}
	if o.windows == nil {
		o.windows = map[string]bool{}
	}
	var linux []string
	why := map[string]string{}
	for _, i := range is {
		switch {
		case i.Status != "Running":
			why[i.ID] = "it is " + i.Status
		case !i.Windows:
			linux = append(linux, i.ID)
		}
	}
	unfit, err := fleet.Unfit(ctx, c, region, linux)
	if err != nil && !denied(err) { // who may not ask learns it from RunCommand
		return nil, ecsError("ecs://"+region, err)
	}
	maps.Copy(why, unfit)
	var out []string
	for _, i := range is {
		target := "ecs://" + region + "/" + i.ID
		if w, bad := why[i.ID]; bad {
			fmt.Fprintln(o.w, finding.Tf("%s: not tried: %s", "%s：未处理：%s", target, w).In(a.lang))
			o.unfit++
			continue
		}
		if i.Windows {
			o.windows[target] = true
		}
		out = append(out, target)
	}
	return out, nil
}

func denied(err error) bool {
	var e *cloud.Error
	return errors.As(err, &e) && e.Denied
}

// fit is an error where Cloud Assistant does not answer.
func fit(ctx context.Context, c cloud.Caller, region, id string) error {
	unfit, err := fleet.Unfit(ctx, c, region, []string{id})
	switch {
	case denied(err): // who may not ask learns it from RunCommand
		return nil
	case err == nil && unfit[id] != "":
		return errors.New(unfit[id])
	}
	return err
}

func notRunning(arg, status string) error {
	return &cli.Error{Code: cli.ExitFailed, What: finding.Tf("%s is not running: %s", "%s 未在运行：%s", arg, status), Hint: finding.T("start it, then run the same command again; nothing was changed", "请启动实例后再次执行同一命令；未做任何更改")}
}

// probeAll asks the Linux instances of a round for their probes, a hundred with
// one command. An answer that is missing is asked for again, alone.
func (a *app) probeAll(ctx context.Context, o *fixFlags, targets []string) {
	o.probes = map[string]assistant.Answer{}
	ids := map[string][]string{}
	for _, t := range targets {
		if region, id, err := ecsTarget(t); err == nil && !o.windows[t] {
			ids[region] = append(ids[region], id)
		}
	}
	for _, region := range slices.Sorted(maps.Keys(ids)) {
		c, err := o.cloud.open(region)
		if err != nil {
			continue
		}
		for id, answer := range assistant.RunMany(ctx, c, region, ids[region], remote.ProbeScript(false), 0) {
			if answer.Err == nil {
				o.probes["ecs://"+region+"/"+id] = answer
			}
		}
	}
}

// comeBack undoes what an interrupted fix left on an instance, and returns the
// key pair that was bound before it.
func (a *app) comeBack(ctx context.Context, o *fixFlags, arg string, sh remote.Shell, pair string) (string, error) {
	if o.notes.Interrupted(arg) {
		fmt.Fprintln(o.w, arg+": "+a.t("an earlier fix was interrupted here: it is undone first", "此前的修复在此中断：先还原"))
		if err := fleet.Abandon(ctx, sh); err != nil {
			return "", ecsError(arg, err)
		}
	}
	return o.notes.Before(arg, pair)
}

// fixECS opens the ways to an instance: Cloud Assistant to work, SSH to prove.
func (a *app) fixECS(ctx context.Context, o *fixFlags, arg string, fo *assay.FixOptions, r *assay.FixReport) (*assay.FixTarget, func(), error) {
	region, id, err := ecsTarget(arg)
	if err != nil {
		return nil, nil, err
	}
	c, err := o.cloud.open(region)
	if err != nil {
		return nil, nil, err
	}
	is, err := fleet.Instances(ctx, c, region, []string{id}, nil)
	if err == nil && len(is) != 1 {
		err = fmt.Errorf("%s is not in %s", id, region)
	}
	if err != nil {
		return nil, nil, ecsError(arg, err)
	}
	if is[0].Windows {
		return nil, nil, a.fixWindows(ctx, o, arg, c, is[0], *fo, r)
	}
	if why := is[0].Status; why != "Running" {
		return nil, nil, notRunning(arg, why)
	}
	if !o.all { // --all sorted the unfit out before
		if err := fit(ctx, c, region, id); err != nil {
			return nil, nil, ecsError(arg, err)
		}
	}
	if o.keyPair == "" {
		return nil, nil, cli.Usage(finding.T("which key pair shall be bound?", "未指定要绑定的密钥对"), finding.T("use --key-pair NAME; it is imported if the region does not have it", "请使用 --key-pair 名称；地域中没有时自动导入"))
	}
	addr := o.sshAddress
	if addr == "" && len(is[0].Addresses) > 0 {
		addr = is[0].Addresses[0]
	}
	if addr == "" {
		return nil, nil, cli.Usage(finding.Tf("%s has no address for the proof by SSH", "%s 没有可用于 SSH 验证的地址", arg), finding.T("use --ssh-address", "请使用 --ssh-address"))
	}
	sc, err := o.ssh.client(a, openssh.Target{User: o.sshUser, Host: addr, Port: o.sshPort}.String())
	if err != nil {
		return nil, nil, err
	}
	admin := assistant.New(c, region, id, 0)
	if o.notes != nil && !o.plan {
		if is[0].KeyPair, err = a.comeBack(ctx, o, arg, admin, is[0].KeyPair); err != nil {
			return nil, nil, err
		}
	}
	if p, ok := o.probes[arg]; ok && (o.plan || !o.notes.Interrupted(arg)) {
		admin.Prime(remote.ProbeScript(false).Text, p)
	}
	fo.KeyPair = o.keyPair
	fo.Trust.Bound = map[string]string{}
	if is[0].KeyPair != "" {
		line, err := fleet.PublicKey(ctx, c, region, is[0].KeyPair)
		if err != nil {
			return nil, nil, ecsError(arg, err)
		}
		if k, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line)); err == nil {
			fo.Trust.Bound[ssh.FingerprintSHA256(k)] = is[0].KeyPair
		}
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(fo.NewKey.PublicKey()))) + " " + o.comment
	return &assay.FixTarget{Name: arg, Admin: admin, SSH: sc,
		Bind: &fleet.KeyPairBinder{Caller: c, Instance: is[0], Name: o.keyPair, Public: line}}, func() {}, nil
}
