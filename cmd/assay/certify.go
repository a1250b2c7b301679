package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"assay"
	"assay/finding"
	"assay/internal/attest"
	"assay/internal/cli"
	"assay/internal/durable"
	"assay/internal/report"
)

// statementEnding is that of an in-toto bundle.
const statementEnding = ".intoto.jsonl"

func (a *app) keygenCmd() *cobra.Command {
	var kind, pass string
	var none bool
	c := &cobra.Command{
		Use:     "keygen FILE",
		Short:   a.t("Make a key to sign statements with: FILE and FILE.pub", "生成用于签署声明的密钥：FILE 和 FILE.pub"),
		Example: "  assay keygen assay.key --passphrase-file pass.txt\n  ASSAY_PASSPHRASE=… assay keygen assay.key",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.keygen(args[0], kind, pass, none) },
	}
	c.Flags().StringVar(&kind, "type", "p256", a.t("p256 or ed25519", "p256 或 ed25519"))
	c.Flags().StringVar(&pass, "passphrase-file", "", a.passphraseHelp())
	c.Flags().BoolVar(&none, "no-passphrase", false, a.t("leave the key unencrypted (the file's mode protects it)", "不加密密钥（仅靠文件权限保护）"))
	return c
}

func (a *app) passphraseHelp() string {
	return a.t("file whose first line is the passphrase (else ASSAY_PASSPHRASE, else asked)", "首行为口令的文件（否则取 ASSAY_PASSPHRASE，再否则询问）")
}

func (a *app) keygen(name, kind, passFile string, none bool) error {
	key, err := attest.GenerateKey(kind)
	if err != nil {
		return cli.Usage(finding.Tf("unknown kind of key %q", "未知的密钥类型 %q", kind), finding.T("use p256 or ed25519", "请使用 p256 或 ed25519"))
	}
	for _, n := range []string{name, name + ".pub"} {
		if _, err := os.Lstat(n); err == nil {
			return cli.Usage(finding.Tf("%s exists", "%s 已存在", n), finding.T("a key is never replaced: give another name", "不会覆盖已有密钥：请换一个文件名"))
		}
	}
	var pass []byte
	if !none {
		if pass, err = a.passphrase(passFile, true); err != nil {
			return err
		}
		if len(pass) == 0 {
			return cli.Usage(finding.T("the passphrase is empty", "口令为空"), finding.T("give one, or say --no-passphrase", "请输入口令，或使用 --no-passphrase"))
		}
	}
	private, err := attest.MarshalPrivate(key, pass)
	if err != nil {
		return err
	}
	public, err := attest.MarshalPublic(key.Public())
	if err != nil {
		return err
	}
	if err := durable.WriteFile(name, private, 0o600); err != nil {
		return cli.OpenError(name, err)
	}
	if err := durable.WriteFile(name+".pub", public, 0o644); err != nil {
		return cli.OpenError(name+".pub", err)
	}
	a.hint(finding.Tf("assay: %s signs, %s.pub verifies; give away the second only", "assay：%s 用于签署，%s.pub 用于验证；只分发后者", name, name))
	return nil
}

// passphrase reads a passphrase from a file, the environment, or the terminal;
// twice there when a new key depends on it.
func (a *app) passphrase(file string, twice bool) ([]byte, error) {
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, cli.OpenError(file, err)
		}
		first, _, _ := strings.Cut(string(b), "\n")
		return []byte(strings.TrimSuffix(first, "\r")), nil
	}
	if p, ok := os.LookupEnv("ASSAY_PASSPHRASE"); ok {
		return []byte(p), nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil, cli.Usage(finding.T("a passphrase is needed, and nobody can be asked", "需要口令，但当前无法询问"),
			finding.T("use --passphrase-file or ASSAY_PASSPHRASE", "请使用 --passphrase-file 或 ASSAY_PASSPHRASE"))
	}
	ask := func(what string) ([]byte, error) {
		fmt.Fprint(os.Stderr, what)
		defer fmt.Fprintln(os.Stderr)
		return term.ReadPassword(int(os.Stdin.Fd()))
	}
	first, err := ask(a.t("Passphrase: ", "口令："))
	if err != nil || !twice {
		return first, err
	}
	again, err := ask(a.t("Again: ", "再次输入："))
	if err == nil && string(first) != string(again) {
		err = cli.Usage(finding.T("the two passphrases differ", "两次输入的口令不一致"), finding.Text{})
	}
	return first, err
}

type certifyFlags struct {
	inspectFlags
	key  string
	pass string
	out  string
}

