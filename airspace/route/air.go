package route

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"testzone/geofence"
	"testzone/geofence/geo"
)

// Air asks for a way through the air. The aircraft climbs and descends where it begins
// and ends, and flies level in between.
type Air struct {
	Subject  geofence.Subject
	Via      []geo.Point // begin, what is to be passed, end
	DepartUS int64       // microseconds since the Unix epoch

	BeginMM int32 // height of the begin and of the end, millimetres AMSL
	EndMM   int32
	LeastMM int32 // heights to fly at
	MostMM  int32
	LikedMM int32 // taken where it can be had

	SpeedMPS   float64 // over ground
	ClimbMPS   float64
	SinkMPS    float64
	ClearanceM float64 // sideways
	HeightM    float64 // up and down
	GroundMM   int32   // height of the ground AMSL, if it is known and flat
	GroundSeen bool
}

// Leg is a straight piece of a route.
type Leg struct {
	From, To       geo.Point
	FromMM, ToMM   int32 // AMSL
	FromS, ToS     float64
	LengthM        float64
	BearingDegrees float64
}

// Near is a fence that a route comes near to.
type Near struct {
	Fence   *geofence.Compiled
	Metres  float64 // sideways, from the nearest point of the route
	LegFrom int     // index of the leg that it is nearest to
}

// Route is a way that was found and that the fence engine has found no breach in.
type Route struct {
	Legs    []Leg
	LevelMM int32
	LengthM float64
	Seconds float64
	Near    []Near // nearest first
	Assumed []*geofence.Compiled
	Back    []Back // from the end of each leg but the last
}

// Refusal is why there is no route, and what would do.
type Refusal struct {
	Reason   string // begin, end, level, no_way, too_far, verification
	Place    geo.Point
	Fences   []*geofence.Compiled // that stand in the way
	LevelsMM []int32              // that were looked at
	LaterUS  int64                // a departure at which there is a route; 0: not known
	HigherMM int32                // a level outside what was asked, at which there is one
	HasLevel bool
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("no route: %s at %v, %d fences in the way", r.Reason, r.Place, len(r.Fences))
}

// Planner plans against the fences of an engine, within an area.
type Planner struct {
	engine *geofence.Engine
	area   geo.Box
	turn   chan struct{} // holds one token while somebody plans: the loop has the other cores
	kept   kept
}

// NewPlanner keeps what it has prepared of that many worlds.
func NewPlanner(e *geofence.Engine, area geo.Box, worlds int) *Planner {
	return &Planner{engine: e, area: area, turn: make(chan struct{}, 1), kept: kept{most: worlds}}
}

const (
	levels    = 8  // looked at for one route
	laterDays = 2  // departures are looked at
	moments   = 16 // of them at most
	nearM     = 500
	nearest   = 20
	pieceM    = 1_000
)

// Plan finds a route, or a *Refusal. One is planned at a time; what waits and what takes
// too long ends with the context.
func (p *Planner) Plan(ctx context.Context, a *Air) (*Route, error) {
	if err := p.take(ctx); err != nil {
		return nil, err
	}
	defer p.give()
	r, err := p.at(ctx, a)
	var refused *Refusal
	if !errors.As(err, &refused) {
		return r, err
	}
	p.whatWould(ctx, a, refused)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return nil, refused
}

// take waits for the turn to plan.
func (p *Planner) take(ctx context.Context) error {
	select {
	case p.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Planner) give() { <-p.turn }

// at is Plan at the time and within the levels that were asked.
func (p *Planner) at(ctx context.Context, a *Air) (*Route, error) {
	set := p.fencesOf(a)
	var best *Route
	refused := &Refusal{Reason: "level", Place: a.Via[0]}
	for _, level := range set.levels(a) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if best != nil && best.Seconds <= set.leastSeconds(a, level) {
			continue
		}
		refused.LevelsMM = append(refused.LevelsMM, level)
		r, err := p.level(ctx, a, set, level)
		if why := (*Refusal)(nil); errors.As(err, &why) {
			refused.merge(why)
			continue
		} else if err != nil {
			return nil, err
		}
		if best == nil || r.Seconds < best.Seconds-1 {
			best = r
		}
	}
	if best == nil {
		return nil, refused
	}
	return best, nil
}

// merge keeps the reason of the level that came farthest.
func (r *Refusal) merge(o *Refusal) {
	r.Reason, r.Place = o.Reason, o.Place
	for _, f := range o.Fences {
		if !slices.Contains(r.Fences, f) {
			r.Fences = append(r.Fences, f)
		}
	}
}

