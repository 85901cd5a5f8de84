package onboard

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/vehicles"
)

// Fault is one reason why a plan is not sent to a vehicle.
type Fault struct {
	Code  string `json:"code"`
	Item  int    `json:"item,omitempty"`  // from 1; 0: of none
	Fence string `json:"fence,omitempty"` // id, that would be breached
	Text  string `json:"text"`
}

// The codes of faults.
const (
	FaultItem      = "item"              // it makes no sense, or is not known here
	FaultTooMany   = "too_many_items"    //
	FaultNothing   = "nothing_to_carry"  // no fence of the zone can be carried
	FaultPosition  = "no_position"       // of the vehicle
	FaultHome      = "no_home"           //
	FaultStart     = "vehicle_in_breach" // it would start in breach
	FaultHomeIn    = "home_in_breach"    //
	FaultRally     = "rally_in_breach"   //
	FaultReturn    = "return_in_breach"  // the way back
	FaultLeg       = "leg_in_breach"     // of a mission
	FaultOwnFence  = "against_carried"   // the fence that the vehicle carries would stop the mission
	FaultInclusion = "inclusions"        // the vehicle does not join its areas as the plan needs it
)

// maxFaults is how many are told: whoever plans looks anew after that many.
const maxFaults = 50

// Refused is every reason why a plan is not sent.
type Refused struct{ Faults []Fault }

func (e *Refused) Error() string {
	texts := []string{}
	for _, f := range e.Faults {
		texts = append(texts, f.Text)
	}
	return ErrRefused.Error() + ": " + strings.Join(texts, "; ")
}

// Is makes a Refused an ErrRefused.
func (e *Refused) Is(target error) bool { return target == ErrRefused }

// MaxItems of a plan that people give.
const MaxItems = 2000

// place is where a vehicle is and would return to.
type place struct {
	sub     geofence.Subject
	at      geo.Fix
	home    geo.Fix
	returnM *float64
	rally   []geo.Fix // that it carries, as far as that is known
}

// check collects the faults of a plan.
type check struct {
	place
	faults []Fault
}

func (c *check) fault(code string, item int, fence *geofence.Compiled, format string, args ...any) {
	if len(c.faults) >= maxFaults {
		return
	}
	f := Fault{Code: code, Item: item, Text: fmt.Sprintf(format, args...)}
	if fence != nil {
		f.Fence = fence.Fence.ID
	}
	c.faults = append(c.faults, f)
}

// shape takes in what a plan says of itself that is wrong.
func (c *check) shape(err error) bool {
	var p *vehicles.PlanError
	switch {
	case err == nil:
		return true
	case errors.As(err, &p):
		c.fault(FaultItem, p.Item+1, nil, "%s", p.Error())
	default:
		c.fault(FaultItem, 0, nil, "%s", err.Error())
	}
	return false
}

// placeOf finds out where a vehicle is; false with the faults.
func (c *check) placeOf(t *telemetry.TrackView, known bool, home geo.Point, hasHome bool) bool {
	if !known || !t.HasFix() {
		c.fault(FaultPosition, 0, nil, "the vehicle has no position: whether it would start in breach is not known; wait for its fix")
	}
	if !hasHome {
		c.fault(FaultHome, 0, nil, "the vehicle's home is not known: whether it or the way there is in breach is not known; wait until it has a position and says so")
	}
	if len(c.faults) > 0 {
		return false
	}
	c.at = t.Fix
	c.home = geo.Fix{Point: home}
	c.home.Heights.Set(geo.AGL, 0)
	c.home.Heights.Set(geo.Takeoff, 0)
	if mm, ok := c.homeAMSL(); ok {
		c.home.Heights.Set(geo.AMSL, mm)
	}
	return true
}

// homeAMSL follows from what the vehicle says of its height above the sea and above
// home at once.
func (p *place) homeAMSL() (mm int32, ok bool) {
	amsl, ok1 := p.at.Heights.In(geo.AMSL)
	up, ok2 := p.at.Heights.In(geo.Takeoff)
	return amsl - up, ok1 && ok2
}

