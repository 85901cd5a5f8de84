// Package rules holds rule packs: what a city asks of a permit, as data. Kinds of
// permits with their items and documents, departments, workflow steps, clocks,
// gates, insurance, people, risk tiers, alarm thresholds and ICV activation rules
// are read from versioned JSON files (schema testzone.rulepack/1, see
// packs/rulepack.schema.json); no number of a city stands in code.
//
// A pack belongs to a place ("cn-shanghai", or "cn-shanghai/pudong" for a
// district) and holds between two dates of its own time zone. A district's pack
// extends its city's and changes what it names. Every number in a pack has a source,
// and a mark that says what the source is worth: in force, draft, expired,
// of another city, or our assumption. Paths are JSON pointers (RFC 6901) into
// the pack after its extension: /clocks/uav.apply/at.
//
// Load refuses a pack with anything wrong in it and says where: an unknown key, a
// name that leads nowhere, a number without a source. Sets and packs are immutable
// and safe for concurrent use. The package judges no permit: it says which rules
// apply and what they ask.
package rules

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

var (
	// ErrPack is returned when a rule pack is not valid; the message names every path that is wrong.
	ErrPack = errors.New("invalid rule pack")
	// ErrNoPack is returned when no rule pack holds at a place on a date: add one that does.
	ErrNoPack = errors.New("no rule pack")
	// ErrUnknown is returned when a pack has nothing of the name asked for.
	ErrUnknown = errors.New("not in the rule pack")
)

//go:embed packs/*.json
var packs embed.FS

// Packs are the rule packs that the program brings along: cn-shanghai-2026 and generic.
func Packs() fs.FS {
	sub, err := fs.Sub(packs, "packs")
	if err != nil {
		panic(err) // "packs" is a valid path
	}
	return sub
}

// schemaFile lies beside the packs and is none.
const schemaFile = "rulepack.schema.json"

// SchemaJSON is the JSON schema of a pack file, for those who write one.
func SchemaJSON() []byte {
	b, err := packs.ReadFile("packs/" + schemaFile)
	if err != nil {
		panic(err) // embedded
	}
	return b
}

// Set is all rule packs of a deployment.
type Set struct {
	packs []*Pack // by place, date, version
}

// maxPack bounds a pack file in bytes.
const maxPack = 1 << 20

// Load reads and checks every *.json file in the root of a file system. What is
// wrong comes in one answer, under ErrPack.
func Load(fsys fs.FS) (*Set, error) {
	names, err := fs.Glob(fsys, "*.json")
	if err != nil {
		return nil, fmt.Errorf("load rule packs: %w", err)
	}
	trees := map[string]*tree{}
	var errs []error
	for _, name := range names {
		if name == schemaFile {
			continue
		}
		t, err := readTree(fsys, name)
		if err != nil {
			errs = append(errs, fmt.Errorf("%w %s: %w", ErrPack, name, err))
			continue
		}
		if old := trees[t.key]; old != nil {
			errs = append(errs, fmt.Errorf("%w %s: %s is in %s already", ErrPack, name, t.key, old.file))
			continue
		}
		trees[t.key] = t
	}
	s := &Set{}
	for _, t := range trees {
		p, err := build(t, trees)
		if err != nil {
			errs = append(errs, fmt.Errorf("%w %s: %w", ErrPack, t.file, err))
			continue
		}
		s.packs = append(s.packs, p)
	}
	if len(errs) > 0 {
		slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return nil, errors.Join(errs...)
	}
	if len(s.packs) == 0 {
		return nil, fmt.Errorf("load rule packs: %w: the folder has none", ErrNoPack)
	}
	slices.SortFunc(s.packs, func(a, b *Pack) int { return strings.Compare(a.Key(), b.Key()) })
	return s, nil
}

func readTree(fsys fs.FS, name string) (*tree, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseTree(path.Base(name), f)
}

// All are the packs of the set, by id and version.
func (s *Set) All() []*Pack { return slices.Clone(s.packs) }

// Get is the pack of an id and version, as "id@version": what a permit stored.
func (s *Set) Get(key string) (*Pack, error) {
	for _, p := range s.packs {
		if p.Key() == key {
			return p, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", key, ErrNoPack)
}

// At is the pack that holds at a place on a date: of several the one that began
// last, of those the highest version. A district without a pack of its own has
// that of its city; a place never falls back on the generic pack, which is that
// of the place "".
func (s *Set) At(date Date, district string) (*Pack, error) {
	for place := district; ; place = path.Dir(place) {
		var best *Pack
		for _, p := range s.packs {
			if p.Place == place && p.Holds(date) &&
				(best == nil || best.ValidFrom.Before(p.ValidFrom) || best.ValidFrom == p.ValidFrom && best.Version < p.Version) {
				best = p
			}
		}
		if best != nil {
			return best, nil
		}
		if !strings.Contains(place, "/") {
			return nil, fmt.Errorf("place %q on %s: %w", district, date, ErrNoPack)
		}
	}
}

// Holds reports whether the pack holds on a date of its zone.
func (p *Pack) Holds(d Date) bool {
	return !d.Before(p.ValidFrom) && (p.ValidTo == nil || d.Before(*p.ValidTo))
}

// Key is "id@version".
func (p *Pack) Key() string { return fmt.Sprintf("%s@%d", p.ID, p.Version) }

// Location is the zone of the pack's clocks.
func (p *Pack) Location() *time.Location { return p.location }

// Kind is the kind of permit of an id.
func (p *Pack) Kind(id string) (Kind, error) {
	k, ok := p.Kinds[id]
	if !ok {
		return Kind{}, fmt.Errorf("kind %q: %w %s", id, ErrUnknown, p.Key())
	}
	return k, nil
}
