package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"assay"
	"assay/finding"
	"assay/internal/cli"
	"assay/internal/cloud"
	"assay/internal/remote"
	"assay/internal/remote/assistant"
	"assay/internal/remote/openssh"
)

// sshFlags say how to log in to a running machine.
type sshFlags struct {
	identities []string
	config     string
	knownHosts string
	acceptNew  bool
	password   string
	sudo       string
	noAgent    bool
}

func (o *sshFlags) add(c *cobra.Command, a *app) {
	f := c.Flags()
	f.StringArrayVarP(&o.identities, "identity", "i", nil, a.t("ssh: private key file to log in with (repeatable; default: ssh_config, then the usual names)", "ssh:用于登录的私钥文件（可重复；默认取 ssh_config，然后是常用文件名）"))
	f.StringVarP(&o.config, "ssh-config", "F", "", a.t("ssh: configuration file instead of ~/.ssh/config; none for no file", "ssh：代替 ~/.ssh/config 的配置文件；none 表示不使用"))
	f.StringVar(&o.knownHosts, "known-hosts", "", a.t("ssh: file of known host keys (default: ~/.ssh/known_hosts)", "ssh：已知主机密钥文件（默认 ~/.ssh/known_hosts）"))
	f.BoolVar(&o.acceptNew, "accept-new", false, a.t("ssh: remember the key of a host that is not known yet", "ssh：记住未知主机的主机密钥"))
	f.StringVar(&o.password, "password-file", "", a.t("ssh: file with the password of today, - to be asked", "ssh：存放当前密码的文件，- 表示交互输入"))
	f.StringVar(&o.sudo, "sudo-password-file", "", a.t("ssh: file with the password for sudo, - to be asked (default: the login's)", "ssh：存放 sudo 密码的文件，- 表示交互输入（默认与登录密码相同）"))
	f.BoolVar(&o.noAgent, "no-agent", false, a.t("ssh: do not ask ssh-agent", "ssh：不使用 ssh-agent"))
}

// secret reads the first line of a file, or asks for it without an echo.
func (a *app) secret(name, en, zh string) (string, error) {
	if name == "" {
		return "", nil
	}
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", cli.OpenError(name, err)
		}
		defer f.Close()
		line, err := bufio.NewReader(io.LimitReader(f, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", cli.OpenError(name, err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	if !cli.IsTerminal(os.Stdin) {
		return "", cli.Usage(finding.T("- asks on a terminal, and there is none", "- 需要在终端交互输入，但当前没有终端"), finding.T("write the password into a file that only you can read", "请将密码写入仅自己可读的文件"))
	}
	os.Stderr.WriteString(a.t(en, zh) + ": ")
	b, err := term.ReadPassword(int(os.Stdin.Fd()))
	os.Stderr.WriteString("\n")
	return string(b), err
}

// options gathers what the ssh command would use too.
func (o *sshFlags) options(a *app) (openssh.Options, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return openssh.Options{}, err
	}
	me := ""
	if u, err := user.Current(); err == nil {
		me = u.Username
	}
	out := openssh.Options{Me: me, Home: home, AcceptNew: o.acceptNew, Identities: o.identities,
		Config:     []string{cmp.Or(o.config, filepath.Join(home, ".ssh", "config")), "/etc/ssh/ssh_config"},
		KnownHosts: []string{cmp.Or(o.knownHosts, filepath.Join(home, ".ssh", "known_hosts")), "/etc/ssh/ssh_known_hosts"},
		Passphrase: func(file string) ([]byte, error) {
			if !cli.IsTerminal(os.Stdin) {
				return nil, errors.New("the key has a passphrase")
			}
			s, err := a.secret("-", "Passphrase of "+file, file+" 的密码短语")
			return []byte(s), err
		}}
	if o.config == "none" {
		out.Config = nil
	}
	if !o.noAgent {
		out.Agent = os.Getenv("SSH_AUTH_SOCK")
	}
	if out.Password, err = a.secret(o.password, "Password", "密码"); err != nil {
		return out, err
	}
	out.SudoPassword, err = a.secret(o.sudo, "Password for sudo", "sudo 密码")
	return out, err
}

// client makes the client for an ssh:// target.
func (o *sshFlags) client(a *app, arg string) (*openssh.Client, error) {
	t, err := openssh.ParseTarget(arg)
	if err != nil {
		return nil, sshTargetError(err)
	}
	opts, err := o.options(a)
	if err != nil {
		return nil, err
	}
	c, err := openssh.NewClient(t, opts)
	if err != nil {
		return nil, loginError(arg, err)
	}
	return c, nil
}

// sshTargetError does not repeat the target: somebody may have written a
// password into it.
func sshTargetError(err error) error {
	return &cli.Error{Code: cli.ExitUsage, What: finding.T("this is no target", "目标无效"), Err: err, Hint: finding.T("write it as ssh://user@host:port", "请写成 ssh://用户@主机:端口")}
}

