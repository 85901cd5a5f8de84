package bulk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/vehicles"
)

// Preview is what an order to many would do now.
type Preview struct {
	Kind     command.Kind
	Digest   string
	Items    []Item // who is ordered about first, then who has to be called about; by the time of leaving and id
	Orders   int    // how many it orders about: the count to type
	Calls    int    // how many it cannot, so that somebody is called
	Leased   int    // how many somebody else has the control of
	AtRest   int    // of the selection, that are left alone
	Crossing int    // pairs whose ways come closer than apartM
	Lasts    time.Duration

	atUS int64
}

// Item is one vehicle of an order to many. Its JSON is the journal's form: members
// are added, never changed.
type Item struct {
	Vehicle  vehicles.VehicleID `json:"vehicle"`
	Name     string             `json:"name,omitempty"`
	Class    string             `json:"class"`
	Operator string             `json:"operator,omitempty"`
	Verified bool               `json:"verified,omitempty"`

	Kind    command.Kind `json:"kind,omitempty"`    // what it is told; empty: nothing
	AfterS  int          `json:"after_s,omitempty"` // seconds after the first orders
	Held    bool         `json:"held,omitempty"`    // it is held until then
	Cannot  string       `json:"cannot,omitempty"`  // why it is not told what it should be
	Call    string       `json:"call,omitempty"`    // why somebody is called, told or not; empty: only if Cannot says so
	Leased  bool         `json:"leased,omitempty"`  // somebody else has the control, and it is not taken over
	Holder  string       `json:"holder,omitempty"`  // person that has the control
	Crosses int          `json:"crosses,omitempty"` // ways of others that come close to its own
	With    []string     `json:"with,omitempty"`    // a few of those others

	State State  `json:"state,omitempty"` // of a given one
	Why   string `json:"why,omitempty"`
	Order string `json:"order,omitempty"` // id of its newest order

	leg *leg
	id  *vehicles.Identity
}

// previews are kept for so long, and no more of them: somebody acts on what they saw.
const (
	previewLife = 5 * time.Minute
	maxPreviews = 64
)

// Preview says what an order would do.
func (g *Giver) Preview(ctx context.Context, q Request) (*Preview, error) {
	if !slices.Contains(Kinds(), q.Kind) {
		return nil, fmt.Errorf("%w: %q", ErrKind, q.Kind)
	}
	p, err := g.look(ctx, &q)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.previews = slices.DeleteFunc(g.previews, func(o *Preview) bool {
		return o.Digest == p.Digest || p.atUS-o.atUS > previewLife.Microseconds()
	})
	if len(g.previews) >= maxPreviews {
		g.previews = g.previews[1:]
	}
	g.previews = append(g.previews, p)
	return p, nil
}

// seen is the preview that somebody looked at; nil: there is none, or it is too old.
func (g *Giver) seen(digest string) *Preview {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.nowUS()
	for _, p := range g.previews {
		if p.Digest == digest && now-p.atUS <= previewLife.Microseconds() {
			return p
		}
	}
	return nil
}

// look makes a preview of what is now.
func (g *Giver) look(ctx context.Context, q *Request) (*Preview, error) {
	if err := q.Of.check(); err != nil {
		return nil, err
	}
	if g.cfg.Zone == nil {
		return nil, command.ErrUnreachable
	}
	tracks, err := g.selected(ctx, &q.Of)
	if err != nil {
		return nil, err
	}
	p := &Preview{Kind: q.Kind, Items: []Item{}, atUS: g.nowUS()}
	for i := range tracks {
		t := &tracks[i]
		if telemetry.AtRest(&t.Track) {
			p.AtRest++
			continue
		}
		p.Items = append(p.Items, g.item(ctx, q, t))
	}
	p.missing(q, tracks)
	if len(p.Items) > MaxVehicles {
		return nil, fmt.Errorf("%w: these are %d, and at most %d can be ordered at once", ErrSelection, len(p.Items), MaxVehicles)
	}
	p.Crossing = stagger(p.Items)
	p.count()
	return p, nil
}

// check refuses a selection that says nothing.
func (s *Selection) check() error {
	said := s.Against || s.Classes != 0 || len(s.Operators) > 0 || len(s.Vehicles) > 0 || s.Within != nil
	if said == s.All {
		return fmt.Errorf("%w: either all, or those that something is said of", ErrSelection)
	}
	return nil
}

