package volumes

import (
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/tidwall/rtree"
)

// Levels of slices: each is levelFactor times as wide as the one below. A volume
// lies in the lowest level of which it touches few slices, so that a permit of a
// year costs no more than a flight of minutes.
const (
	levels      = 6 // 15 min to 341 days
	levelFactor = 8
	fewSlices   = 4 // its length in slices at most; it touches one more
)

// Index holds volumes and finds those that a volume meets. Safe for concurrent use.
type Index struct {
	sliceUS int64

	mu    sync.RWMutex // guards the fields below
	slots []slot
	free  []int32
	byID  map[string]int32
	level [levels]level
	rest  tree // volumes without a begin or an end, or too long for the highest level
}

// slot holds a volume and what most candidates are refused by.
type slot struct {
	solid        *Solid
	fromUS, toUS int64
	level        int8
}

// noLevel is the level of the volumes in rest.
const noLevel = levels

type level struct {
	widthUS int64
	slices  map[int64]*tree
}

// tree holds slots by their box. Its keys are float32, rounded outward: within a
// metre or two, and half the size.
type tree = rtree.RTreeGN[float32, int32]

// New makes an empty index.
func New(cfg Config) (*Index, error) {
	if cfg.Slice == 0 {
		cfg.Slice = 15 * time.Minute
	}
	if cfg.Slice < time.Second || cfg.Slice > 24*time.Hour {
		return nil, fmt.Errorf("slice %v: must be between a second and a day", cfg.Slice)
	}
	x := &Index{sliceUS: cfg.Slice.Microseconds(), byID: map[string]int32{}}
	width := x.sliceUS
	for i := range x.level {
		x.level[i] = level{width, map[int64]*tree{}}
		width *= levelFactor
	}
	return x, nil
}

// Len is the number of volumes.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.byID)
}

// Get is the volume of an id.
func (x *Index) Get(id string) (*Solid, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	i, ok := x.byID[id]
	if !ok {
		return nil, false
	}
	return x.slots[i].solid, true
}

// Insert adds a volume. It does not ask whether the volume meets others.
func (x *Index) Insert(s *Solid) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, ok := x.byID[s.Volume.ID]; ok {
		return fmt.Errorf("insert %s: %w", s.Volume.ID, ErrExists)
	}
	v := &s.Volume
	sl := slot{s, v.FromUS, v.ToUS, x.levelOf(v.FromUS, v.ToUS)}
	i := int32(len(x.slots))
	if n := len(x.free); n > 0 {
		i, x.free = x.free[n-1], x.free[:n-1]
		x.slots[i] = sl
	} else {
		x.slots = append(x.slots, sl)
	}
	x.byID[v.ID] = i
	low, high := s.keys(0)
	x.eachTree(&sl, func(t *tree) { t.Insert(low, high, i) })
	return nil
}

// Remove takes a volume out and says whether it was there.
func (x *Index) Remove(id string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.remove(id)
}

func (x *Index) remove(id string) bool {
	i, ok := x.byID[id]
	if !ok {
		return false
	}
	sl := x.slots[i]
	low, high := sl.solid.keys(0)
	x.eachTree(&sl, func(t *tree) { t.Delete(low, high, i) })
	if sl.level != noLevel {
		l := &x.level[sl.level]
		for k := floorDiv(sl.fromUS, l.widthUS); k <= floorDiv(sl.toUS-1, l.widthUS); k++ {
			if t := l.slices[k]; t != nil && t.Len() == 0 {
				delete(l.slices, k)
			}
		}
	}
	delete(x.byID, id)
	x.slots[i] = slot{}
	x.free = append(x.free, i)
	return true
}

// RemoveEnded takes out the volumes that ended at a time or before and says how
// many they were.
func (x *Index) RemoveEnded(atUS int64) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	var ended []string
	gather := func(t *tree) {
		t.Scan(func(_, _ [2]float32, i int32) bool {
			if sl := &x.slots[i]; sl.toUS <= atUS {
				ended = append(ended, sl.solid.Volume.ID)
			}
			return true
		})
	}
	for i := range x.level {
		l := &x.level[i]
		for k, t := range l.slices {
			if k <= floorDiv(atUS, l.widthUS) {
				gather(t)
			}
		}
	}
	gather(&x.rest)
	n := 0
	for _, id := range ended { // one that lies in several slices is there more than once
		if x.remove(id) {
			n++
		}
	}
	return n
}

