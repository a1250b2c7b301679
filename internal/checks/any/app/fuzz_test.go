package app

import "testing"

// FuzzFinders holds that no configuration file makes a finder panic.
func FuzzFinders(f *testing.F) {
	for _, s := range []string{"requirepass x\nuser a on >b\n", "[Service]\nEnvironment=A_TOKEN=b\nExecStart=x -p y\nSetCredential=a:b\n", "\"u\" \"p\"\n", "u:$apr1$x$y\nv:{SHA}x\n", ": PSK \"x\"\na b : RSA k\n",
		"-----BEGIN OpenVPN Static key V1-----\n0123456789abcdef0123\n", "AuthInfo:h \"P:x\"\n", "//h/s /m cifs password=x,pass=y 0 0\n", "createUser a MD5 pass\ncom2sec x y z\n", "ENV A b\nARG C=d\n", "u: p, r\n", `{"Config":{"Env":["A_TOKEN=b"]}}`} {
		f.Add([]byte(s))
	}
	finders := []finder{unit, redis, postgres, htpasswd, proxyHeader, saslPasswd, authinfo, mailrc, dovecot, openvpn, userPass, ipsec, pppSecrets, mountOptions, davfs, yum, snmp, gitlabRB, initialPassword, inventory,
		containerEnv, phpSecrets, tomcat, jettyRealm, dockerfile, inEnv, inYAML, inJSON, inProperties, scriptSecrets}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<14 {
			return
		}
		for _, find := range finders {
			for _, s := range find(b) {
				if len(s.Value) == 0 {
					t.Fatalf("an empty secret: %+v", s)
				}
			}
		}
	})
}
