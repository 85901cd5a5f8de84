package route

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"

	"testzone/geofence"
	"testzone/geofence/geo"
)

// fences are those that an aircraft meets: that apply to it and are in force at some
// moment of its flight.
type fences struct {
	all     []bounded
	assumed []*geofence.Compiled // of them, those whose heights are not known here
	key     string
}

// bounded is a fence with its heights, millimetres AMSL.
type bounded struct {
	*geofence.Compiled
	floor, ceiling int64
}

const (
	lowest, highest = math.MinInt32, math.MaxInt32
	// detour is how much longer than the straight way a flight is taken to be at most,
	// for which fences it meets; what takes longer is refused.
	detour = 3
	spareS = 600
)

// fencesOf are the fences of a flight.
func (p *Planner) fencesOf(a *Air) *fences {
	until := a.DepartUS + int64(1e6*a.leastSeconds()*detour) + spareS*1_000_000
	set := &fences{}
	var key []byte
	for _, c := range p.engine.Fences() {
		if c.Fence.Kind == geofence.SpeedLimit || !c.AppliesTo(&a.Subject) || !p.inForce(c, a.DepartUS, until) {
			continue
		}
		b := bounded{c, lowest, highest}
		known1, known2 := true, true
		if c.Fence.Floor.Datum != geo.NoDatum {
			b.floor, known1 = a.amsl(c.Fence.Floor)
		}
		if c.Fence.Ceiling.Datum != geo.NoDatum {
			b.ceiling, known2 = a.amsl(c.Fence.Ceiling)
		}
		if !known1 || !known2 {
			// The safe side: a keep-out is everywhere, a keep-in nowhere.
			set.assumed = append(set.assumed, c)
			if b.floor, b.ceiling = lowest, highest; c.Fence.Kind == geofence.KeepIn {
				b.floor, b.ceiling = highest, lowest
			}
		}
		set.all = append(set.all, b)
		key = append(key, c.Fence.ID...)
		key = appendRev(key, c.Fence.Rev)
	}
	set.key = string(key)
	return set
}

func (p *Planner) inForce(c *geofence.Compiled, from, until int64) bool {
	if c.Fence.Schedule.Always() {
		return true
	}
	in, change := p.engine.InForceAt(&c.Fence.Schedule, from)
	return in || change != 0 && change < until
}

// amsl is a height in millimetres AMSL; AGL is known over flat ground that is known.
func (a *Air) amsl(h geo.Altitude) (mm int64, known bool) {
	switch h.Datum {
	case geo.AMSL:
		return int64(h.MM), true
	case geo.WGS84:
		return int64(h.MM) - int64(math.Round(1_000*geo.Undulation(a.Via[0]))), true
	case geo.AGL:
		return int64(h.MM) + int64(a.GroundMM), a.GroundSeen
	case geo.Takeoff:
		return int64(h.MM) + int64(a.BeginMM), true
	}
	return 0, false
}

func appendRev(key []byte, rev uint64) []byte {
	return append(key, byte(rev), byte(rev>>8), byte(rev>>16), byte(rev>>24), byte(rev>>32), byte(rev>>40), byte(rev>>48), byte(rev>>56))
}

func (a *Air) leastSeconds() float64 { return a.leastM() / a.SpeedMPS }

func (f *fences) leastSeconds(a *Air, level int32) float64 {
	return a.vertical(a.BeginMM, level) + a.leastSeconds() + a.vertical(level, a.EndMM)
}

// levels are the heights to look at, the liked one first: it, and just beside where
// fences begin and end.
func (f *fences) levels(a *Air) []int32 {
	out := f.levelsWithin(a, int64(a.LeastMM), int64(a.MostMM))
	out = append(out, min(a.MostMM, max(a.LeastMM, a.LikedMM)))
	slices.SortFunc(out, nearestLevel(a.LikedMM))
	out = slices.Compact(out)
	return out[:min(len(out), levels)]
}

// outside are levels that were not asked for.
func (f *fences) outside(a *Air) []int32 {
	out := append(f.levelsWithin(a, int64(a.MostMM)+1, int64(a.MostMM)+1_000_000), f.levelsWithin(a, int64(a.LeastMM)-1_000_000, int64(a.LeastMM)-1)...)
	slices.SortFunc(out, nearestLevel(a.MostMM))
	out = slices.Compact(out)
	return out[:min(len(out), levels)]
}

