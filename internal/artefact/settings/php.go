package settings

import "regexp"

// What PHP's configuration files are made of: define('K', 'V'),
// 'K' => 'V', $k['x'] = 'V' and public $k = 'V'.
var phpSetting = regexp.MustCompile(`(?:define\(\s*['"]([\w.-]{1,80})['"]\s*,|['"]([\w.-]{1,80})['"]\s*=>|\$([\w]{1,80})\s*=|\[['"]([\w.-]{1,80})['"]\]\s*=)\s*(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)")`)

// PHP reads the string constants that a PHP configuration file assigns, as
// WordPress, Joomla, Drupal, Laravel and MediaWiki write them. Comments are
// passed over line by line.
func PHP(b []byte) (out []Setting, err error) {
	lines(b, func(n int, l string) bool {
		if comment(l) || l[0] == '*' || len(l) > 1 && l[:2] == "/*" || len(l) > 1 && l[:2] == "//" {
			return true
		}
		for _, m := range phpSetting.FindAllStringSubmatch(l, -1) {
			if len(out) >= maxSettings {
				err = tooMany("php", n)
				return false
			}
			out = append(out, Setting{"", m[1] + m[2] + m[3] + m[4], m[5] + m[6], n})
		}
		return true
	})
	return out, err
}
