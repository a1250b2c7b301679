package cloud

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var toolTokens = &Check{
	ID:       "any/cloud/tool-tokens",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"CLD-023", "CLD-024", "CLD-025"},
	Doc: check.Doc{
		Title:  t("Tokens of model services, remote editors and SaaS command line tools", "模型服务、远程编辑器和 SaaS 命令行工具的令牌"),
		Why:    t("A token of this kind works from anywhere and is billed to its owner; a code-server password gives a shell", "此类令牌可在任何地方使用并由其所有者付费；code-server 密码可直接获得 Shell"),
		Remedy: t("Delete the file and revoke the token at the service", "删除该文件，并在对应服务中吊销该令牌"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		const keys = "token access_token accesstoken refresh_token refreshtoken api_key *_api_key apikey key oauth_token id_token auth_token authtoken tunnelsecret session_token"
		file := func(tool string, parse settings.Parser, secrets string, patterns ...string) credfile.File {
			return credfile.File{Tool: tool, Patterns: patterns, Parse: parse, Secrets: secrets, IDs: "username", Fix: finding.Remove, Safe: true}
		}
		whole := func(tool string, patterns ...string) credfile.File {
			return credfile.File{Tool: tool, Patterns: patterns, Find: credfile.Whole, Fix: finding.Remove, Safe: true}
		}
		loose := file("command line tool", settings.JSON, keys, "~/.*/auth.json", "~/.*/.credentials.json", "~/.config/*/auth.json", "~/.config/*/hosts.json", "~/.config/*/apps.json",
			"~/.config/*/credentials.json", "~/.local/share/*/auth.json")
		loose.Loose = true
		return credfile.Run(p,
			whole("Hugging Face", "~/.cache/huggingface/token", "~/.cache/huggingface/stored_tokens", "~/.huggingface/token"),
			whole("DashScope (Bailian)", "~/.dashscope/api_key"),
			file("Kaggle", settings.JSON, "key", "~/.kaggle/kaggle.json"),
			file("code-server", settings.YAML, "password hashed-password", "~/.config/code-server/config.yaml"),
			file("Netlify", settings.JSON, keys, "~/.config/netlify/config.json"),
			file("Vercel", settings.JSON, keys, "~/.vercel/auth.json", "~/.local/share/com.vercel.cli/auth.json", "~/.config/com.vercel.cli/auth.json"),
			file("Stripe", settings.INI, "*_api_key", "~/.config/stripe/config.toml"),
			file("Fly", settings.YAML, keys, "~/.fly/config.yml", "~/.config/fly/config.yml"),
			file("cloudflared", settings.JSON, "tunnelsecret", "~/.cloudflared/*.json", "/etc/cloudflared/*.json"),
			file("ngrok", settings.YAML, "authtoken api_key", "~/.ngrok2/ngrok.yml", "~/.config/ngrok/ngrok.yml"),
			loose,
			credfile.File{Tool: "VS Code", Patterns: []string{"~/.config/Code/User/globalStorage/state.vscdb", "~/.vscode-server/data/User/globalStorage/state.vscdb",
				"~/.local/share/code-server/User/globalStorage/state.vscdb"}, Magic: sqliteMagic, Severity: finding.Low, Fix: finding.Remove, Safe: true})
	},
}
