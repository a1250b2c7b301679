package guest

import (
	"path"
	"strings"
)

// maxFlow bounds the length of a list over several lines.
const maxFlow = 4096

// A cloudConfig is what cloud-init's own configuration says of the things that
// checks ask about. It is read line by line: nothing here needs all of YAML.
type cloudConfig struct {
	defaultUser string
	datasources []string // nil when not set: cloud-init then tries its built-in list
	keepKeys    bool     // ssh_deletekeys: false
	noHostKeys  bool     // ssh_genkeytypes: []
	modules     bool     // a list of modules was seen
	sshModule   bool     // the module that makes host keys is listed, or no list is there
}

// cloudConfig reads /etc/cloud/cloud.cfg and cloud.cfg.d/*.cfg. Later files win.
func (g *Guest) cloudConfig() cloudConfig {
	files := []string{"/etc/cloud/cloud.cfg"}
	es, _ := g.Tree.ReadDir("/etc/cloud/cloud.cfg.d") // Index reports a directory that cannot be read
	for _, e := range es {
		if strings.HasSuffix(e.Name, ".cfg") {
			files = append(files, path.Join("/etc/cloud/cloud.cfg.d", e.Name))
		}
	}
	var c cloudConfig
	for _, name := range files {
		if b, err := g.Read(name); err == nil {
			c.read(string(b))
		}
	}
	c.sshModule = !c.modules || c.sshModule
	return c
}

// read takes the keys from one file in block or flow style. A key's path is
// known from the indents of the lines above it.
func (c *cloudConfig) read(text string) {
	type level struct {
		indent int
		key    string
	}
	var stack []level
	open := "" // a flow list that goes on in the next line
	for l := range strings.Lines(text) {
		if open != "" {
			l = open + " " + strings.TrimSpace(l) + "\n"
			open = ""
		}
		body := strings.TrimLeft(l, " ")
		indent := len(l) - len(body)
		body = yamlComment(strings.TrimSpace(body))
		if body == "" {
			continue
		}
		for len(stack) > 0 && (stack[len(stack)-1].indent > indent || stack[len(stack)-1].indent == indent && body[0] != '-') {
			stack = stack[:len(stack)-1]
		}
		keys := ""
		for _, s := range stack {
			keys += s.key + "."
		}
		if item, ok := strings.CutPrefix(body, "- "); ok {
			c.item(strings.TrimSuffix(keys, "."), yamlScalar(strings.Trim(item, "[]")))
			continue
		}
		key, value, ok := strings.Cut(body, ":")
		if !ok {
			continue
		}
		key, value = yamlScalar(key), strings.TrimSpace(value)
		if strings.HasPrefix(value, "[") && !strings.Contains(value, "]") && len(value) < maxFlow {
			open = strings.Repeat(" ", indent) + body
			continue
		}
		c.set(keys+key, value)
		if value == "" {
			stack = append(stack, level{indent, key})
		}
	}
}

// item takes one item of a list in block style.
func (c *cloudConfig) item(list, value string) {
	switch list {
	case "datasource_list":
		c.datasources = append(c.datasources, value)
	case "cloud_init_modules", "cloud_config_modules", "cloud_final_modules":
		name, _, _ := strings.Cut(value, ",") // [ssh, always]
		c.modules = true
		c.sshModule = c.sshModule || yamlScalar(name) == "ssh"
	}
}

func (c *cloudConfig) set(key, value string) {
	switch key {
	case "datasource_list":
		c.datasources = yamlList(value)
	case "system_info.default_user.name":
		c.defaultUser = yamlScalar(value)
	case "system_info.default_user":
		for _, kv := range yamlList(value) {
			if k, v, ok := strings.Cut(kv, ":"); ok && yamlScalar(k) == "name" {
				c.defaultUser = yamlScalar(v)
			}
		}
	case "ssh_deletekeys":
		v := strings.ToLower(yamlScalar(value))
		c.keepKeys = v == "false" || v == "0" || v == "no" || v == "off"
	case "ssh_genkeytypes":
		c.noHostKeys = strings.ReplaceAll(value, " ", "") == "[]"
	}
}

// yamlList reads a flow list or map of scalars: "[ AliYun, None ]".
func yamlList(s string) []string {
	s = strings.Trim(s, "[]{} ")
	var out []string
	for _, f := range strings.Split(s, ",") {
		if f = yamlScalar(f); f != "" {
			out = append(out, f)
		}
	}
	return out
}

func yamlScalar(s string) string { return strings.Trim(strings.TrimSpace(s), `"'`) }

// yamlComment cuts a comment: "#" at the start or after a blank.
func yamlComment(s string) string {
	if strings.HasPrefix(s, "#") {
		return ""
	}
	if i := strings.Index(s, " #"); i >= 0 {
		return strings.TrimSpace(s[:i])
	}
	return s
}