func (f *fences) levelsWithin(a *Air, least, most int64) (out []int32) {
	for i := range f.all {
		v := a.upDown() + 1 // out of a keep-out, into a keep-in
		if f.all[i].Fence.Kind == geofence.KeepIn {
			v = -v
		}
		for _, l := range [2]int64{f.all[i].floor - v, f.all[i].ceiling + v} {
			if l >= least && l <= most && l > lowest && l < highest {
				out = append(out, int32(l))
			}
		}
	}
	return out
}

func (a *Air) upDown() int64 { return int64(math.Ceil(a.HeightM * 1_000)) }

// keepsOut reports whether a fence is in the way somewhere between two heights.
func (b *bounded) keepsOut(from, to int64) bool {
	return b.Fence.Kind == geofence.KeepOut && b.floor <= to && b.ceiling >= from
}

// obstacles are the fences at a level, and what they are known by.
func (f *fences) obstacles(a *Air, level int32) (out []Obstacle, key string) {
	from, to := int64(level)-a.upDown(), int64(level)+a.upDown()
	groups := map[string]int{}
	var id []byte
	for i := range f.all {
		b := &f.all[i]
		switch {
		case b.keepsOut(from, to):
			out = append(out, Obstacle{Polygons: b.Outlines()})
		case b.Fence.Kind == geofence.KeepIn:
			group := cmp.Or(b.Fence.Group, "\x00"+b.Fence.ID)
			n, is := groups[group]
			if !is {
				n = len(out)
				groups[group] = n
				out = append(out, Obstacle{Within: true})
			}
			if b.floor > from || b.ceiling < to {
				id = append(id, '-')
			} else {
				out[n].Polygons = append(out[n].Polygons, b.Outlines()...)
				out[n].MarginM = max(out[n].MarginM, b.Fence.MarginM)
			}
		default:
			continue
		}
		id = append(id, b.Fence.ID...)
		id = appendRev(append(id, 0), b.Fence.Rev)
	}
	return out, string(id)
}

// columns finds what is in the way of the climb and of the descent.
func (f *fences) columns(a *Air, level int32) *Refusal {
	for _, c := range []struct {
		reason string
		at     geo.Point
		from   int32
	}{{"begin", a.Via[0], a.BeginMM}, {"end", a.Via[len(a.Via)-1], a.EndMM}} {
		if over := f.over(c.at, int64(min(c.from, level)), int64(max(c.from, level))); len(over) > 0 {
			return &Refusal{Reason: c.reason, Place: c.at, Fences: over}
		}
	}
	return nil
}

// over are the fences that a vehicle at a place would breach at some height.
func (f *fences) over(at geo.Point, from, to int64) (out []*geofence.Compiled) {
	for i := range f.all {
		b := &f.all[i]
		if b.keepsOut(from, to) && b.Covers(at) || b.Fence.Kind == geofence.KeepIn && b.Fence.Group == "" && !(b.Covers(at) && b.floor < from && b.ceiling > to) {
			out = append(out, b.Compiled)
		}
	}
	return out
}

// standing is a refusal because of where a way begins or ends.
func (f *fences) standing(reason string, at geo.Point, level int32) *Refusal {
	return &Refusal{Reason: reason, Place: at, Fences: f.over(at, int64(level), int64(level))}
}

// about are the fences on the straight way.
func (f *fences) about(from, to geo.Point, level int32) (out []*geofence.Compiled) {
	chord := geo.WholeChord(from, to)
	box := geo.BoxOf(from, to)
	for i := range f.all {
		b := &f.all[i]
		if b.Fence.Kind == geofence.KeepOut && !b.keepsOut(int64(level), int64(level)) {
			continue
		}
		for _, p := range b.Outlines() {
			r := geo.NewRegion(p)
			if own := r.Box(); own.Meets(&box) && (r.MeetsChord(&chord) || b.Fence.Kind == geofence.KeepIn) {
				out = append(out, b.Compiled)
				break
			}
		}
	}
	return out[:min(len(out), nearest)]
}

// breaches has the fence engine judge a route.
func (f *fences) breaches(a *Air, r *Route, judge *geofence.Engine) []geofence.Met {
	w := judge.NewWay(a.Subject)
	met := w.Begin(a.fix(r.Legs[0].From, r.Legs[0].FromMM))
	for _, l := range r.Legs {
		met = append(met, w.To(a.fix(l.To, l.ToMM), pieceM)...)
	}
	return met
}

