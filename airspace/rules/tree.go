package rules

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// tree is a pack file as read: objects as map[string]any, lists, strings,
// json.Number, booleans and nil.
type tree struct {
	file    string
	key     string // id@version
	extends string
	root    map[string]any
}

// maxDepth bounds how deep a pack may be nested.
const maxDepth = 32

// parseTree reads JSON and refuses what encoding/json lets pass: keys that
// come twice, text after the end, deep nesting.
func parseTree(file string, r io.Reader) (*tree, error) {
	limited := &io.LimitedReader{R: r, N: maxPack + 1}
	dec := json.NewDecoder(limited)
	dec.UseNumber()
	node, err := parseNode(dec, "", 0)
	if limited.N <= 0 {
		return nil, fmt.Errorf("larger than %d bytes", maxPack)
	}
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text follows the end of the pack")
	}
	root, ok := node.(map[string]any)
	if !ok {
		return nil, errors.New("a pack is an object")
	}
	t := &tree{file: file, root: root}
	id, _ := root["id"].(string)
	version, _ := root["version"].(json.Number)
	if id == "" || version == "" || strings.ContainsAny(id, "@ ") {
		return nil, errors.New("/id and /version must name the pack")
	}
	t.key = id + "@" + version.String()
	t.extends, _ = root["extends"].(string)
	return t, nil
}

func parseNode(dec *json.Decoder, at string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%s: nested deeper than %d", at, maxDepth)
	}
	tok, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	switch tok {
	case json.Delim('{'):
		object := map[string]any{}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", at, err)
			}
			name := key.(string) // the decoder allows nothing else here
			in := pointer(at, name)
			if _, twice := object[name]; twice {
				return nil, fmt.Errorf("%s: is there twice", in)
			}
			if object[name], err = parseNode(dec, in, depth+1); err != nil {
				return nil, err
			}
		}
		_, err = dec.Token()
		return object, err
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			n, err := parseNode(dec, pointer(at, strconv.Itoa(len(list))), depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, n)
		}
		_, err = dec.Token()
		return list, err
	}
	return tok, nil
}

// pointer is the JSON pointer of a member.
func pointer(at, name string) string {
	return at + "/" + strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// step is the member of a node that a pointer names next, and the rest of the pointer.
func step(node any, at string) (member any, rest string, ok bool) {
	_, rest, more := strings.Cut(strings.TrimPrefix(at, "/"), "/")
	if more {
		rest = "/" + rest
	}
	name := nameOf(at)
	switch n := node.(type) {
	case map[string]any:
		member, ok = n[name]
	case []any:
		i, err := strconv.Atoi(name)
		if ok = err == nil && i >= 0 && i < len(n); ok {
			member = n[i]
		}
	}
	return member, rest, ok
}

// merged is base with what over says: objects member by member, all else replaced.
func merged(base, over any) any {
	b, ok := base.(map[string]any)
	o, also := over.(map[string]any)
	if !ok || !also {
		return over
	}
	out := maps.Clone(b)
	for k, v := range o {
		if old, there := b[k]; there {
			v = merged(old, v)
		}
		out[k] = v
	}
	return out
}

// originKeys may stand in any object of a pack: they say where its numbers come from.
// src_of names the source of single members where they differ.
var originKeys = []string{"src", "src_of", "mark", "note"}

// decoder puts a tree into Go values and collects what does not fit, by path.
type decoder struct{ errs []error }

func (d *decoder) fail(at, format string, a ...any) {
	if at == "" {
		at = "/"
	}
	d.errs = append(d.errs, fmt.Errorf("%s: %s", at, fmt.Sprintf(format, a...)))
}

func (d *decoder) decode(at string, node any, v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		if node == nil {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(at, node, v.Elem())
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		text, ok := node.(string)
		if !ok {
			d.fail(at, "must be a string")
		} else if err := u.UnmarshalText([]byte(text)); err != nil {
			d.fail(at, "%v", err)
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.object(at, node, v)
	case reflect.Map:
		d.table(at, node, v)
	case reflect.Slice:
		d.list(at, node, v)
	case reflect.Interface: // a value of a relaxation: checked where it goes
		v.Set(reflect.ValueOf(&node).Elem())
	case reflect.String:
		text, ok := node.(string)
		if !ok {
			d.fail(at, "must be a string")
		}
		v.SetString(text)
	case reflect.Bool:
		b, ok := node.(bool)
		if !ok {
			d.fail(at, "must be true or false")
		}
		v.SetBool(b)
	case reflect.Int:
		n, _ := node.(json.Number)
		i, err := strconv.ParseInt(n.String(), 10, 32)
		if err != nil {
			d.fail(at, "must be a whole number")
		}
		v.SetInt(i)
	case reflect.Float64:
		n, _ := node.(json.Number)
		f, err := n.Float64()
		if err != nil {
			d.fail(at, "must be a number")
		}
		v.SetFloat(f)
	default:
		d.fail(at, "the program cannot read %s", v.Type())
	}
}

func (d *decoder) object(at string, node any, v reflect.Value) {
	object, ok := node.(map[string]any)
	if !ok {
		d.fail(at, "must be an object")
		return
	}
	d.origin(at, object)
	known := slices.Clone(originKeys)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		known = append(known, name)
		member, there := object[name]
		switch {
		case there && (member != nil || f.Type.Kind() == reflect.Pointer):
			d.decode(pointer(at, name), member, v.Field(i))
		case there:
			d.fail(pointer(at, name), "must not be null")
		case option != "omitempty":
			d.fail(pointer(at, name), "is missing")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(known, name) {
			d.fail(pointer(at, name), "unknown key")
		}
	}
}

// origin checks the form of what an object says of the origin of its values.
func (d *decoder) origin(at string, object map[string]any) {
	for _, name := range originKeys {
		node, there := object[name]
		if !there {
			continue
		}
		switch text, isText := node.(string); {
		case name == "src_of":
			d.decode(pointer(at, name), node, reflect.ValueOf(new(map[string]string)).Elem())
		case !isText || text == "":
			d.fail(pointer(at, name), "must be text")
		case name == "mark":
			if err := new(Mark).UnmarshalText([]byte(text)); err != nil {
				d.fail(pointer(at, name), "%v", err)
			}
		}
	}
}

func (d *decoder) table(at string, node any, v reflect.Value) {
	object, ok := node.(map[string]any)
	if !ok {
		d.fail(at, "must be an object")
		return
	}
	d.origin(at, object)
	v.Set(reflect.MakeMap(v.Type()))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if slices.Contains(originKeys, name) {
			continue
		}
		e := reflect.New(v.Type().Elem()).Elem()
		d.decode(pointer(at, name), object[name], e)
		v.SetMapIndex(reflect.ValueOf(name), e)
	}
}

func (d *decoder) list(at string, node any, v reflect.Value) {
	list, ok := node.([]any)
	if !ok {
		d.fail(at, "must be a list")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
	for i, n := range list {
		d.decode(pointer(at, strconv.Itoa(i)), n, v.Index(i))
	}
}

// nameOf is the member that a pointer names first.
func nameOf(at string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(at, "/"), "/")
	return strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
}