// levelOf is the lowest level of which a span of time touches few slices.
func (x *Index) levelOf(fromUS, toUS int64) int8 {
	if fromUS == Ever || toUS == Forever || toUS-fromUS < 0 {
		return noLevel
	}
	for i := range x.level {
		if toUS-fromUS <= fewSlices*x.level[i].widthUS {
			return int8(i)
		}
	}
	return noLevel
}

// eachTree visits the trees that a volume lies in, and makes those that are missing.
func (x *Index) eachTree(sl *slot, f func(t *tree)) {
	if sl.level == noLevel {
		f(&x.rest)
		return
	}
	l := &x.level[sl.level]
	for k := floorDiv(sl.fromUS, l.widthUS); k <= floorDiv(sl.toUS-1, l.widthUS); k++ {
		t := l.slices[k]
		if t == nil {
			t = new(tree)
			l.slices[k] = t
		}
		f(t)
	}
}

// Meeting appends the volumes that a volume meets, whatever they allow each
// other; of the same id there is none. In no order. Does not allocate when out
// has room.
func (x *Index) Meeting(s *Solid, out []*Solid) []*Solid {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.search(s, s.Volume.FromUS, s.Volume.ToUS, out)
}

// search appends the volumes that a solid meets in space and that share an
// instant with [fromUS, toUS).
func (x *Index) search(s *Solid, fromUS, toUS int64, out []*Solid) []*Solid {
	for _, shift := range [3]int64{0, turn, -turn} {
		// Boxes begin within [-180, 180) and end up to 10 degrees beyond: only
		// near the antimeridian is there another side to look at.
		if shift != 0 && (int64(s.box.MaxLon)+shift < -turn/2 || int64(s.box.MinLon)+shift > turn/2+maxSpan) {
			continue
		}
		q := query{index: x, solid: s, fromUS: fromUS, toUS: toUS, out: out}
		q.low, q.high = s.keys(shift)
		q.run()
		out = q.out
	}
	return out
}

// query is one search in one place.
type query struct {
	index        *Index
	solid        *Solid
	fromUS, toUS int64
	low, high    [2]float32
	out          []*Solid
}

func (q *query) run() {
	for i := range q.index.level {
		l := &q.index.level[i]
		if len(l.slices) == 0 {
			continue
		}
		first, last := floorDiv(q.fromUS, l.widthUS), floorDiv(q.toUS-1, l.widthUS)
		if last-first >= int64(len(l.slices)) { // longer than what is there
			for k, t := range l.slices {
				if first <= k && k <= last {
					q.in(t, l.widthUS, first, k)
				}
			}
			continue
		}
		for k := first; k <= last; k++ {
			if t := l.slices[k]; t != nil {
				q.in(t, l.widthUS, first, k)
			}
		}
	}
	q.in(&q.index.rest, 0, 0, 0)
}

// in searches one tree: slice k of its level, of which the query touches first
// and later ones. A volume counts in the first slice that it shares with the query.
func (q *query) in(t *tree, widthUS, first, k int64) {
	t.Search(q.low, q.high, func(_, _ [2]float32, i int32) bool {
		sl := &q.index.slots[i]
		if sl.fromUS >= q.toUS || q.fromUS >= sl.toUS ||
			widthUS > 0 && max(first, floorDiv(sl.fromUS, widthUS)) != k {
			return true
		}
		if o := sl.solid; meetsInSpace(q.solid, o) && o.Volume.ID != q.solid.Volume.ID {
			q.out = append(q.out, o)
		}
		return true
	})
}

// keys is the box of a solid as a tree wants it.
func (s *Solid) keys(shift int64) (low, high [2]float32) {
	return [2]float32{down(int64(s.box.MinLat)), down(int64(s.box.MinLon) + shift)},
		[2]float32{up(int64(s.box.MaxLat)), up(int64(s.box.MaxLon) + shift)}
}

func down(x int64) float32 {
	f := float32(x)
	if int64(f) > x {
		f = math.Nextafter32(f, float32(math.Inf(-1)))
	}
	return f
}

func up(x int64) float32 {
	f := float32(x)
	if int64(f) < x {
		f = math.Nextafter32(f, float32(math.Inf(1)))
	}
	return f
}
