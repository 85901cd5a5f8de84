package web

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"sort"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// docsRoutes serves the API's document and a page made of it at start: plain
// HTML of our own, without any script.
func (s *Server) docsRoutes(mux *http.ServeMux, api *huma.OpenAPI) error {
	spec := newAsset("openapi.yaml", s.spec)
	spec.kind = "application/yaml; charset=utf-8"
	mux.Handle("GET /openapi.yaml", spec)

	page, err := template.ParseFS(docsFiles, "docs/docs.html")
	if err != nil {
		return fmt.Errorf("read the docs page: %w", err)
	}
	tree, err := specTree(api)
	if err != nil {
		return err
	}
	var html bytes.Buffer
	if err := page.Execute(&html, docsOf(tree)); err != nil {
		return fmt.Errorf("write the docs page: %w", err)
	}
	mux.Handle("GET /docs", newAsset("docs.html", html.Bytes()))
	css, err := docsFiles.ReadFile("docs/docs.css")
	if err != nil {
		return fmt.Errorf("read the docs page: %w", err)
	}
	mux.Handle("GET /docs/docs.css", newAsset("docs.css", css))
	return nil
}

type docsPage struct {
	Title, Description string
	Groups             []docsGroup
	Schemas            []docsSchema
	Codes              []problemCode
}

type docsGroup struct {
	Name       string
	Operations []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, Description, Needs string
	Parameters                                    []docsField
	Body                                          docsType
	Responses                                     []docsResponse
}

type docsResponse struct {
	Status, Description string
	Type                docsType
}

type docsSchema struct {
	Name, Description string
	Fields            []docsField
}

type docsField struct {
	Name, In, Description string
	Required              bool
	Type                  docsType
}

// docsType is a type in words; Ref is the schema that it names, for a link.
type docsType struct {
	Text, Ref string
}

type tree = map[string]any

func docsOf(spec tree) docsPage {
	info := branch(spec, "info")
	page := docsPage{Title: text(info, "title"), Description: text(info, "description"), Codes: problemCodes()}
	byTag := map[string][]docsOperation{}
	paths := branch(spec, "paths")
	for _, path := range keys(paths) {
		methods := branch(paths, path)
		for _, method := range keys(methods) {
			op := branch(methods, method)
			tag := "other"
			if tags, ok := op["tags"].([]any); ok && len(tags) > 0 {
				tag = fmt.Sprint(tags[0])
			}
			byTag[tag] = append(byTag[tag], docsOperationOf(method, path, op))
		}
	}
	for _, tag := range keys(byTag) {
		page.Groups = append(page.Groups, docsGroup{Name: tag, Operations: byTag[tag]})
	}
	schemas := branch(branch(spec, "components"), "schemas")
	for _, name := range keys(schemas) {
		page.Schemas = append(page.Schemas, docsSchemaOf(name, branch(schemas, name)))
	}
	return page
}

func docsOperationOf(method, path string, op tree) docsOperation {
	out := docsOperation{
		ID: text(op, "operationId"), Method: strings.ToUpper(method), Path: path,
		Summary: text(op, "summary"), Description: text(op, "description"),
	}
	switch r := rules()[out.ID]; {
	case r.public:
		out.Needs = "public"
	case r.signed:
		out.Needs = "signed in"
	default:
		out.Needs = string(r.scope)
	}
	for _, p := range list(op, "parameters") {
		out.Parameters = append(out.Parameters, docsField{
			Name: text(p, "name"), In: text(p, "in"), Description: text(p, "description"),
			Required: p["required"] == true, Type: typeOf(branch(p, "schema")),
		})
	}
	out.Body = contentOf(branch(op, "requestBody"))
	responses := branch(op, "responses")
	for _, status := range keys(responses) {
		r := branch(responses, status)
		out.Responses = append(out.Responses, docsResponse{Status: status, Description: text(r, "description"), Type: contentOf(r)})
	}
	return out
}

func docsSchemaOf(name string, s tree) docsSchema {
	out := docsSchema{Name: name, Description: text(s, "description")}
	required, _ := s["required"].([]any)
	properties := branch(s, "properties")
	for _, p := range keys(properties) {
		field := branch(properties, p)
		out.Fields = append(out.Fields, docsField{
			Name: p, Description: text(field, "description"), Type: typeOf(field),
			Required: slices.Contains(required, any(p)),
		})
	}
	return out
}

func contentOf(v tree) docsType {
	for _, media := range branch(v, "content") {
		if m, ok := media.(tree); ok {
			return typeOf(branch(m, "schema"))
		}
	}
	return docsType{}
}

func typeOf(s tree) docsType {
	if ref := text(s, "$ref"); ref != "" {
		name := ref[strings.LastIndexByte(ref, '/')+1:]
		return docsType{Text: name, Ref: name}
	}
	if any := list(s, "anyOf"); len(any) > 0 {
		t := typeOf(any[0])
		t.Text += " or null"
		return t
	}
	t := docsType{}
	switch kind := s["type"].(type) {
	case string:
		t.Text = kind
	case []any:
		words := make([]string, len(kind))
		for i := range kind {
			words[i] = fmt.Sprint(kind[i])
		}
		t.Text = strings.Join(words, " or ")
	}
	if items := branch(s, "items"); len(items) > 0 {
		item := typeOf(items)
		t = docsType{Text: "array of " + item.Text, Ref: item.Ref}
	}
	if format := text(s, "format"); format != "" {
		t.Text += " (" + format + ")"
	}
	if enum, ok := s["enum"].([]any); ok {
		words := make([]string, len(enum))
		for i := range enum {
			words[i] = fmt.Sprint(enum[i])
		}
		t.Text += ": " + strings.Join(words, ", ")
	}
	return t
}

func branch(v tree, name string) tree {
	b, _ := v[name].(tree)
	return b
}

func list(v tree, name string) []tree {
	var out []tree
	items, _ := v[name].([]any)
	for _, i := range items {
		if b, ok := i.(tree); ok {
			out = append(out, b)
		}
	}
	return out
}

func text(v tree, name string) string {
	s, _ := v[name].(string)
	return s
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
