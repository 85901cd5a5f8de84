package rules

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write packs/rulepack.schema.json")

type object = map[string]any

// textTypes are what the types that are read from text look like in JSON.
var textTypes = map[reflect.Type]object{
	reflect.TypeFor[Date]():      {"type": "string", "pattern": `^\d{4}-\d\d-\d\d$`},
	reflect.TypeFor[TimeOfDay](): {"type": "string", "pattern": timeOfDay.String()},
	reflect.TypeFor[Period]():    {"type": "string", "pattern": period.String()},
	reflect.TypeFor[Mark]():      {"enum": marks},
	reflect.TypeFor[State]():     {"enum": stepStates},
	reflect.TypeFor[Status]():    {"enum": []Status{PackInForce, PackDraft, PackExpired, PackPlaceholder}},
	reflect.TypeFor[Anchor]():    {"enum": anchors},
	reflect.TypeFor[Missed]():    {"enum": []Missed{Refuse, Escalate, Block, MarkLate, Suspend}},
	reflect.TypeFor[Weekday]():   {"enum": []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}},
}

// schemaOf describes a type as the decoder reads it. Structs go to defs.
func schemaOf(t reflect.Type, defs object) object {
	if s, ok := textTypes[t]; ok {
		return s
	}
	origin := object{}
	for _, name := range originKeys {
		origin[name] = object{"$ref": "#/$defs/" + name}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return object{"anyOf": []any{schemaOf(t.Elem(), defs), object{"type": "null"}}}
	case reflect.Slice:
		return object{"type": "array", "items": schemaOf(t.Elem(), defs)}
	case reflect.Map:
		return object{"type": "object", "properties": origin, "additionalProperties": schemaOf(t.Elem(), defs)}
	case reflect.Struct:
		if defs[t.Name()] == nil {
			properties, required := origin, []string{}
			defs[t.Name()] = object{"type": "object", "properties": properties, "additionalProperties": false}
			for f := range fieldsOf(t) {
				name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
				properties[name] = schemaOf(f.Type, defs)
				if option != "omitempty" {
					required = append(required, name)
				}
			}
			defs[t.Name()].(object)["required"] = required
		}
		return object{"$ref": "#/$defs/" + t.Name()}
	case reflect.Interface:
		return object{}
	}
	return object{"type": map[reflect.Kind]string{reflect.String: "string", reflect.Bool: "boolean", reflect.Int: "integer", reflect.Float64: "number"}[t.Kind()]}
}

func fieldsOf(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && !yield(f) {
				return
			}
		}
	}
}

// The schema file is made of the types, so that it says what the program reads;
// -update writes it.
func TestSchemaFile(t *testing.T) {
	defs := object{"src": object{"type": "string"}, "note": object{"type": "string"}, "mark": textTypes[reflect.TypeFor[Mark]()],
		"src_of": object{"type": "object", "additionalProperties": object{"type": "string"}}}
	root := schemaOf(reflect.TypeFor[Pack](), defs)
	want := []byte(fmt.Sprintf("{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\", \"title\": \"testzone rule pack, %s, after what it extends\",\n\"$ref\": %q, \"$defs\": {", schemaName, root["$ref"]))
	for i, name := range slices.Sorted(maps.Keys(defs)) { // a line for each
		def, err := json.Marshal(defs[name])
		if err != nil {
			t.Fatal(err)
		}
		want = fmt.Appendf(want, "%s\n%q: %s", [...]string{"", ","}[min(i, 1)], name, def)
	}
	want = append(want, "\n}}\n"...)
	if *update {
		if err := os.WriteFile("packs/"+schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(SchemaJSON(), want) {
		t.Error("packs/rulepack.schema.json is not what the types say: go test ./airspace/rules -run SchemaFile -update")
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(SchemaJSON()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schemaFile, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPacksKeepToTheSchema(t *testing.T) {
	schema := compiled(t)
	for _, p := range load(t).All() {
		if err := schema.Validate(any(p.root)); err != nil {
			t.Errorf("%s: %v", p.Key(), err)
		}
	}
	// And it refuses what the decoder refuses.
	for at, value := range map[string]any{"/colour": "red", "/valid_to": absent, "/clocks/uav.apply/at": "noon", "/alarms/depth_m": "10", "/alarms/mark": "fine", "/kinds/uav.flight/steps/2/state": "done"} {
		f, err := changed(t, at, value).Open("pack.json")
		if err != nil {
			t.Fatal(err)
		}
		tree, err := parseTree("pack.json", f)
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(any(tree.root)) == nil {
			t.Errorf("the schema takes %s = %v", at, value)
		}
	}
}

// A field that the program reads and no pack uses is a field too many, or a pack
// too few.
func TestEveryFieldIsUsedByAPack(t *testing.T) {
	used := map[string]bool{}
	var mark func(node any, ty reflect.Type)
	mark = func(node any, ty reflect.Type) {
		for ty.Kind() == reflect.Pointer {
			ty = ty.Elem()
		}
		if textTypes[ty] != nil {
			return
		}
		switch n := node.(type) {
		case []any:
			for _, m := range n {
				mark(m, ty.Elem())
			}
		case object:
			for k, m := range n {
				if slices.Contains(originKeys, k) {
					continue
				}
				if ty.Kind() == reflect.Map {
					mark(m, ty.Elem())
					continue
				}
				for f := range fieldsOf(ty) {
					if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name == k {
						used[ty.Name()+"."+f.Name] = true
						mark(m, f.Type)
					}
				}
			}
		}
	}
	for _, p := range load(t).All() {
		mark(any(p.root), reflect.TypeFor[Pack]())
	}
	for _, ty := range []reflect.Type{reflect.TypeFor[Pack](), reflect.TypeFor[Kind](), reflect.TypeFor[Clock](), reflect.TypeFor[Gate](), reflect.TypeFor[Policy](), reflect.TypeFor[Alarms](), reflect.TypeFor[Condition](), reflect.TypeFor[Step](), reflect.TypeFor[Rule]()} {
		for f := range fieldsOf(ty) {
			if name := ty.Name() + "." + f.Name; !used[name] && name != "Condition.Gt" { // it completes the comparisons
				t.Errorf("no pack uses %s", name)
			}
		}
	}
}
