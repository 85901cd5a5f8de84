package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"go.yaml.in/yaml/v3"
)

// liveOperation is the id of the websocket in the documentation and in rules.
const liveOperation = "live"

// nullMark stands at a reference to an object that may also be null, until the
// document is written.
const nullMark = "x-null"

// specYAML writes the API's document. It differs from the framework's in three
// points: arrays are never null, objects that may be null say so, and errors
// are our Problem.
func specYAML(api *huma.OpenAPI) ([]byte, error) {
	spec, err := specTree(api)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, part := range []string{"openapi", "info", "servers", "security", "paths", "components"} {
		enc := yaml.NewEncoder(&out)
		enc.SetIndent(2)
		if err := enc.Encode(map[string]any{part: spec[part]}); err != nil {
			return nil, fmt.Errorf("write openapi.yaml: %w", err)
		}
	}
	return out.Bytes(), nil
}

// specTree is the document as plain maps.
func specTree(api *huma.OpenAPI) (map[string]any, error) {
	schemas := api.Components.Schemas
	schemas.Schema(reflect.TypeFor[Problem](), true, "")
	for name, schema := range schemas.Map() {
		forbidNullArrays(schema)
		markNullObjects(schema, schemas.TypeFromRef("#/components/schemas/"+name))
	}
	raw, err := json.Marshal(api)
	if err != nil {
		return nil, fmt.Errorf("write openapi: %w", err)
	}
	raw = bytes.ReplaceAll(raw, []byte(`"#/components/schemas/ErrorModel"`), []byte(`"#/components/schemas/Problem"`))
	var spec map[string]any
	if err := json.Unmarshal(raw, &spec); err != nil {
		return nil, fmt.Errorf("read openapi: %w", err)
	}
	own := spec["components"].(map[string]any)["schemas"].(map[string]any)
	delete(own, "ErrorModel")
	delete(own, "ErrorDetail")
	return spellNull(spec).(map[string]any), nil
}

func forbidNullArrays(s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false
	}
	forbidNullArrays(s.Items)
	for _, p := range s.Properties {
		forbidNullArrays(p)
	}
}

// markNullObjects marks the fields that are pointers to structs and are always
// written, and those that a request may set to null.
func markNullObjects(s *huma.Schema, t reflect.Type) {
	if t == nil || t.Kind() != reflect.Struct {
		return
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		p := s.Properties[name]
		if p == nil || p.Ref == "" || f.Type.Kind() != reflect.Pointer {
			continue
		}
		if !strings.Contains(options, "omitempty") || f.Tag.Get("accept") == "null" {
			p.Extensions = map[string]any{nullMark: true}
		}
	}
}

// spellNull writes marked references as anyOf with null.
func spellNull(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if v[nullMark] == true {
			out := map[string]any{"anyOf": []any{map[string]any{"$ref": v["$ref"]}, map[string]any{"type": "null"}}}
			if d, ok := v["description"]; ok {
				out["description"] = d
			}
			return out
		}
		for k := range v {
			v[k] = spellNull(v[k])
		}
		if alternatives, ok := v["oneOf"].([]any); ok && len(alternatives) > 0 {
			delete(v, "additionalProperties") // each alternative says which properties it has
		}
	case []any:
		for i := range v {
			v[i] = spellNull(v[i])
		}
	}
	return v
}

// documentLive puts the websocket into the document.
func documentLive(api *huma.OpenAPI) {
	problem := map[string]*huma.MediaType{problemJSON: {Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}}}
	responses := map[string]*huma.Response{"101": {Description: "The connection speaks zl.v1"}}
	for _, status := range []int{400, 401, 403, 429, 503} {
		responses[fmt.Sprint(status)] = &huma.Response{Description: http.StatusText(status), Content: problem}
	}
	api.AddOperation(&huma.Operation{
		OperationID: liveOperation, Method: http.MethodGet, Path: livePath, Tags: []string{"live"},
		Summary: "Live channel: a websocket with subprotocol zl.v1",
		Description: "Binary frames carry positions, text messages are JSON. The first message is the client's hello. " +
			"Control messages (alert, transition, fence) carry cseq, which rises within an epoch but has gaps.",
		Parameters: []*huma.Param{{
			Name: "Sec-WebSocket-Protocol", In: "header", Required: true, Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{subprotocol}},
		}},
		Responses: responses,
	})
}