// level is a route at one level.
func (p *Planner) level(ctx context.Context, a *Air, set *fences, level int32) (*Route, error) {
	if why := set.columns(a, level); why != nil {
		return nil, why
	}
	prepared := p.kept.world(p.area, set, a, level)
	var way []geo.Point
	for i := 1; i < len(a.Via); i++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		piece, err := prepared.Find(a.Via[i-1], a.Via[i])
		switch {
		case errors.Is(err, ErrBegin):
			return nil, set.standing("begin", a.Via[i-1], level)
		case errors.Is(err, ErrEnd):
			return nil, set.standing("end", a.Via[i], level)
		case err != nil:
			return nil, &Refusal{Reason: "no_way", Place: a.Via[i], Fences: set.about(a.Via[i-1], a.Via[i], level)}
		}
		if i > 1 {
			piece = piece[1:]
		}
		way = append(way, piece...)
	}
	r := a.route(way, level)
	r.Assumed = set.assumed
	judge, err := p.kept.judge(set)
	if err != nil {
		return nil, err
	}
	if met := set.breaches(a, r, judge); len(met) > 0 {
		return nil, &Refusal{Reason: "verification", Place: met[0].At, Fences: []*geofence.Compiled{met[0].Fence}}
	}
	r.Near = set.near(r, level, a.upDown())
	r.Back = set.waysBack(a, r, judge)
	return r, nil
}

// route is the way at a level, with its climb and its descent.
func (a *Air) route(way []geo.Point, level int32) *Route {
	r := &Route{LevelMM: level}
	add := func(from, to geo.Point, fromMM, toMM int32, seconds float64) {
		l := Leg{From: from, To: to, FromMM: fromMM, ToMM: toMM, FromS: r.Seconds, LengthM: geo.Distance(from, to)}
		if l.LengthM > 0 {
			l.BearingDegrees = geo.Bearing(from, to)
		}
		r.Seconds += seconds
		r.LengthM += l.LengthM
		l.ToS = r.Seconds
		r.Legs = append(r.Legs, l)
	}
	if level != a.BeginMM {
		add(way[0], way[0], a.BeginMM, level, a.vertical(a.BeginMM, level))
	}
	for i := 1; i < len(way); i++ {
		add(way[i-1], way[i], level, level, geo.Distance(way[i-1], way[i])/a.SpeedMPS)
	}
	if end := way[len(way)-1]; level != a.EndMM {
		add(end, end, level, a.EndMM, a.vertical(level, a.EndMM))
	}
	return r
}

func (a *Air) vertical(from, to int32) float64 {
	d := float64(to-from) / 1_000
	if d > 0 {
		return d / a.ClimbMPS
	}
	return -d / a.SinkMPS
}

// whatWould looks for a level outside what was asked, and for a later departure.
func (p *Planner) whatWould(ctx context.Context, a *Air, r *Refusal) {
	other := *a
	for _, level := range p.fencesOf(a).outside(a) {
		other.LeastMM, other.MostMM, other.LikedMM = level, level, level
		if _, err := p.at(ctx, &other); err == nil {
			r.HigherMM, r.HasLevel = level, true
			break
		}
	}
	later := *a
	for range moments {
		next := p.nextChange(&later)
		if next == 0 || next-a.DepartUS > laterDays*24*3_600_000_000 {
			return
		}
		later.DepartUS = next
		if _, err := p.at(ctx, &later); err == nil {
			r.LaterUS = next
			return
		}
	}
}

// nextChange is when a fence that applies comes or goes next after the departure.
func (p *Planner) nextChange(a *Air) (next int64) {
	for _, c := range p.engine.Fences() {
		if c.Fence.Kind == geofence.SpeedLimit || c.Fence.Schedule.Always() || !c.AppliesTo(&a.Subject) {
			continue
		}
		if _, change := p.engine.InForceAt(&c.Fence.Schedule, a.DepartUS); change > a.DepartUS && (next == 0 || change < next) {
			next = change
		}
	}
	return next
}

// least is what a flight takes at least.
func (a *Air) leastM() (sum float64) {
	for i := 1; i < len(a.Via); i++ {
		sum += geo.Distance(a.Via[i-1], a.Via[i])
	}
	return sum
}

// Check finds what is wrong with what is asked.
func (a *Air) Check() error {
	switch {
	case len(a.Via) < 2:
		return errors.New("a route has a begin and an end")
	case len(a.Via) > 100:
		return errors.New("a route passes at most 98 places on its way")
	case !(a.SpeedMPS > 0 && a.ClimbMPS > 0 && a.SinkMPS > 0):
		return errors.New("speeds are positive")
	case a.LeastMM > a.MostMM:
		return errors.New("the lowest level is above the highest")
	case math.IsNaN(a.ClearanceM) || a.ClearanceM < 0 || a.ClearanceM > 5_000 || math.IsNaN(a.HeightM) || a.HeightM < 0 || a.HeightM > 1_000:
		return errors.New("clearances are 0 to 5,000 m sideways, 0 to 1,000 m up and down")
	}
	for _, v := range a.Via {
		if !v.Valid() {
			return fmt.Errorf("%v is no place", v)
		}
	}
	return nil
}

func nearestLevel(liked int32) func(a, b int32) int {
	away := func(l int32) int64 { return max(int64(l)-int64(liked), int64(liked)-int64(l)) }
	return func(a, b int32) int { return cmp.Or(cmp.Compare(away(a), away(b)), cmp.Compare(a, b)) }
}
