package assay

import (
	"slices"
	"strings"

	"assay/internal/artefact/sshdconf"
	"assay/internal/guest"
)

// barred names the setting by which sshd's files keep a user out, "" when they
// do not. The running server may have read its files before that was written:
// then the fix would lock the door by making it read them. Where a pattern
// names a host too ("user@host"), nobody here knows from where we come: it
// counts as ours where it allows, and not where it denies.
func barred(s *guest.SSHDUser, a guest.Account) string {
	if v := s.Get("permitrootlogin").Value; a.UID == 0 && (v == "no" || v == "forced-commands-only") {
		return "PermitRootLogin " + v
	}
	user := func(p string, hosts bool) bool {
		name, _, at := strings.Cut(p, "@")
		return sshdconf.Pattern(a.Name, name) && (hosts || !at)
	}
	group := func(p string, _ bool) bool {
		return slices.ContainsFunc(a.Groups, func(g string) bool { return sshdconf.Pattern(g, p) })
	}
	for _, rule := range []struct {
		name  string
		allow bool
		fits  func(pattern string, hosts bool) bool
	}{{"DenyUsers", false, user}, {"AllowUsers", true, user}, {"DenyGroups", false, group}, {"AllowGroups", true, group}} {
		var patterns []string
		for _, x := range s.All(strings.ToLower(rule.name)) {
			patterns = append(patterns, x.Args...)
		}
		hit := slices.ContainsFunc(patterns, func(p string) bool { return rule.fits(p, rule.allow) })
		if len(patterns) > 0 && hit != rule.allow {
			return rule.name + " " + strings.Join(patterns, " ")
		}
	}
	return ""
}
