package rules

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Mark is what a source is worth for a number here and now.
type Mark string

// The marks, from the best to the least.
const (
	InForce    Mark = "in_force"
	DraftText  Mark = "draft"      // of a consultation draft
	OtherCity  Mark = "other_city" // of a rule of another city, as a shape only
	Lapsed     Mark = "expired"    // of a rule that holds no more
	Assumption Mark = "assumption" // ours, or from memory: no text was read
)

var marks = []Mark{InForce, DraftText, OtherCity, Lapsed, Assumption}

// UnmarshalText reads a mark.
func (m *Mark) UnmarshalText(text []byte) error {
	if *m = Mark(text); !slices.Contains(marks, *m) {
		return fmt.Errorf("%q must be in_force, draft, other_city, expired or assumption", text)
	}
	return nil
}

// Worse is the lesser of two marks.
func (m Mark) Worse(o Mark) Mark {
	return marks[max(slices.Index(marks, m), slices.Index(marks, o))]
}

// Source is a text that numbers come from.
type Source struct {
	Key   string `json:"key"`
	Title Text   `json:"title"`
	Mark  Mark   `json:"mark"` // of its numbers, where they do not say otherwise
	From  *Date  `json:"from,omitempty"`
	To    *Date  `json:"to,omitempty"` // the first day on which it is no longer in force
}

// Citation is a place in a source.
type Citation struct {
	Source Source
	Clause string // as the source counts: "26", "19,22,62"; "" for the whole
}

// Origin is where a value of a pack comes from.
type Origin struct {
	Path    string
	Value   any // as in the file; numbers as json.Number
	Cites   []Citation
	Mark    Mark // the worst of its sources', unless the pack says otherwise
	Note    string
	Relaxed *Relaxation // of a sandbox site: the value is this one's
}

// Mark says where the value at a path comes from. It fails with ErrUnknown when
// there is none, or when nothing on the way to it names a source.
func (p *Pack) Mark(path string) (Origin, error) {
	o := Origin{Path: path}
	node, rest := any(p.root), path
	for depth := 0; ; depth++ {
		object, _ := node.(map[string]any)
		if depth > 0 { // at the top, src would stand for everything
			if err := p.originOf(&o, object["src"], object["mark"], object["note"]); err != nil {
				return o, fmt.Errorf("%s: %w", path, err)
			}
		}
		if rest == "" {
			break
		}
		if of, ok := object["src_of"].(map[string]any); ok {
			if err := p.originOf(&o, of[nameOf(rest)], nil, nil); err != nil {
				return o, fmt.Errorf("%s: %w", path, err)
			}
		}
		var ok bool
		if node, rest, ok = step(node, rest); !ok {
			return o, fmt.Errorf("%s: %w %s", path, ErrUnknown, p.Key())
		}
	}
	o.Value = node
	if len(o.Cites) == 0 {
		return o, fmt.Errorf("%s: nothing there names a source (src): %w %s", path, ErrUnknown, p.Key())
	}
	for i, r := range p.Sandbox.Relaxations {
		if p.relaxed == r.Site && r.Site != "" && (path == r.Path || strings.HasPrefix(path, r.Path+"/")) {
			o.Relaxed = &p.Sandbox.Relaxations[i]
		}
	}
	return o, nil
}

// originOf takes over what an object says of the origin of its values.
func (p *Pack) originOf(o *Origin, src, mark, note any) error {
	if text, ok := src.(string); ok {
		cites, worst, err := p.cite(text)
		if err != nil {
			return err
		}
		o.Cites, o.Mark, o.Note = cites, worst, ""
	}
	if text, ok := mark.(string); ok {
		if err := o.Mark.UnmarshalText([]byte(text)); err != nil {
			return err
		}
	}
	if text, ok := note.(string); ok {
		o.Note = text
	}
	return nil
}

// cite reads "d761:26+tz".
func (p *Pack) cite(src string) (out []Citation, worst Mark, err error) {
	worst = InForce
	for _, one := range strings.Split(src, "+") {
		key, clause, _ := strings.Cut(one, ":")
		s, ok := p.sources[key]
		if !ok {
			return nil, "", fmt.Errorf("source %q is not among /sources", key)
		}
		out = append(out, Citation{s, clause})
		worst = worst.Worse(s.Mark)
	}
	return out, worst, nil
}

// Origins are all quantities of the pack with where they come from: numbers,
// durations and times of day, by path. Not those that only describe the pack.
func (p *Pack) Origins() ([]Origin, error) {
	var out []Origin
	var walk func(at string, node any) error
	walk = func(at string, node any) error {
		switch n := node.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(n)) {
				if at == "" && describes[k] || slices.Contains(originKeys, k) {
					continue
				}
				if err := walk(pointer(at, k), n[k]); err != nil {
					return err
				}
			}
		case []any:
			for i, m := range n {
				if err := walk(pointer(at, strconv.Itoa(i)), m); err != nil {
					return err
				}
			}
		default:
			if !quantity(node) {
				return nil
			}
			o, err := p.Mark(at)
			if err != nil {
				return err
			}
			out = append(out, o)
		}
		return nil
	}
	return out, walk("", p.root)
}

// checkOrigins fails for what an object says of origins and cannot be read, used
// by a quantity or not.
func (c *checker) checkOrigins(at string, node any) {
	switch n := node.(type) {
	case []any:
		for i, m := range n {
			c.checkOrigins(pointer(at, strconv.Itoa(i)), m)
		}
	case map[string]any:
		of, _ := n["src_of"].(map[string]any)
		cited := map[string]any{"src": n["src"]}
		for name, src := range of {
			cited["src_of/"+name] = src
			if _, there := n[name]; !there {
				c.fail(at+"/src_of/"+name, "there is no such member")
			}
		}
		for name, src := range cited {
			if text, ok := src.(string); ok {
				if _, _, err := c.pack.cite(text); err != nil {
					c.fail(at+"/"+name, "%v", err)
				}
			}
		}
		for k, m := range n {
			if !slices.Contains(originKeys, k) && (at != "" || !describes[k]) {
				c.checkOrigins(pointer(at, k), m)
			}
		}
	}
}

// describes are the members that say what the pack is.
var describes = map[string]bool{"schema": true, "id": true, "version": true, "valid_from": true, "valid_to": true, "sources": true}

// quantity is whether a leaf is a number, a duration, a date or a time of day.
func quantity(node any) bool {
	text, ok := node.(string)
	if !ok {
		_, ok = node.(json.Number)
		return ok
	}
	return new(Period).UnmarshalText([]byte(text)) == nil || new(TimeOfDay).UnmarshalText([]byte(text)) == nil || new(Date).UnmarshalText([]byte(text)) == nil
}