func (a *Air) fix(at geo.Point, mm int32) (fix geo.Fix) {
	fix.Point = at
	fix.Heights.Set(geo.AMSL, mm)
	fix.Heights.Set(geo.WGS84, mm+int32(math.Round(1_000*geo.Undulation(a.Via[0]))))
	fix.Heights.Set(geo.Takeoff, mm-a.BeginMM)
	if a.GroundSeen {
		fix.Heights.Set(geo.AGL, mm-a.GroundMM)
	}
	return fix
}

// near are the fences beside a route.
func (f *fences) near(r *Route, level int32, upDown int64) (out []Near) {
	var box geo.Box
	for i, l := range r.Legs {
		if b := geo.BoxOf(l.From, l.To); i == 0 {
			box = b
		} else {
			box = box.Union(b)
		}
	}
	p := newPlane(box)
	lo, hi := p.of(geo.Point{Lat: box.MinLat, Lon: box.MinLon}).sub(pt{nearM, nearM}), p.of(geo.Point{Lat: box.MaxLat, Lon: box.MaxLon}).add(pt{nearM, nearM})
	for i := range f.all {
		b := &f.all[i]
		if b.Fence.Kind == geofence.KeepOut && !b.keepsOut(int64(level)-upDown, int64(level)+upDown) {
			continue
		}
		n := Near{Fence: b.Compiled, Metres: nearM}
		for _, q := range b.Outlines() {
			s := p.shapeOf(&q)
			if s.hi.x < lo.x || s.hi.y < lo.y || s.lo.x > hi.x || s.lo.y > hi.y {
				continue
			}
			for k, l := range r.Legs {
				from, to := p.of(l.From), p.of(l.To)
				leg := wall{a: from, b: to}
				for _, ring := range s.rings {
					for m, c := range ring {
						e := wall{a: c, b: ring[(m+1)%len(ring)]}
						if d := min(leg.distance(e.a), leg.distance(e.b), e.distance(from), e.distance(to)); d < n.Metres {
							n.Metres, n.LegFrom = d, k
						}
					}
				}
			}
		}
		if n.Metres < nearM {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b Near) int { return cmp.Compare(a.Metres, b.Metres) })
	return out[:min(len(out), nearest)]
}

// kept are the worlds that were prepared last, and the engines that judge.
type kept struct {
	most int

	mu     sync.Mutex // guards what follows; held while a world is prepared, so that it is prepared once
	worlds []keptAs[*World]
	judges []keptAs[*geofence.Engine]
}

type keptAs[T any] struct {
	key string
	it  T
}

func keep[T any](list *[]keptAs[T], most int, key string, prepare func() T) T {
	i := slices.IndexFunc(*list, func(k keptAs[T]) bool { return k.key == key })
	if i < 0 {
		i = len(*list)
		*list = append(*list, keptAs[T]{key, prepare()})
	}
	k := (*list)[i]
	*list = append(slices.Delete(*list, i, i+1), k)
	*list = (*list)[max(0, len(*list)-most):]
	return k.it
}

func (k *kept) world(area geo.Box, f *fences, a *Air, level int32) *World {
	obstacles, key := f.obstacles(a, level)
	key += "\x00" + string(appendRev(nil, math.Float64bits(a.ClearanceM)))
	k.mu.Lock()
	defer k.mu.Unlock()
	return keep(&k.worlds, k.most, key, func() *World { return New(area, obstacles, a.ClearanceM) })
}

// judge is an engine in which the fences of a flight are in force all the time.
func (k *kept) judge(f *fences) (*geofence.Engine, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var failed error
	e := keep(&k.judges, k.most, f.key, func() *geofence.Engine {
		set := make([]*geofence.Compiled, len(f.all))
		for i := range f.all {
			set[i] = f.all[i].Compiled
			if fence := set[i].Fence; !fence.Schedule.Always() {
				fence.Schedule = geofence.Schedule{}
				c, err := geofence.Compile(fence)
				if err != nil {
					failed = fmt.Errorf("judge the route by fence %s: %w", fence.ID, err)
					return nil
				}
				set[i] = c
			}
		}
		e := geofence.NewEngine(geofence.Config{})
		e.SetFences(set)
		return e
	})
	if failed != nil {
		k.judges = k.judges[:len(k.judges)-1]
	}
	return e, failed
}
