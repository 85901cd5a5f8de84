package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allowed says which packages of the project each package may import. A package
// that is not here fails the test: decide where it stands before it grows.
// Tests may import more: they join what the program joins in cmd.
var allowed = map[string][]string{
	"geofence/geo":       {},
	"vehicles":           {"geofence/geo"},
	"geofence":           {"geofence/geo", "vehicles"},
	"geofence/zonefile":  {"geofence/geo", "vehicles", "geofence"},
	"airspace":           {"geofence/geo", "vehicles", "geofence", "telemetry/journal", "airspace/activity", "airspace/document", "airspace/notice", "airspace/permit", "airspace/rules", "airspace/site", "airspace/supervision", "airspace/volumes"},
	"telemetry":          {"geofence/geo", "vehicles", "geofence", "telemetry/journal", "telemetry/live"},
	"telemetry/live":     {"geofence/geo"},
	"telemetry/journal":  {},
	"telemetry/mavlink":  {"geofence/geo", "vehicles"},
	"telemetry/command":  {"geofence/geo", "vehicles", "telemetry", "telemetry/journal"},
	"telemetry/priority": {"geofence/geo", "vehicles", "geofence", "telemetry"},
	"telemetry/watchdog": {},
	"telemetry/coverage": {"geofence/geo", "vehicles", "telemetry", "telemetry/journal", "telemetry/live", "telemetry/watchdog"},
	"telemetry/audit":    {"telemetry/journal"},
	"telemetry/sim":      {"geofence/geo", "vehicles", "telemetry/mavlink"},
	"web":                {"geofence/geo", "vehicles", "vehicles/planfile", "geofence", "geofence/zonefile", "airspace", "airspace/activity", "airspace/document", "airspace/notice", "airspace/permit", "airspace/route", "airspace/rules", "airspace/site", "airspace/supervision", "telemetry", "telemetry/live", "telemetry/journal", "telemetry/audit", "telemetry/audit/trail", "telemetry/command", "telemetry/command/bulk", "telemetry/coverage", "telemetry/command/ladder", "telemetry/priority", "telemetry/command/onboard", "telemetry/recording", "web/auth", "web/notify", "web/notify/mail"},
	"web/admin":          {},
	"web/notify":         {"telemetry/journal"},
	"web/auth":           {"airspace"},
	"web/ui":             {},
	"cmd/testzone":       nil, // wires everything

	"telemetry/command/bulk":      {"geofence/geo", "vehicles", "geofence", "telemetry", "telemetry/journal", "telemetry/command"},
	"airspace/document":           {},
	"airspace/permit":             {"geofence/geo", "vehicles", "geofence", "airspace/rules", "airspace/volumes"},
	"airspace/route":              {"geofence/geo", "vehicles", "geofence"},
	"airspace/activity":           {"geofence/geo", "vehicles", "geofence", "airspace/permit", "airspace/rules", "airspace/volumes"},
	"airspace/notice":             {},
	"airspace/rules":              {},
	"airspace/site":               {"geofence/geo", "geofence"},
	"airspace/supervision":        {"vehicles", "airspace/activity", "airspace/permit", "airspace/rules"},
	"airspace/volumes":            {"geofence/geo", "geofence"},
	"telemetry/audit/trail":       {"telemetry/journal"},
	"telemetry/command/onboard":   {"geofence/geo", "vehicles", "geofence", "telemetry", "telemetry/journal", "telemetry/command"},
	"telemetry/command/ladder":    {"geofence", "geofence/geo", "vehicles", "telemetry", "telemetry/journal", "telemetry/command"},
	"telemetry/mavlink/dialogue":  {"geofence/geo", "vehicles", "telemetry/mavlink"},
	"telemetry/mavlink/gateway":   {"vehicles", "telemetry/mavlink"},
	"telemetry/mavlink/signsetup": {"telemetry/mavlink"},
	"telemetry/recording":         {},
	"web/notify/mail":             {},
	"vehicles/planfile":           {"geofence/geo", "vehicles"},
}

// topLevel is what may stand at the top of the repository, apart from dot-files.
var topLevel = []string{
	"cmd", "airspace", "vehicles", "geofence", "telemetry", "web",
	"go.mod", "go.sum", "Makefile", "README.md", "LICENSE",
}

// root is the repository; sources are read as files, because go list would be
// answered from the test cache.
const root = "../.."

func sources(t *testing.T, visit func(pkg, file string, f *ast.File)) {
	t.Helper()
	set := token.NewFileSet()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || d.Name() == "dist" || p != root && strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		f, err := parser.ParseFile(set, p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		visit(filepath.ToSlash(filepath.Dir(rel)), rel, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportDirection(t *testing.T) {
	seen := 0
	sources(t, func(pkg, file string, f *ast.File) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		may, ok := allowed[pkg]
		if !ok {
			t.Errorf("%s: package %s has no place in the import rules", file, pkg)
			return
		}
		for _, imp := range f.Imports {
			name, _ := strconv.Unquote(imp.Path.Value)
			inner, own := strings.CutPrefix(name, "testzone/")
			if !own {
				continue
			}
			seen++
			if may != nil && !slices.Contains(may, inner) {
				t.Errorf("%s imports %s, which %s may not", file, inner, pkg)
			}
		}
	})
	if seen < 20 {
		t.Errorf("only %d imports were seen: the test does not look at the sources", seen)
	}
}

func TestEveryPackageHasADoc(t *testing.T) {
	docs := map[string]string{}
	sources(t, func(pkg, file string, f *ast.File) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		if _, ok := docs[pkg]; !ok {
			docs[pkg] = ""
		}
		if f.Doc != nil {
			want := path.Base(pkg) + ".go"
			if filepath.Base(file) != want && f.Name.Name != "main" {
				t.Errorf("%s: the package doc belongs into %s", file, want)
			}
			docs[pkg] = f.Doc.Text()
		}
	})
	for pkg, doc := range docs {
		if n := strings.Count(doc, "\n"); n < 5 || n > 30 {
			t.Errorf("package %s: a doc of 5 to 30 lines is asked, this has %d", pkg, n)
		}
	}
}

func TestTopLevelIsFixed(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(topLevel, e.Name()) && !ignored[e.Name()] {
			t.Errorf("%s has no place at the top of the repository", e.Name())
		}
	}
}

// ignored are folders that a run leaves behind; git ignores them too.
var ignored = map[string]bool{"bin": true, "data": true, "data-demo": true, "testzone": true}
