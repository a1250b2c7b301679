package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay/finding"
	"assay/internal/cli"
	"assay/internal/cloud/double"
)

type doubleFlags struct {
	listen string
	state  string
	large  bool
}

func (a *app) doubleCmd() *cobra.Command {
	o := &doubleFlags{}
	c := &cobra.Command{
		Use:   "double",
		Short: a.t("Serve a stand-in for the cloud on this machine, to try the other commands on", "在本机启动模拟的云服务，用于试用其他命令"),
		Long: a.t(`Serves the APIs that assay calls (ECS, RAM, STS, Resource Directory, Resource Sharing,
Auto Scaling, ActionTrail) on a loopback address, with an invented company in which
everything went wrong that an audit looks for. It checks signatures, parameters and
policies as the service does. Nothing is kept when it ends; Ctrl-C ends it.`,
			`在本机回环地址上提供 assay 调用的 API（云服务器 ECS、访问控制 RAM、STS、资源目录、
资源共享、弹性伸缩、操作审计），其中是一家虚构的企业，审计要找的问题应有尽有。
它像真实服务一样校验签名、参数和权限策略。结束后不保留任何内容；按 Ctrl-C 结束。`) + a.doubleStatus(),
		Example: "  assay double\n  assay double --listen 127.0.0.1:8080 --large\n  assay audit --endpoint 127.0.0.1:8080",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.double(c.Context(), o) },
	}
	f := c.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", a.t("loopback address and port; port 0 takes a free one", "回环地址和端口；端口 0 表示任选空闲端口"))
	f.StringVar(&o.state, "state", "", a.t("serve the accounts of this JSON file instead", "改为使用此 JSON 文件中的账号"))
	f.BoolVar(&o.large, "large", false, a.t("add 10,000 images, 50,000 snapshots and 20,000 instances", "另加 10,000 个镜像、50,000 个快照和 20,000 台实例"))
	return c
}

func (a *app) doubleStatus() string {
	return a.t(`

EXIT STATUS
  0  ended by Ctrl-C
  1  could not serve
  2  wrong usage`, `

退出码
  0  由 Ctrl-C 结束
  1  无法启动服务
  2  用法错误`)
}

func (a *app) double(ctx context.Context, o *doubleFlags) error {
	state, err := o.load()
	if err != nil {
		return err
	}
	endpoint, done, err := double.New(double.Options{State: state}).Listen(ctx, o.listen)
	if err != nil {
		return &cli.Error{Code: cli.ExitFailed, What: finding.Tf("cannot listen on %s", "无法监听 %s", o.listen), Err: err,
			Hint: finding.T("use a loopback address with a free port, such as 127.0.0.1:0", "请使用回环地址和空闲端口，例如 127.0.0.1:0")}
	}
	fmt.Print(a.welcome(endpoint, state))
	if err := <-done; err != nil {
		return &cli.Error{Code: cli.ExitFailed, What: finding.T("the double stopped serving", "模拟服务已停止"), Err: err}
	}
	return nil
}

// load makes the accounts that are served.
func (o *doubleFlags) load() (*double.State, error) {
	switch {
	case o.state != "" && o.large:
		return nil, cli.Usage(finding.T("--state and --large exclude each other", "--state 与 --large 不能同时使用"), finding.T("leave one of them out", "请去掉其中一个"))
	case o.large:
		return double.Large(time.Now(), 10_000, 50_000, 20_000), nil
	case o.state == "":
		return double.Careless(time.Now()), nil
	}
	text, err := os.ReadFile(o.state)
	if err != nil {
		return nil, cli.OpenError(o.state, err)
	}
	state := &double.State{}
	if err := json.Unmarshal(text, state); err != nil || len(state.Accounts) == 0 {
		return nil, &cli.Error{Code: cli.ExitUsage, What: finding.Tf("%s holds no accounts", "%s 中没有账号数据", o.state), Err: err}
	}
	return state, nil
}

// welcome says how to use the double, in lines that a shell takes.
func (a *app) welcome(endpoint string, state *double.State) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", a.t("endpoint", "接入地址"))
	fmt.Fprintf(&b, "ENDPOINT=%s\n", endpoint)
	for _, acct := range state.Accounts {
		for _, k := range acct.Keys {
			who := "user " + k.User
			if k.User == "" {
				who = "root"
			}
			fmt.Fprintf(&b, "# %s\nexport ALIBABA_CLOUD_ACCESS_KEY_ID=%s ALIBABA_CLOUD_ACCESS_KEY_SECRET=%s\n",
				a.t("account "+acct.ID+" ("+acct.Name+"), "+who, "账号 "+acct.ID+"（"+acct.Name+"），"+who), k.ID, k.Secret)
		}
	}
	fmt.Fprintf(&b, "# %s\nassay audit --endpoint %s\n# %s\n", a.t("then, for instance", "然后例如"), endpoint, a.t("Ctrl-C ends it", "按 Ctrl-C 结束"))
	return b.String()
}
