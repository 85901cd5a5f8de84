package geofence

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidwall/rtree"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// Config of an Engine; the zero value works.
type Config struct {
	Location *time.Location // of weekly schedules; default UTC
	Place    geo.Point      // where the sun rises and sets for them
	Holidays []Date
}

// Engine holds the fence set. It is safe for concurrent use: shards read an
// immutable snapshot behind an atomic pointer and never wait.
type Engine struct {
	snap     atomic.Pointer[snapshot]
	calendar *calendar

	mu       sync.Mutex // one writer at a time: an R-tree's Copy writes to its source; guards the fields below
	all      []*Compiled
	timed    map[*Compiled]force // of the fences that have a schedule
	advanced bool                // Advance was called
	nowUS    int64               // by the last Advance
}

// snapshot is one state of the fence set, immutable once published.
type snapshot struct {
	gen     uint64
	fences  []*Compiled
	keepIns []*Compiled
	byID    map[string]*Compiled
	// How many keep-ins apply to each class: what a vehicle far away breaches.
	keepInCount   [countedClasses]int
	groups        []group     // of keep-ins; they are not counted either
	keepInsListed []*Compiled // those that name operators or vehicles are not counted

	parts  *rtree.RTreeGN[int64, *part] // int64 keys: int32 areas overflow
	chains *rtree.RTreeGN[int64, *chain]
	copies int // changes since the trees were built fresh

	changes []change // against the snapshot gen-1
}

// change is one fence that differs between two snapshots; old or new may be nil.
type change struct{ old, new *Compiled }

const countedClasses = 8

// rebuildAfter is how many parts may change in copies of the trees before they
// are built fresh: every later change of a copied tree copies its path again.
const rebuildAfter = 1000

// NewEngine makes an engine without fences.
func NewEngine(cfg Config) *Engine {
	e := &Engine{calendar: newCalendar(cfg.Location, cfg.Place, cfg.Holidays)}
	e.snap.Store(&snapshot{gen: 1, parts: &rtree.RTreeGN[int64, *part]{}, chains: &rtree.RTreeGN[int64, *chain]{}})
	return e
}

// SetFences replaces the fence set atomically; readers never block. A fence that
// is there already with the same ID, Rev and definition keeps its identity and
// causes no transitions. Of two fences with one ID the last counts.
//
// Of fences with a schedule only those are in force that are so at the time of
// the last Advance; before the first Advance all are, the safe side. Shards
// notice the new set at their next Step or Refresh.
func (e *Engine) SetFences(set []*Compiled) {
	e.mu.Lock()
	defer e.mu.Unlock()
	known := make(map[string]*Compiled, len(e.all))
	for _, c := range e.all {
		known[c.Fence.ID] = c
	}
	at := make(map[string]int, len(set))
	var all []*Compiled
	for _, c := range set {
		if c == nil {
			continue
		}
		if was := known[c.Fence.ID]; was != nil && was.Fence.Rev == c.Fence.Rev && was.sum == c.sum {
			c = was
		}
		if i, twice := at[c.Fence.ID]; twice {
			all[i] = c
			continue
		}
		at[c.Fence.ID] = len(all)
		all = append(all, c)
	}
	timed := map[*Compiled]force{}
	for _, c := range all {
		if !c.Fence.Schedule.isAlways() {
			f, ok := e.timed[c]
			if !ok {
				f = e.judge(c)
			}
			timed[c] = f
		}
	}
	e.all, e.timed = all, timed
	e.publish()
}

func (e *Engine) judge(c *Compiled) force {
	if !e.advanced {
		return force{in: true}
	}
	return e.calendar.at(&c.Fence.Schedule, e.nowUS)
}

// Advance puts the schedules of a moment into force and says when to call it
// again; before that nothing changes. A fence that comes into force or leaves
// it is a change of the fence set: the shards notice it at their next Step or
// Refresh. Time may go back, and is believed.
func (e *Engine) Advance(nowUS int64) (changed bool, nextUS int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	first := !e.advanced
	e.advanced, e.nowUS, nextUS = true, nowUS, math.MaxInt64
	toggled := false
	for c, f := range e.timed {
		if first || nowUS < f.fromUS || nowUS >= f.untilUS {
			now := e.judge(c)
			toggled = toggled || now.in != f.in
			e.timed[c], f = now, now
		}
		nextUS = min(nextUS, f.untilUS)
	}
	return toggled && e.publish(), nextUS
}

