package app

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var snakeoil = &Check{
	ID:       "any/app/snakeoil",
	Severity: finding.Low,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"APP-017"},
	Doc: check.Doc{
		Title:  t("A self-signed key that all instances would share", "所有实例共用的自签名密钥"),
		Why:    t("ssl-cert makes this key once per machine; in an image it becomes the same key everywhere, and whoever has the image can read what it protects", "ssl-cert 为每台机器生成一次该密钥；进入镜像后所有实例都相同，获得镜像的人可以解密其保护的通信"),
		Remedy: t("Run at first boot: make-ssl-cert generate-default-snakeoil --force-overwrite", "在首次启动时执行：make-ssl-cert generate-default-snakeoil --force-overwrite"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, m := range credfile.Targets(p.Subject, "/etc/ssl/private/ssl-cert-snakeoil.key", "/etc/pki/tls/private/localhost.key", "/etc/nginx/ssl/localhost.key") {
			p.Report(finding.Finding{Where: credfile.Where(p.Subject, m), Title: t("Self-signed default key of this machine", "本机的默认自签名密钥")})
		}
		return nil
	},
}
