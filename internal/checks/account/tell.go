package account

import (
	"fmt"
	"slices"
	"strings"

	"assay/finding"
	"assay/internal/cloud"
)

// The console's paths, in the words of the console.
var (
	consoleImages    = t("ECS console > Instances & Images > Images > Custom Image", "ECS 控制台 > 实例与镜像 > 镜像 > 自定义镜像")
	consoleSharing   = t("Resource Management console > Resource Sharing > Resources I Share", "资源管理控制台 > 资源共享 > 我的共享")
	consoleTemplates = t("ECS console > Instances & Images > Launch Templates", "ECS 控制台 > 实例与镜像 > 实例启动模板")
	consoleScaling   = t("Auto Scaling console > Scaling Groups > Instance Configuration Source", "弹性伸缩控制台 > 伸缩组 > 实例配置来源")
	consoleKeys      = t("ECS console > Network & Security > Key Pairs", "ECS 控制台 > 网络与安全 > 密钥对")
	consoleRAM       = t("RAM console > Permissions > Grants", "RAM 控制台 > 权限管理 > 授权")
	consoleTrail     = t("ActionTrail console > Event Query", "操作审计控制台 > 事件查询")
)

// fix is what a person does: a verb phrase, the place in the console, and the
// commands of the aliyun CLI or of assay.
func fix(what, console finding.Text, commands ...string) *finding.Fix {
	title := what
	if console.EN != "" {
		title = t(what.EN+" ("+console.EN+")", what.ZH+"（"+console.ZH+"）")
	}
	return &finding.Fix{Title: title, Commands: commands}
}

// command writes a command line. Arguments come from an account's own names:
// what a shell would read as more than text is quoted.
func command(words ...string) string {
	for i, w := range words {
		words[i] = quote(w)
	}
	return strings.Join(words, " ")
}

// commands writes one command for each n items: head, then what words makes of
// every item and its number from 1. The services take so many at once, and
// ignore further ones in silence.
func commands[T any](head []string, n int, items []T, words func(i int, item T) []string) (out []string) {
	for part := range slices.Chunk(items, n) {
		line := slices.Clone(head)
		for i, item := range part {
			line = append(line, words(i+1, item)...)
		}
		out = append(out, command(line...))
	}
	return out
}

// repair is the command that gives an instance a key of its own.
func repair(region, instance string) string {
	return command("assay", "fix", "ecs://"+region+"/"+instance, "--generate-key", "KEYFILE", "--key-pair", "KEYPAIR")
}

func quote(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-:@+=,", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// at is the place of a resource of this account.
func at(s *cloud.Snapshot, product, region, rest string) finding.Where {
	return finding.Where{Volume: region, Path: s.ARN(product, region, rest)}
}

// label names a resource for people: its ID, and its name where it has one.
func label(id, name string) string {
	if name == "" || name == id {
		return id
	}
	return id + " (" + name + ")"
}

// maxPlaces bounds the places of one finding; its title says how many there
// are in all.
const maxPlaces = 100

// place puts the first place into Where and the others, up to a bound, into
// Places.
func place(f *finding.Finding, ws []finding.Where) {
	if len(ws) == 0 {
		return
	}
	f.Where = ws[0]
	f.Places = slices.Clone(ws[1:min(len(ws), maxPlaces)])
}

// some joins the first few names and says how many more there are.
func some(names []string, most int) finding.Text {
	if len(names) <= most {
		return t(strings.Join(names, ", "), strings.Join(names, "、"))
	}
	head := names[:most]
	return t(fmt.Sprintf("%s and %d more", strings.Join(head, ", "), len(names)-most),
		fmt.Sprintf("%s 等 %d 个", strings.Join(head, "、"), len(names)))
}

// day is the date of a time as an answer writes it.
func day(s string) string {
	if w, ok := cloud.When(s); ok {
		return w.Format("2006-01-02")
	}
	return s
}

// outside reports whether another account is known to be outside the
// organisation.
func outside(s *cloud.Snapshot, account string) bool {
	if s.Directory == nil || !s.Directory.Readable {
		return false
	}
	return account != s.Directory.Management && !slices.ContainsFunc(s.Nodes, func(n cloud.Node) bool { return n.ID == account })
}

// diskContent reports whether a shared resource carries a disk's content.
func diskContent(kind string) bool {
	return strings.EqualFold(kind, "snapshot") || strings.EqualFold(kind, "image")
}

// count says how many of something there are, in English: "1 image",
// "2 images".
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// verb is is or are, has or have.
func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
