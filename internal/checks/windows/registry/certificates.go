package registry

import (
	"encoding/binary"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var certificates = &Check{
	ID:       "windows/registry/certificates",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B6"},
	Covers:   []string{"WCR-005"},
	Doc: check.Doc{
		Title:  t("Certificates with a private key", "带有私钥的证书"),
		Why:    t("Every instance shows the same certificate, and who reads the image can show it too", "所有实例都使用同一证书，能读取镜像的人也可以使用"),
		Remedy: t("Delete the certificate with its key, and issue one on the instance", "连同私钥一起删除证书，并在实例上重新签发"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		for _, u := range everywhere(w) {
			key := u.under(`Microsoft\SystemCertificates\MY\Certificates`)
			for _, k := range u.Key(key).Keys() {
				if !hasKey(k.Value("Blob").Data()) {
					continue
				}
				f := at(u.Hive, key+`\`+k.Name())
				f.Where.User = u.name
				f.Title = finding.Tf("Certificate with a private key, thumbprint %s", "带有私钥的证书，指纹 %s", credfile.Show(k.Name()))
				p.Report(f)
			}
		}
		return nil
	},
}

// keyProvInfo is the property of a certificate that names the container of its
// private key (CERT_KEY_PROV_INFO_PROP_ID, wincrypt.h).
const keyProvInfo = 2

// hasKey reads the properties of a stored certificate: number, 1, length, data.
func hasKey(b []byte) bool {
	for len(b) >= 12 {
		if binary.LittleEndian.Uint32(b) == keyProvInfo {
			return true
		}
		n := int64(binary.LittleEndian.Uint32(b[8:]))
		if n > int64(len(b)-12) {
			return false
		}
		b = b[12+n:]
	}
	return false
}