// loginError says what to do when a machine cannot be entered.
func loginError(target string, err error) error {
	e := &cli.Error{Code: cli.ExitFailed, What: finding.Tf("cannot log in to %s", "无法登录 %s", target), Err: err}
	var unknown *openssh.UnknownHostError
	var changed *openssh.ChangedHostError
	var denied *openssh.DeniedError
	var access *remote.AccessError
	var config *openssh.ConfigError
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &unknown):
		e.Hint = finding.T("compare this fingerprint with the machine's own (console, or Cloud Assistant: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then use --accept-new", "请与机器上的指纹核对（控制台或云助手执行 ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub），确认后使用 --accept-new")
	case errors.As(err, &changed):
		e.Hint = finding.T("somebody may stand between, or the machine was set up anew: find out, then remove the old line with ssh-keygen -R HOST", "可能存在中间人，或机器已重装：确认原因后用 ssh-keygen -R 主机 删除旧记录")
	case errors.As(err, &denied):
		e.Hint = finding.T("name a key with --identity, start ssh-agent, or give --password-file", "请用 --identity 指定私钥、启动 ssh-agent，或使用 --password-file")
	case errors.As(err, &access):
		e.Hint = finding.T("log in as root, or as a user whom sudo lets become root; --sudo-password-file gives its password", "请使用 root 或可通过 sudo 获得 root 权限的用户；sudo 密码可用 --sudo-password-file 提供")
	case errors.As(err, &config):
		e.Hint = finding.T("use another file with -F, or -F none", "请用 -F 指定其他文件，或使用 -F none")
	}
	return e
}

// machineFlags say how to reach a running machine.
type machineFlags struct {
	ssh   sshFlags
	cloud cloudFlags
}

func (o *machineFlags) add(c *cobra.Command, a *app) {
	o.ssh.add(c, a)
	o.cloud.add(c, a)
}

// openAny opens what an argument names, also a running machine.
func (a *app) openAny(ctx context.Context, o *machineFlags, arg string, disks []string) (assay.Target, error) {
	var m *assay.Machine
	var err error
	switch {
	case strings.HasPrefix(arg, "ssh://"):
		m, err = a.observeSSH(ctx, &o.ssh, arg)
	case strings.HasPrefix(arg, "ecs://"):
		m, err = a.observeECS(ctx, &o.cloud, arg)
	default:
		return openTarget(arg, disks)
	}
	if err != nil {
		return assay.Target{}, err
	}
	return assay.Target{Name: arg, Machine: m}, nil
}

// observeSSH brings the probe of a machine over SSH.
func (a *app) observeSSH(ctx context.Context, o *sshFlags, arg string) (*assay.Machine, error) {
	c, err := o.client(a, arg)
	if err != nil {
		return nil, err
	}
	conn, err := c.Login(ctx)
	if err != nil {
		return nil, loginError(arg, err)
	}
	defer conn.Close()
	m, err := assay.Observe(ctx, conn)
	if err != nil {
		return nil, loginError(arg, err)
	}
	return m, nil
}

// ecsTarget reads ecs://REGION/INSTANCE.
func ecsTarget(arg string) (region, id string, err error) {
	region, id, ok := strings.Cut(strings.TrimPrefix(arg, "ecs://"), "/")
	if id = strings.TrimSuffix(id, "/"); !ok || region == "" || id == "" || strings.ContainsAny(region+id, "/?#@ ") {
		return "", "", cli.Usage(finding.Tf("%s is no target", "%s 不是有效目标", arg), finding.T("write it as ecs://cn-hangzhou/i-abc123", "请写成 ecs://cn-hangzhou/i-abc123"))
	}
	return region, id, nil
}

// observeECS brings the masked probe of an instance through Cloud Assistant.
func (a *app) observeECS(ctx context.Context, o *cloudFlags, arg string) (*assay.Machine, error) {
	region, id, err := ecsTarget(arg)
	if err != nil {
		return nil, err
	}
	c, err := o.open(region)
	if err != nil {
		return nil, err
	}
	if err := fit(ctx, c, region, id); err != nil {
		return nil, ecsError(arg, err)
	}
	m, err := assay.Observe(ctx, assistant.New(c, region, id, 0))
	if err != nil {
		return nil, ecsError(arg, err)
	}
	return m, nil
}

// ecsError says what to do when an instance cannot be reached by the cloud.
func ecsError(target string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	var e *cloud.Error
	if errors.As(err, &e) && e.Hint.EN != "" {
		return &cli.Error{Code: cli.ExitFailed, What: finding.Tf("cannot reach %s through Cloud Assistant", "无法通过云助手访问 %s", target), Err: err, Hint: e.Hint}
	}
	return &cli.Error{Code: cli.ExitFailed, What: finding.Tf("cannot reach %s through Cloud Assistant", "无法通过云助手访问 %s", target), Err: err,
		Hint: finding.T("the instance must be running Linux with the Cloud Assistant agent, and you need ecs:RunCommand and ecs:DescribeInvocationResults; or use ssh://", "实例必须为运行中的 Linux 且已安装云助手 Agent，并需要 ecs:RunCommand 和 ecs:DescribeInvocationResults 权限；也可使用 ssh://")}
}