// says is what a breach is, for people.
func (m *met) says() string {
	f := &m.fence.Fence
	what := map[geofence.Kind]string{geofence.KeepOut: "keep-out", geofence.KeepIn: "keep-in"}[f.Kind]
	verb := "is in"
	switch {
	case f.Kind == geofence.KeepIn && m.kind == geofence.Crossed:
		verb = "leaves for a while"
	case f.Kind == geofence.KeepIn:
		verb = "is outside"
	case m.kind == geofence.Crossed:
		verb = "crosses"
	}
	text := fmt.Sprintf("%s %s %q (%s)", verb, what, f.Name, f.ID)
	if f.Name == "" {
		text = fmt.Sprintf("%s the %s of %s", verb, what, f.ID)
	}
	if m.unknown {
		text += ", as far as its height is known there"
	}
	return text
}

// stands judges a place that the vehicle has or would have to go to.
func (c *check) stands(w *way, code string, item int, what string, at geo.Fix) bool {
	in := w.begin(at)
	for i := range in {
		c.fault(code, item, in[i].fence, "%s %s", what, in[i].says())
	}
	return len(in) == 0
}

// wayBack judges the way home from a fix: up to the height of the return, straight,
// and down. A vehicle with rally points may return to the nearest of them instead.
func (c *check) wayBack(w *way, item int, from string, at geo.Fix) {
	targets := []struct {
		name string
		fix  geo.Fix
	}{{"home", c.home}}
	if r := c.nearestRally(at.Point); r != nil {
		targets = append(targets, struct {
			name string
			fix  geo.Fix
		}{"the nearest rally point", *r})
	}
	for _, t := range targets {
		w.begin(at)
		cruise := at
		if c.sub.Class == vehicles.UAV && c.returnM != nil {
			cruise = raised(at, *c.returnM)
		}
		for _, next := range []geo.Fix{cruise, above(t.fix.Point, &cruise), t.fix} {
			for _, m := range w.to(next) {
				c.fault(FaultReturn, item, m.fence, "the way from %s to %s %s", from, t.name, m.says())
			}
		}
	}
}

func (p *place) nearestRally(from geo.Point) (best *geo.Fix) {
	far := math.Inf(1)
	for i := range p.rally {
		if d := geo.Distance(from, p.rally[i].Point); d < far {
			best, far = &p.rally[i], d
		}
	}
	return best
}

// base judges what every plan needs: the vehicle, its home, its rally points and its
// way back.
func (c *check) base(e *geofence.Engine) {
	w := newWay(e, c.sub)
	good := c.stands(w, FaultStart, 0, "the vehicle", c.at)
	good = c.stands(w, FaultHomeIn, 0, "its home", c.home) && good
	for i := range c.rally {
		good = c.stands(w, FaultRally, 0, fmt.Sprintf("its rally point %d", i+1), c.rally[i]) && good
	}
	if good { // else every way back begins or ends there
		c.wayBack(w, 0, "the vehicle", c.at)
	}
}

// fences judges a fence plan: a vehicle that carried it must not be in breach.
func (c *check) fences(plan *vehicles.Plan, r *Record) {
	own, err := fencesOf(plan, r.Union, r.Parts)
	if !c.shape(err) {
		return
	}
	e := geofence.NewEngine(geofence.Config{})
	e.SetFences(own)
	c.base(e)
	w := newWay(e, c.sub)
	for i := range plan.Items {
		if it := &plan.Items[i]; it.Command == vehicles.FenceReturnPoint {
			fix, _ := c.fixOf(it, c.home)
			c.stands(w, FaultReturn, i+1, fmt.Sprintf("item %d, the return point,", i+1), fix)
		}
	}
}

// rallies judges rally points: those that the plan has.
func (c *check) rallies(plan *vehicles.Plan, e *geofence.Engine) {
	if !c.shape(plan.Check()) {
		return
	}
	w := newWay(e, c.sub)
	c.rally = nil
	for i := range plan.Items {
		fix, err := c.fixOf(&plan.Items[i], c.home)
		if err != "" {
			c.fault(FaultItem, i+1, nil, "item %d: %s", i+1, err)
			continue
		}
		if c.stands(w, FaultRally, i+1, fmt.Sprintf("item %d", i+1), fix) {
			c.rally = append(c.rally, fix)
		}
	}
	if c.stands(w, FaultStart, 0, "the vehicle", c.at) {
		c.wayBack(w, 0, "the vehicle", c.at)
	}
}
