package policy_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The one idea of this code is a core that only decides, with drivers that do not
// know each other around it. Each rule says which packages of ours a folder may
// import, and why; the core is kept from clocks and I/O besides.
var imports = []struct {
	folder string
	may    []string // folders of this module, with all below
	never  []string // packages of the standard library
	why    string
}{
	{"policy", []string{"policy"}, []string{"os", "net", "log", "sync", "context", "io/fs", "path/filepath"}, "the core has no clock, no I/O and no goroutine"},
	{"relay", []string{"relay", "policy"}, nil, "a driver knows the core's words and nothing of other drivers"},
	{"rex", []string{"rex", "policy"}, nil, "a driver knows the core's words and nothing of other drivers"},
	{"reader", []string{"reader", "policy"}, nil, "a driver knows the core's words and nothing of other drivers"},
	{"store", []string{"store", "policy"}, nil, "what is on the disk does not depend on hardware"},
	{"sim", []string{"sim", "policy", "reader", "relay", "rex"}, nil, "the simulator is part of programs and keeps nothing on a disk"},
	{"cmd/doord", []string{"cmd", "policy", "reader", "relay", "rex", "store"}, nil, "firmware that can run a pretend board is a hazard"},
	{"cmd/internal", []string{"cmd/internal", "policy", "reader", "relay", "rex", "store"}, nil, "what the firmware is made of cannot pretend either"},
}

func TestImportsPointOneWay(t *testing.T) {
	seen := 0
	for _, rule := range imports {
		root := filepath.Join("..", filepath.FromSlash(rule.folder))
		err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || strings.Contains(file, "/hw/") {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			for _, spec := range f.Imports {
				seen++
				name, _ := strconv.Unquote(spec.Path.Value)
				ours, is := strings.CutPrefix(name, "doord/")
				if is && !slices.ContainsFunc(rule.may, func(m string) bool { return ours == m || strings.HasPrefix(ours, m+"/") }) {
					t.Errorf("%s imports %s: %s", file, name, rule.why)
				}
				if slices.ContainsFunc(rule.never, func(n string) bool { return name == n || strings.HasPrefix(name, path.Clean(n)+"/") }) {
					t.Errorf("%s imports %s: %s", file, name, rule.why)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen < 100 {
		t.Errorf("only %d imports were looked at: the folders are not where they were", seen)
	}
}
