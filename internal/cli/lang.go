package cli

import (
	"fmt"
	"strings"
)

// Lang chooses the language: the flag if it is set, else the first of
// LC_ALL, LC_MESSAGES and LANG that is set. Any Chinese locale gives "zh".
func Lang(flag string, getenv func(string) string) (string, error) {
	switch flag {
	case "en", "zh":
		return flag, nil
	case "":
	default:
		return "en", fmt.Errorf("unknown language %q: use en or zh", flag)
	}
	for _, k := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := getenv(k); v != "" {
			if v = strings.ToLower(v); v == "zh" || strings.HasPrefix(v, "zh_") || strings.HasPrefix(v, "zh-") || strings.HasPrefix(v, "zh.") {
				return "zh", nil
			}
			return "en", nil
		}
	}
	return "en", nil
}
