package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"
)

const schemaName = "testzone.rulepack/1"

// build makes a pack of a tree and those that it extends, and checks it.
func build(t *tree, all map[string]*tree) (*Pack, error) {
	root, err := extended(t, all, nil)
	if err != nil {
		return nil, err
	}
	p, err := fromRoot(root)
	if err != nil {
		return nil, err
	}
	if t.extends != "" {
		// A number that the extension sets must say itself where it comes from:
		// the source of the one that it replaces is not its own.
		own := Pack{ID: p.ID, Version: p.Version, root: t.root, sources: p.sources}
		if _, err := own.Origins(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// extended is the content of a pack after those that it extends.
func extended(t *tree, all map[string]*tree, seen []string) (map[string]any, error) {
	if t.extends == "" {
		return t.root, nil
	}
	if slices.Contains(seen, t.key) {
		return nil, fmt.Errorf("/extends: %s extends itself", t.key)
	}
	base := all[t.extends]
	if base == nil {
		return nil, fmt.Errorf("/extends: there is no pack %q", t.extends)
	}
	under, err := extended(base, all, append(seen, t.key))
	if err != nil {
		return nil, err
	}
	return merged(under, t.root).(map[string]any), nil
}

// fromRoot decodes and checks the content of a pack.
func fromRoot(root map[string]any) (*Pack, error) {
	p := &Pack{root: root, sources: map[string]Source{}}
	var d decoder
	d.decode("", root, reflect.ValueOf(p).Elem())
	if len(d.errs) > 0 {
		return nil, errors.Join(d.errs...)
	}
	for _, s := range p.Sources {
		p.sources[s.Key] = s
	}
	c := checker{pack: p}
	c.all()
	c.checkOrigins("", root)
	if len(c.errs) > 0 {
		return nil, errors.Join(c.errs...)
	}
	if _, err := p.Origins(); err != nil {
		return nil, err
	}
	return p, nil
}

// For is the pack at a site: in a sandbox with its relaxations, which Mark names.
// At a site that relaxes nothing it is the pack itself.
func (p *Pack) For(site string) (*Pack, error) {
	root := p.root
	for _, r := range p.Sandbox.Relaxations {
		if r.Site == site {
			root = replaced(root, r.Path, r.Value).(map[string]any)
		}
	}
	if len(root) == 0 || reflect.ValueOf(root).Pointer() == reflect.ValueOf(p.root).Pointer() {
		return p, nil
	}
	relaxed, err := fromRoot(root)
	if err != nil {
		return nil, fmt.Errorf("%s relaxed at %s: %w", p.Key(), site, err)
	}
	relaxed.relaxed = site
	return relaxed, nil
}

// Relaxed are the relaxations that are in a pack of For.
func (p *Pack) Relaxed() (out []Relaxation) {
	for _, r := range p.Sandbox.Relaxations {
		if p.relaxed != "" && r.Site == p.relaxed {
			out = append(out, r)
		}
	}
	return out
}

// replaced is the node with another value at a path that it has.
func replaced(node any, at string, value any) any {
	if at == "" {
		return value
	}
	member, rest, ok := step(node, at)
	if !ok {
		return node
	}
	member = replaced(member, rest, value)
	switch n := node.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, v := range n {
			out[k] = v
		}
		out[nameOf(at)] = member
		return out
	case []any:
		out := slices.Clone(n)
		for i := range n {
			if nameOf(at) == fmt.Sprint(i) {
				out[i] = member
			}
		}
		return out
	}
	return node
}

// sameKind reports whether one value may stand for another: both numbers, or
// both text that means the same sort of quantity.
func sameKind(a, b any) bool {
	if _, number := a.(json.Number); number {
		_, also := b.(json.Number)
		return also
	}
	s, ok := a.(string)
	u, also := b.(string)
	if !ok || !also {
		return false
	}
	isPeriod := func(s string) bool { return new(Period).UnmarshalText([]byte(s)) == nil }
	return isPeriod(s) == isPeriod(u)
}

// location loads the pack's zone.
func (p *Pack) loadZone() error {
	if p.TZ == "" || p.TZ == "Local" {
		return errors.New("must be an IANA zone such as Asia/Shanghai")
	}
	l, err := time.LoadLocation(p.TZ)
	if err != nil {
		return errors.New("is not an IANA zone that this machine knows")
	}
	p.location = l
	return nil
}