// InForce reports whether a fence of this ID is in force.
func (e *Engine) InForce(id string) bool { return e.snap.Load().byID[id] != nil }

// publish makes a snapshot of the fences in force; it reports whether they differ
// from the last ones.
func (e *Engine) publish() bool {
	old := e.snap.Load()
	next := &snapshot{gen: old.gen + 1, byID: make(map[string]*Compiled, len(e.all)), fences: make([]*Compiled, 0, len(e.all))}
	for _, c := range e.all {
		if f, ok := e.timed[c]; ok && !f.in {
			continue
		}
		next.fences = append(next.fences, c)
		if was := old.byID[c.Fence.ID]; c != was {
			next.changes = append(next.changes, change{was, c})
		}
		next.byID[c.Fence.ID] = c
		next.count(c)
	}
	for _, was := range old.fences {
		if next.byID[was.Fence.ID] == nil {
			next.changes = append(next.changes, change{old: was})
		}
	}
	if len(next.changes) == 0 {
		return false
	}
	next.index(old)
	e.snap.Store(next)
	return true
}

func (s *snapshot) count(c *Compiled) {
	if c.Fence.Kind != KeepIn {
		return
	}
	s.keepIns = append(s.keepIns, c)
	if c.Fence.Group != "" {
		s.addToGroup(c)
		return
	}
	if c.lists != nil {
		s.keepInsListed = append(s.keepInsListed, c)
		return
	}
	for class := range vehicles.Class(countedClasses) {
		if c.Applies(class) {
			s.keepInCount[class]++
		}
	}
}

// index builds the trees: a few changes go into copies, a bulk load into fresh
// trees, because a tree that was copied stays slow to change.
func (s *snapshot) index(old *snapshot) {
	if n := old.copies + len(s.changes); n <= rebuildAfter {
		s.copies, s.parts, s.chains = n, old.parts.Copy(), old.chains.Copy()
		for _, ch := range s.changes {
			if ch.old != nil {
				s.remove(ch.old)
			}
			if ch.new != nil {
				s.insert(ch.new)
			}
		}
		return
	}
	s.parts, s.chains = &rtree.RTreeGN[int64, *part]{}, &rtree.RTreeGN[int64, *chain]{}
	for _, c := range s.fences {
		s.insert(c)
	}
}

func (s *snapshot) insert(c *Compiled) {
	for _, p := range c.parts {
		lo, hi := keys(p.region.Box())
		s.parts.Insert(lo, hi, p)
		for _, ch := range p.chains {
			lo, hi := keys(ch.box)
			s.chains.Insert(lo, hi, ch)
		}
	}
}

func (s *snapshot) remove(c *Compiled) {
	for _, p := range c.parts {
		lo, hi := keys(p.region.Box())
		s.parts.Delete(lo, hi, p)
		for _, ch := range p.chains {
			lo, hi := keys(ch.box)
			s.chains.Delete(lo, hi, ch)
		}
	}
}

// difference lists what differs between two snapshots.
func (s *snapshot) difference(from *snapshot) []change {
	if from.gen+1 == s.gen {
		return s.changes
	}
	var out []change
	for _, c := range s.fences {
		if was := from.byID[c.Fence.ID]; was != c {
			out = append(out, change{was, c})
		}
	}
	for _, was := range from.fences {
		if s.byID[was.Fence.ID] == nil {
			out = append(out, change{old: was})
		}
	}
	return out
}

// Fences are the fences in force, in the order they were given. The caller must
// not change the list.
func (e *Engine) Fences() []*Compiled { return e.snap.Load().fences }

// NewShard makes a shard of this engine. A Shard belongs to one goroutine.
func (e *Engine) NewShard() *Shard { return newShard(e) }