func (a *app) certifyCmd() *cobra.Command {
	o := &certifyFlags{}
	c := &cobra.Command{
		Use:   "certify IMAGE --key K",
		Short: a.t("Inspect an image and sign the statement that it is clean", "检查镜像，并签署其干净的声明"),
		Long: a.t(`Inspects IMAGE and, only if nothing counts against it and nothing was left out
unaccepted, writes IMAGE.intoto.jsonl: an in-toto statement in DSSE, signed, about
the sha256 of the file and of the virtual disk.`,
			`检查 IMAGE；仅当没有计入的问题、也没有未接受的未检查项时，写出 IMAGE.intoto.jsonl：
以 DSSE 封装并签名的 in-toto 声明，主体为文件及虚拟磁盘的 sha256。`) + a.exitStatus(),
		Example: "  assay keygen assay.key\n  assay certify clean.qcow2 --key assay.key\n  assay verify clean.qcow2 --pub assay.key.pub",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return a.certify(c.Context(), o, args[0]) },
	}
	o.add(c, a)
	o.addMachine(c, a)
	c.Flags().StringVar(&o.key, "key", "", a.t("private key, see assay keygen", "私钥，见 assay keygen"))
	c.Flags().StringVar(&o.pass, "passphrase-file", "", a.passphraseHelp())
	c.Flags().StringVarP(&o.out, "output", "o", "", a.t("the statement (default: IMAGE.intoto.jsonl)", "声明文件（默认 IMAGE.intoto.jsonl）"))
	return c
}

func (a *app) certify(ctx context.Context, o *certifyFlags, image string) error {
	if o.key == "" {
		return cli.Usage(finding.T("no key to sign with", "未指定签名密钥"), finding.T("make one with assay keygen, then --key FILE", "先用 assay keygen 生成，再用 --key FILE 指定"))
	}
	switch {
	case o.noContent || len(o.checks) > 0:
		return cli.Usage(finding.T("a statement is about the whole catalogue", "声明针对整个检查目录"), finding.T("leave --check and --no-content out", "请去掉 --check 和 --no-content"))
	}
	key, err := a.readKey(o)
	if err != nil {
		return err
	}
	job, err := o.job(a)
	if err != nil {
		return err
	}
	job.Digest = true
	t, err := openTarget(image, o.disks)
	if err != nil {
		return err
	}
	defer closeAll([]assay.Target{t})
	if len(t.Images) == 0 {
		return cli.Usage(finding.T("a statement is about an image file", "声明只针对镜像文件"), finding.Text{})
	}
	w := &assay.Witness{}
	o.witness = w
	h, err := o.handler(a)
	if err != nil {
		return err
	}
	defer o.abort()
	if err := a.inspectOne(ctx, job, t, h); err != nil {
		return err
	}
	if err := h.Close(); err != nil {
		return &cli.Error{Code: cli.ExitFailed, What: finding.T("a report could not be written", "无法写入报告"), Err: err}
	}
	if a.code = exitCode(h); a.code != cli.ExitClean {
		return &cli.Error{Code: a.code, What: finding.Tf("%s is not certified", "未为 %s 签署声明", image), Err: assay.ErrNotClean,
			Hint: finding.T("assay clean makes a clean copy; what you keep knowingly goes into an --ignore file with its reason", "可用 assay clean 生成干净副本；明知并保留的问题请连同理由写入 --ignore 文件")}
	}
	b, err := w.Certify(filepath.Base(image), time.Now(), key)
	if err != nil {
		return err
	}
	name := firstOf(o.out, image+statementEnding)
	if err := durable.WriteFile(name, b, 0o644); err != nil {
		return cli.OpenError(name, err)
	}
	a.hint(finding.Tf("assay: certified in %s", "assay：声明已写入 %s", name))
	return nil
}

func (a *app) readKey(o *certifyFlags) (crypto.Signer, error) {
	b, err := os.ReadFile(o.key)
	if err != nil {
		return nil, cli.OpenError(o.key, err)
	}
	key, err := attest.ParsePrivate(b, nil)
	if errors.Is(err, attest.ErrEncrypted) {
		pass, perr := a.passphrase(o.pass, false)
		if perr != nil {
			return nil, perr
		}
		key, err = attest.ParsePrivate(b, pass)
	}
	if err != nil {
		return nil, &cli.Error{Code: cli.ExitUsage, What: finding.Tf("%s cannot be used to sign", "%s 不能用于签名", o.key), Err: err,
			Hint: finding.T("assay keygen makes a key", "assay keygen 可生成密钥")}
	}
	return key, nil
}

type verifyFlags struct {
	pub       string
	statement string
	maxAge    string
	strict    bool
}

func (a *app) verifyCmd() *cobra.Command {
	o := &verifyFlags{}
	c := &cobra.Command{
		Use:   "verify IMAGE --pub P",
		Short: a.t("Check the signed statement of an image, offline", "离线验证镜像的签名声明"),
		Long: a.t(`Checks that IMAGE.intoto.jsonl is signed by P, that it is about this very image
(the sha256 of the file, or of the virtual disk if the format was changed), and
that it is not too old.

EXIT STATUS
  0  verified
  1  not verified
  2  wrong usage`,
			`验证 IMAGE.intoto.jsonl 由 P 签名、其主体正是该镜像（文件的 sha256，或转换格式后
虚拟磁盘的 sha256），且未过期。

退出码
  0  验证通过
  1  验证未通过
  2  用法错误`),
		Example: "  assay verify clean.qcow2 --pub assay.key.pub --max-age 30d",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return a.verify(c.Context(), o, args[0]) },
	}
	c.Flags().StringVar(&o.pub, "pub", "", a.t("public key", "公钥"))
	c.Flags().StringVar(&o.statement, "statement", "", a.t("the statement (default: IMAGE.intoto.jsonl)", "声明文件（默认 IMAGE.intoto.jsonl）"))
	c.Flags().StringVar(&o.maxAge, "max-age", "", a.t("refuse an older one: 30d, 12h", "拒绝早于此时长的声明：30d、12h"))
	c.Flags().BoolVar(&o.strict, "same-catalogue", false, a.t("refuse one made with another catalogue of checks than this program's", "拒绝用其他版本检查目录生成的声明"))
	return c
}