func (g *Giver) selected(ctx context.Context, s *Selection) ([]telemetry.TrackView, error) {
	tracks, err := g.cfg.Zone.Tracks(ctx)
	if err != nil {
		return nil, err
	}
	var against map[vehicles.VehicleID]bool
	if s.Against {
		if against, err = g.cfg.Zone.Against(ctx); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(tracks, func(t telemetry.TrackView) bool {
		v := t.Vehicle
		return v.Class.Traffic() || !s.View.Owns(v.Operator) || s.Against && !against[v.ID] || s.Classes != 0 && !s.Classes.Match(v.Class) ||
			len(s.Operators) > 0 && !slices.Contains(s.Operators, v.Operator) || len(s.Vehicles) > 0 && !slices.Contains(s.Vehicles, v.ID) ||
			s.Within != nil && !(t.HasFix() && s.Within.Contains(t.Track.Fix, v.Class))
	}), nil
}

// item is what a vehicle would be told.
func (g *Giver) item(ctx context.Context, q *Request, t *telemetry.TrackView) (it Item) {
	v := t.Vehicle
	it = Item{Vehicle: v.ID, Name: v.Name, Class: v.Class.String(), Operator: v.Operator, Verified: v.Verified, id: v}
	if _, _, l := g.cfg.Orders.Now(v.ID); l.Holder != q.By.Person {
		it.Holder = l.Holder
	}
	if q.Kind == End {
		defer func() { g.endItem(&it, t, q.Reason) }()
		if err := g.endable(t); err != nil {
			it.Cannot = err.Error()
			return it
		}
	}
	for _, k := range kindsFor(q.Kind, v.Class) {
		err := g.could(ctx, q, k, t)
		if err == nil {
			it.Kind = k
			break
		}
		if it.Cannot == "" {
			it.Cannot = err.Error()
		}
		if it.Leased = errors.Is(err, command.ErrLeased); it.Leased {
			return it
		}
	}
	if it.Kind == command.Return || it.Kind == command.Land {
		it.leg = &leg{from: t.Track.Fix.Point, to: t.Track.Fix.Point, known: t.HasFix()}
		if it.Kind == command.Return {
			it.leg.to, it.leg.known = g.cfg.Zone.Home(v.ID)
		}
		it.Held = g.could(ctx, q, command.Hold, t) == nil
	}
	return it
}

func (g *Giver) could(ctx context.Context, q *Request, k command.Kind, t *telemetry.TrackView) error {
	return g.cfg.Orders.Check(ctx, command.Request{Kind: k, By: q.By, Reason: q.Reason, TakeOver: q.TakeOver}, t)
}

// kindsFor is what a vehicle is told, the preferred order first. What cannot return is
// not brought down unasked: nobody knows what is below (SAFETY 6).
func kindsFor(k command.Kind, class vehicles.Class) []command.Kind {
	switch {
	case k != Clear && k != End:
		return []command.Kind{k}
	case class == vehicles.UAV:
		return []command.Kind{command.Return, command.Hold}
	case k == End && class == vehicles.ICV: // it knows where to pull over, the zone does not
		return []command.Kind{command.Hold}
	case k == End:
		return []command.Kind{command.Hold, command.Return}
	case class == vehicles.ICV:
		return []command.Kind{command.Stop, command.Hold}
	}
	return []command.Kind{command.Hold, command.Stop}
}

// missing adds the vehicles that were named and are not followed now.
func (p *Preview) missing(q *Request, tracks []telemetry.TrackView) {
	for _, id := range q.Of.Vehicles {
		if !slices.ContainsFunc(tracks, func(t telemetry.TrackView) bool { return t.Vehicle.ID == id }) {
			p.Items = append(p.Items, Item{Vehicle: id, Class: vehicles.ClassUnknown.String(), Cannot: "it is not followed now, or is not among those that else was said of"})
		}
	}
}

// count sorts and counts the items.
func (p *Preview) count() {
	slices.SortFunc(p.Items, func(a, b Item) int {
		if (a.Kind == "") != (b.Kind == "") {
			return strings.Compare(string(b.Kind), string(a.Kind)) // who is told something first
		}
		if a.AfterS != b.AfterS {
			return a.AfterS - b.AfterS
		}
		return strings.Compare(string(a.Vehicle), string(b.Vehicle))
	})
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", p.Kind)
	for i := range p.Items {
		it := &p.Items[i]
		switch {
		case it.Kind != "":
			p.Orders++
			p.Lasts = max(p.Lasts, time.Duration(it.AfterS)*time.Second)
		case it.Leased:
			p.Leased++
		}
		if it.calls() {
			p.Calls++
		}
	}
	lines := make([]string, 0, len(p.Items))
	for i := range p.Items {
		it := &p.Items[i]
		lines = append(lines, fmt.Sprintf("%s %s %s %t\n", it.Vehicle, it.Kind, it.Holder, it.Leased))
	}
	slices.Sort(lines)
	fmt.Fprint(h, strings.Join(lines, ""))
	p.Digest = hex.EncodeToString(h.Sum(nil)[:16])
}

// calls reports whether somebody has to be called about it, whatever becomes of its order.
func (it *Item) calls() bool { return it.Verified && (it.Call != "" || it.Cannot != "" && !it.Leased) }

// covers reports whether all that now orders about was in the preview, told the same,
// and taken from the same hand.
func (p *Preview) covers(now *Preview) bool {
	was := map[vehicles.VehicleID]*Item{}
	for i := range p.Items {
		was[p.Items[i].Vehicle] = &p.Items[i]
	}
	for i := range now.Items {
		it := &now.Items[i]
		if old := was[it.Vehicle]; it.Kind != "" && (old == nil || old.Kind != it.Kind || old.Holder != it.Holder) {
			return false
		}
	}
	return true
}

// leg is the way that a vehicle takes when it obeys.
type leg struct {
	from, to geo.Point
	known    bool
}
