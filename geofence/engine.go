package geofence

import (
	"sync"
	"sync/atomic"

	"github.com/tidwall/rtree"

	"testzone/vehicles"
)

// Config of an Engine; the zero value works.
type Config struct{}

// Engine holds the fence set. It is safe for concurrent use: shards read an
// immutable snapshot behind an atomic pointer and never wait.
type Engine struct {
	snap atomic.Pointer[snapshot]

	mu sync.Mutex // one writer at a time: an R-tree's Copy writes to its source
}

// snapshot is one state of the fence set, immutable once published.
type snapshot struct {
	gen     uint64
	fences  []*Compiled
	keepIns []*Compiled
	byID    map[string]*Compiled
	// How many keep-ins apply to each class: what a vehicle far away breaches.
	keepInCount [countedClasses]int

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
	e := &Engine{}
	e.snap.Store(&snapshot{gen: 1, parts: &rtree.RTreeGN[int64, *part]{}, chains: &rtree.RTreeGN[int64, *chain]{}})
	return e
}

// SetFences replaces the fence set atomically; readers never block. A fence that
// is there already with the same ID, Rev and geometry keeps its identity and
// causes no transitions. Of two fences with one ID the last counts.
//
// Shards notice the new set at their next Step or Refresh.
func (e *Engine) SetFences(set []*Compiled) {
	e.mu.Lock()
	defer e.mu.Unlock()
	old := e.snap.Load()
	next := &snapshot{gen: old.gen + 1, byID: make(map[string]*Compiled, len(set))}
	at := make(map[string]int, len(set))
	for _, c := range set {
		if c == nil {
			continue
		}
		if i, twice := at[c.Fence.ID]; twice {
			next.fences[i] = c
			continue
		}
		at[c.Fence.ID] = len(next.fences)
		next.fences = append(next.fences, c)
	}
	for i, c := range next.fences {
		was := old.byID[c.Fence.ID]
		if was != nil && was.Fence.Rev == c.Fence.Rev && was.sum == c.sum {
			next.fences[i], c = was, was
		}
		if c != was {
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
		return
	}
	next.index(old)
	e.snap.Store(next)
}

func (s *snapshot) count(c *Compiled) {
	if c.Fence.Kind != KeepIn {
		return
	}
	s.keepIns = append(s.keepIns, c)
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

// Fences is the set that holds now, in the order it was given. The caller must
// not change it.
func (e *Engine) Fences() []*Compiled { return e.snap.Load().fences }

// NewShard makes a shard of this engine. A Shard belongs to one goroutine.
func (e *Engine) NewShard() *Shard { return newShard(e) }