func (a *app) verify(ctx context.Context, o *verifyFlags, image string) error {
	if o.pub == "" {
		return cli.Usage(finding.T("no key to verify with", "未指定验证公钥"), finding.T("use --pub FILE", "请使用 --pub FILE"))
	}
	maxAge, err := parseAge(o.maxAge)
	if err != nil {
		return cli.Usage(finding.Tf("--max-age: %q is no time", "--max-age：%q 不是有效的时长", o.maxAge), finding.T("write it like 30d or 12h", "请写成 30d 或 12h 的形式"))
	}
	b, err := os.ReadFile(o.pub)
	if err != nil {
		return cli.OpenError(o.pub, err)
	}
	pub, err := attest.ParsePublic(b)
	if err != nil {
		return &cli.Error{Code: cli.ExitUsage, What: finding.Tf("%s is no public key", "%s 不是公钥", o.pub), Err: err}
	}
	name := firstOf(o.statement, image+statementEnding)
	f, err := os.Open(name)
	if err != nil {
		return cli.OpenError(name, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, attest.MaxSize+1))
	if err != nil {
		return cli.OpenError(name, err)
	}
	p, err := attest.Open(text, pub)
	if err == nil {
		err = p.Fresh(time.Now(), maxAge)
	}
	if err == nil && o.strict && p.Detail.Catalogue != assay.CatalogueVersion() {
		err = fmt.Errorf("it was made with catalogue %s, this program has %s", p.Detail.Catalogue, assay.CatalogueVersion())
	}
	if err == nil {
		err = a.sameImage(ctx, p, image)
	}
	if err != nil {
		var ours *cli.Error
		if errors.As(err, &ours) || ctx.Err() != nil {
			return err
		}
		return &cli.Error{Code: cli.ExitFailed, What: finding.Tf("%s is NOT verified", "%s 未通过验证", image), Err: err,
			Hint: finding.T("do not use it: inspect it, and have it certified again", "请勿使用：请重新检查并签署")}
	}
	a.verified(p, image)
	return nil
}

// verified tells what was signed.
func (a *app) verified(p *attest.Proof, image string) {
	st := cli.ColorFor(os.Stdout, os.Getenv)
	fmt.Println(st.Green(a.t("VERIFIED", "验证通过")), "", image)
	fmt.Println(finding.Tf("  inspected clean on %s by %s, catalogue %s", "  于 %s 由 %s 检查为干净，检查目录 %s",
		p.Time.Format(time.RFC3339), p.Detail.Tool, p.Detail.Catalogue).In(a.lang))
	for _, x := range p.Detail.Accepted {
		fmt.Println(finding.Tf("  kept knowingly: %s (%s)", "  明知并保留：%s(%s)", x.Title, x.Reason).In(a.lang))
	}
	if p.Detail.Catalogue != assay.CatalogueVersion() {
		fmt.Println(finding.Tf("  note: this program knows catalogue %s", "  注意：本程序的检查目录为 %s", assay.CatalogueVersion()).In(a.lang))
	}
}

// sameImage compares the digests: of the file first, and only when that is
// another one, of the disk in it.
func (a *app) sameImage(ctx context.Context, p *attest.Proof, image string) error {
	t, err := openTarget(image, nil)
	if err != nil {
		return err
	}
	defer closeAll([]assay.Target{t})
	if len(t.Images) == 0 {
		return cli.Usage(finding.T("a statement is about an image file", "声明只针对镜像文件"), finding.Text{})
	}
	var got digests
	if err := a.inspectInChild(ctx, job{Sandbox: "auto", DigestOnly: true}, t, &got); err != nil {
		return err
	}
	if p.About(got.SHA256) || p.About(got.DiskSHA256) {
		return nil
	}
	if got.Error != "" {
		return errors.New(got.Error)
	}
	return attest.ErrOther
}

// digests keeps the verdict of a stream.
type digests struct{ report.Verdict }

// Handle implements report.Handler.
func (d *digests) Handle(m report.Message) error {
	if m.Verdict != nil {
		d.Verdict = *m.Verdict
	}
	return nil
}

// Close implements report.Handler.
func (d *digests) Close() error { return nil }

// parseAge reads a duration that may be in days.
func parseAge(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(days, "%d", &n); err != nil || n <= 0 || n > 36500 || fmt.Sprint(n) != days {
			return 0, errors.New("no days")
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(s)
	if err == nil && d <= 0 {
		err = errors.New("not positive")
	}
	return d, err
}
