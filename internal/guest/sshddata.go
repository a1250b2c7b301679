package guest

import "strings"

// sshdDefaults are what sshd does without a line (servconf.c,
// fill_default_server_options, OpenSSH 9). Only keywords that anybody asks for
// are listed; "none" is sshd's own word for nothing.
var sshdDefaults = map[string]string{
	"port": "22", "addressfamily": "any", "usepam": "no", "permitrootlogin": "prohibit-password", "strictmodes": "yes",
	"pubkeyauthentication": "yes", "passwordauthentication": "yes", "kbdinteractiveauthentication": "yes", "permitemptypasswords": "no",
	"hostbasedauthentication": "no", "ignorerhosts": "yes", "gssapiauthentication": "no", "kerberosauthentication": "no",
	"authorizedkeysfile": ".ssh/authorized_keys .ssh/authorized_keys2", "authorizedkeyscommand": "none", "authorizedkeyscommanduser": "none",
	"authorizedprincipalsfile": "none", "authorizedprincipalscommand": "none", "authorizedprincipalscommanduser": "none",
	"trustedusercakeys": "none", "revokedkeys": "none", "hostkeyagent": "none", "authenticationmethods": "any", "forcecommand": "none",
	"chrootdirectory": "none", "banner": "none", "permituserenvironment": "no", "permituserrc": "yes", "permittty": "yes",
	"permittunnel": "no", "x11forwarding": "no", "allowtcpforwarding": "yes", "allowagentforwarding": "yes", "gatewayports": "no",
	"maxauthtries": "6", "maxsessions": "10", "logingracetime": "120", "loglevel": "INFO", "usedns": "no", "exposeauthinfo": "no",
	"clientaliveinterval": "0", "clientalivecountmax": "3", "disableforwarding": "no", "printmotd": "yes", "printlastlog": "yes",
	"hostkey": "/etc/ssh/ssh_host_rsa_key /etc/ssh/ssh_host_ecdsa_key /etc/ssh/ssh_host_ed25519_key",
}

// sshdLists are the keywords whose lines add up instead of the first winning.
var sshdLists = set("port listenaddress hostkey hostcertificate acceptenv allowusers denyusers allowgroups denygroups subsystem")

// sshdMatchable are the keywords that count inside a Match block (those with
// SSHCFG_ALL in servconf.c).
var sshdMatchable = set("acceptenv allowagentforwarding allowgroups allowstreamlocalforwarding allowtcpforwarding allowusers " +
	"authenticationmethods authorizedkeyscommand authorizedkeyscommanduser authorizedkeysfile authorizedprincipalscommand " +
	"authorizedprincipalscommanduser authorizedprincipalsfile banner casignaturealgorithms channeltimeout chrootdirectory " +
	"clientalivecountmax clientaliveinterval denygroups denyusers disableforwarding exposeauthinfo forcecommand gatewayports " +
	"gssapiauthentication hostbasedacceptedalgorithms hostbasedauthentication hostbasedusesnamefrompacketonly ignorerhosts ipqos " +
	"kbdinteractiveauthentication kerberosauthentication loglevel maxauthtries maxsessions passwordauthentication " +
	"permitemptypasswords permitlisten permitopen permitrootlogin permittty permittunnel permituserrc pubkeyacceptedalgorithms " +
	"pubkeyauthentication pubkeyauthoptions rekeylimit revokedkeys setenv streamlocalbindmask streamlocalbindunlink " +
	"trustedusercakeys unusedconnectiontimeout x11displayoffset x11forwarding x11uselocalhost")

// sshdWords are the keywords with one value from a fixed list, which sshd
// compares without regard to case.
var sshdWords = set("usepam permitrootlogin strictmodes pubkeyauthentication passwordauthentication kbdinteractiveauthentication " +
	"permitemptypasswords hostbasedauthentication ignorerhosts gssapiauthentication kerberosauthentication permittty permituserrc " +
	"x11forwarding allowtcpforwarding allowagentforwarding gatewayports usedns exposeauthinfo disableforwarding printmotd printlastlog " +
	"permittunnel addressfamily")

// sshdRaw are the keywords whose value is the rest of the line as written, with
// quotes and what looks like a comment.
var sshdRaw = set("forcecommand authorizedkeyscommand authorizedprincipalscommand versionaddendum")

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}
