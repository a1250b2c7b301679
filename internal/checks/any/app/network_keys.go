package app

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var networkKeys = &Check{
	ID:       "any/app/network-keys",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B12"},
	Covers:   []string{"APP-021", "APP-040"},
	Doc: check.Doc{
		Title:  t("Keys of VPNs and wireless networks", "VPN 和无线网络的密钥"),
		Why:    t("The key leads into a private network from anywhere, and two instances with one key disturb each other", "该密钥可从任意地点进入私有网络，且多个实例共用同一密钥会互相冲突"),
		Remedy: t("Remove the key, replace it at the other end, and give each instance its own", "删除该密钥，在对端更换，并为每个实例配置独立的密钥"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		nm := "psk wep-key0 wep-key1 wep-key2 wep-key3 password private-key-password phase2-private-key-password leap-password pin"
		return credfile.Run(p,
			file{Tool: "WireGuard", Patterns: []string{"/etc/wireguard/*.conf", "/etc/systemd/network/*.netdev"}, Parse: settings.INI, Secrets: "privatekey presharedkey"},
			file{Tool: "OpenVPN", Patterns: []string{"/etc/openvpn/**"}, Find: openvpn},
			file{Tool: "OpenVPN", Patterns: []string{"/etc/openvpn/*auth*", "/etc/openvpn/*/*auth*", "/etc/openvpn/*pass*", "/etc/openvpn/*/*pass*"}, Find: userPass},
			file{Tool: "IPsec", Patterns: []string{"/etc/ipsec.secrets", "/etc/ipsec.d/*.secrets", "/etc/strongswan/ipsec.secrets", "/etc/racoon/psk.txt"}, Find: ipsec},
			file{Tool: "strongSwan", Patterns: []string{"/etc/swanctl/*.conf", "/etc/swanctl/conf.d/*.conf", "/etc/strongswan/swanctl/*.conf", "/etc/strongswan/swanctl/conf.d/*.conf"}, Parse: settings.INI, Secrets: "secret"},
			file{Tool: "PPP", Patterns: []string{"/etc/ppp/chap-secrets", "/etc/ppp/pap-secrets"}, Find: pppSecrets},
			file{Tool: "NetworkManager", Patterns: []string{"/etc/NetworkManager/system-connections/*"}, Parse: settings.INI, Secrets: nm, IDs: "ssid", Fix: finding.Remove},
			file{Tool: "netplan", Patterns: []string{"/etc/netplan/*.yaml"}, Parse: settings.YAML, Secrets: "password"},
			file{Tool: "wpa_supplicant", Patterns: []string{"/etc/wpa_supplicant/*.conf", "/etc/wpa_supplicant.conf"}, Parse: settings.INI, Secrets: "psk password private_key_passwd wep_key0", Fix: finding.RemoveLine})
	},
}

// openvpn finds a static key, and a key inside a profile; the body of a PEM
// block starts on the line after its header.
func openvpn(b []byte) (out []credfile.Secret) {
	n := 0
	name := ""
	for l := range strings.Lines(string(b)) {
		n++
		l = strings.TrimSpace(l)
		switch {
		case l == "-----BEGIN OpenVPN Static key V1-----":
			name = "static key"
		case strings.HasPrefix(l, "-----BEGIN") && strings.HasSuffix(l, "PRIVATE KEY-----"):
			name = "private key"
		case name != "" && len(l) >= 16 && !strings.Contains(l, ":"):
			out = append(out, credfile.Secret{Name: name, Value: []byte(l), Line: n - 1})
			name = ""
		}
	}
	return out
}

// userPass reads what auth-user-pass names: the user on one line, the password
// on the next.
func userPass(b []byte) []credfile.Secret {
	l := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(b), "\r", "")), "\n")
	if len(l) != 2 || len(l[0]) > 200 || strings.ContainsAny(l[0], " \t-") || !credfile.Real(l[1]) {
		return nil
	}
	return []credfile.Secret{{Name: "password", Value: []byte(l[1]), Line: 2}}
}

// ipsec reads "selectors : PSK|EAP|XAUTH "secret"" and racoon's "peer secret".
func ipsec(b []byte) (out []credfile.Secret) {
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		f := settings.Fields(strings.ReplaceAll(strings.TrimSpace(l), ": ", " : "))
		if len(f) < 2 || f[0] == "include" {
			continue
		}
		kind := "PSK"
		for i, w := range f {
			if w == ":" && i+1 < len(f) {
				kind = strings.ToUpper(f[i+1])
			}
		}
		switch v := f[len(f)-1]; {
		case (kind == "RSA" || kind == "ECDSA" || kind == "P12") && len(f) < 4: // only a file's name
		case credfile.Real(v):
			out = append(out, credfile.Secret{Name: kind, Value: []byte(v), Line: n})
		}
	}
	return out
}

// pppSecrets reads "client server secret [address…]", see pppd(8).
func pppSecrets(b []byte) (out []credfile.Secret) {
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		f := settings.Fields(strings.TrimSpace(l))
		if len(f) >= 3 && credfile.Real(f[2]) && f[2] != "-" {
			out = append(out, credfile.Secret{Name: "secret of " + f[0], Value: []byte(f[2]), Line: n})
		}
	}
	return out
}
