package web

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestCodesAreListed: every code that the sources write stands on the docs page.
func TestCodesAreListed(t *testing.T) {
	listed := map[string]bool{}
	for _, c := range problemCodes() {
		listed[c.Code] = true
		if c.Meaning == "" || c.Status < 400 {
			t.Errorf("%+v says nothing", c)
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if fn, ok := call.Fun.(*ast.Ident); !ok || fn.Name != "newProblem" {
				return true
			}
			if lit, ok := call.Args[2].(*ast.BasicLit); ok {
				seen++
				if code, _ := strconv.Unquote(lit.Value); !listed[code] {
					t.Errorf("%s: code %s is not listed in ownCodes", name, code)
				}
			}
			return true
		})
	}
	for status := 400; status < 600; status++ {
		if code := statusCode(status); !strings.HasPrefix(code, "http_") && !listed[code] {
			t.Errorf("code %s of status %d is not listed in ownCodes", code, status)
		}
	}
	if seen < 10 {
		t.Errorf("only %d codes were found in the sources", seen)
	}
	z := newTestZone(t, zoneOptions{})
	page := string(z.call("", "GET", "/docs", "").body)
	for code := range listed {
		if !strings.Contains(page, "<code>"+code+"</code>") {
			t.Errorf("the docs page lacks %s", code)
		}
	}
}
