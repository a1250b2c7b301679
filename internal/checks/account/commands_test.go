package account

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"assay/internal/need"
)

// metadata is what the official CLI knows of an action.
type metadata struct {
	Parameters []struct {
		Name string `json:"name"`
		Sub  []struct {
			Name string `json:"name"`
		} `json:"sub_parameters"`
	} `json:"parameters"`
}

func (m metadata) has(name string) bool {
	for _, p := range m.Parameters {
		if p.Name == name {
			return true
		}
		for _, s := range p.Sub {
			if strings.HasPrefix(name, p.Name+".") && strings.HasSuffix(name, "."+s.Name) {
				return true
			}
		}
		if len(p.Sub) == 0 && regexp.MustCompile(`^`+regexp.QuoteMeta(p.Name)+`\.\d+$`).MatchString(name) {
			return true
		}
	}
	return false
}

// TestCommandsExist looks up every command of every finding in the official
// metadata of the APIs: the action, and each of its parameters.
func TestCommandsExist(t *testing.T) {
	dir := need.Corpus(t, "api-metadata")
	flag := regexp.MustCompile(` --([A-Za-z0-9.]+)`)
	seen := map[string]bool{}
	for _, x := range things {
		s := base()
		x.change(s)
		fs, _ := play(t, s, x.check)
		for _, f := range fs {
			for _, c := range f.Fix.Commands {
				w := strings.Fields(c)
				if w[0] != "aliyun" || w[1] == "oss" || seen[c] {
					continue
				}
				seen[c] = true
				text, err := os.ReadFile(filepath.Join(dir, w[1], w[2]+".json"))
				var m metadata
				if err == nil {
					err = json.Unmarshal(text, &m)
				}
				if err != nil {
					t.Errorf("%s: %v", c, err)
					continue
				}
				for _, p := range flag.FindAllStringSubmatch(c, -1) {
					if p[1] != "region" && !m.has(p[1]) { // --region is the CLI's own
						t.Errorf("%s: %s has no parameter %s", c, w[2], p[1])
					}
				}
			}
		}
	}
	if len(seen) < 15 {
		t.Errorf("only %d commands were looked up", len(seen))
	}
}
