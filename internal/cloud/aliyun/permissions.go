package aliyun

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Permissions writes the least RAM policy of a run: it allows the given APIs
// ("ecs:DescribeImages") and nothing else. An API that is not in Table is an
// error, so that no policy allows what assay never calls.
func Permissions(actions []string) (string, error) {
	table := map[string]API{}
	for _, a := range Table() {
		table[a.Product+":"+a.Action] = a
	}
	allow := []string{}
	for _, name := range actions {
		a, ok := table[name]
		if !ok {
			return "", fmt.Errorf("%q is not an API that assay calls", name)
		}
		if a.Permission != "-" {
			allow = append(allow, a.Permission)
		}
	}
	slices.Sort(allow)
	type statement struct {
		Effect   string
		Action   []string
		Resource string
	}
	text, err := json.MarshalIndent(struct {
		Version   string
		Statement []statement
	}{"1", []statement{{"Allow", slices.Compact(allow), "*"}}}, "", "  ")
	if err != nil { // plain data
		return "", err
	}
	return strings.TrimSpace(string(text)) + "\n", nil
}

// Reads lists the APIs of Table that change nothing, as Permissions takes
// them: what an audit needs at most.
func Reads() []string {
	var out []string
	for _, a := range Table() {
		if a.Read {
			out = append(out, a.Product+":"+a.Action)
		}
	}
	return out
}
