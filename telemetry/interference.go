package telemetry

import (
	"slices"
	"time"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// GNSSInterference is the alert of an area in which several vehicles show signs
// of interference with satellite navigation at once (SAFETY 13). While it holds,
// the jumps of its vehicles raise no alerts of their own; breaches do, and say
// that they are under it. RETURN is no safe order to a vehicle in it.
const GNSSInterference AlertType = "gnss_interference"

// When signs are of one cause: so many vehicles or more, see background, so close,
// within so long.
const (
	interferedLeast  = 3
	interferedM      = 5_000
	interferedWithin = 10 * time.Second
	// interferedQuiet is how long no vehicle of an area must show a sign until it is over.
	interferedQuiet = 30 * time.Second
	// interferedNamed is how many of its vehicles an alert names.
	interferedNamed = 50
	// interferedAreas is how many areas there are at once: each is 5 km and more from
	// the others, so a zone has few, and who claims more raises no alarm.
	interferedAreas = 16

	causeNoSigns = "no_signs" // why an interference ended
)

// SignalChange says that a vehicle shows other signs of interference than before.
type SignalChange struct {
	Vehicle *vehicles.Identity
	Signs   vehicles.Signs
	At      geo.Point
}

func (*SignalChange) event() {}

// watchSignal tells when the signs of a vehicle change. Does not allocate when
// they do not.
func (s *shard) watchSignal(v *owned, nowUS int64) {
	signs := v.track.Signs(nowUS)
	if v.jumping {
		signs |= vehicles.SignJump
	}
	if signs == v.signs || !v.track.HasFix() {
		return
	}
	v.signs = signs
	s.p.cfg.Bus.PublishQuiet(nowUS, &SignalChange{Vehicle: v.id, Signs: signs, At: v.track.Fix.Point})
}

// Area is where vehicles show signs of interference.
type Area struct {
	Lat      int32            `json:"lat_e7"` // of the vehicle that made it an area
	Lon      int32            `json:"lon_e7"`
	RadiusM  float64          `json:"radius_m"`
	Count    int              `json:"count"`    // vehicles so far
	Vehicles []InterferedWith `json:"vehicles"` // the first of them
}

// InterferedWith is a vehicle of an area.
type InterferedWith struct {
	AlertVehicle
	Signs []string `json:"signs"` // that it has shown
}

// interference is what the book knows of signs.
type interference struct {
	of     map[vehicles.Handle]*signed
	areas  []*area
	single [evidences]background
	proved map[vehicles.Handle]bool // verified vehicles that are followed
}

// signed is a vehicle that shows signs, or did a moment ago.
type signed struct {
	id  *vehicles.Identity
	now vehicles.Signs
	at  geo.Point
	by  [evidences]trouble
}

// area is an interference that holds.
type area struct {
	alertID  string
	centre   geo.Point
	verified bool
	members  map[vehicles.Handle]vehicles.Signs // that they have shown
	order    []*vehicles.Identity
	lastUS   int64 // when a member showed a sign last
	changed  bool
}

func newInterference() interference {
	return interference{of: map[vehicles.Handle]*signed{}, proved: map[vehicles.Handle]bool{}}
}

// under is the id of the alert of the area that a vehicle is in; empty: of none.
func (f *interference) under(h vehicles.Handle) string {
	for _, a := range f.areas {
		if _, in := a.members[h]; in {
			return a.alertID
		}
	}
	return ""
}

// groups reports whether an alarm of an area stands for the jump of a vehicle. What
// unverified vehicles claim does not stand for what verified ones do.
func (f *interference) groups(id *vehicles.Identity) bool {
	for _, a := range f.areas {
		if _, in := a.members[id.Handle]; in && (a.verified || !id.Verified) {
			return true
		}
	}
	return false
}

// takeSignal follows the signs of a vehicle, and raises the alarm of the area when
// they are those of several.
func (b *Book) takeSignal(c *SignalChange, nowUS int64) {
	f := &b.signs
	v := f.of[c.Vehicle.Handle]
	if v == nil {
		if c.Signs == 0 {
			return
		}
		v = &signed{id: c.Vehicle}
		f.of[c.Vehicle.Handle] = v
	}
	began := c.Signs &^ v.now
	v.now, v.at = c.Signs, c.At
	if began == 0 {
		return
	}
	a := f.near(v)
	for e := range evidences {
		if began&evidenceOf[e].signs != 0 {
			f.begin(v, e, a == nil, nowUS)
		}
	}
	if a != nil {
		a.add(v, nowUS)
		b.group(v.id, a.alertID, nowUS)
		return
	}
	for e := range evidences {
		if among := f.among(v, e, nowUS); among != nil && len(f.areas) < interferedAreas {
			b.raiseArea(v, among, nowUS)
			return
		}
	}
}

// begin takes a new sign of a vehicle in.
func (f *interference) begin(v *signed, e evidence, single bool, nowUS int64) {
	t, bg := &v.by[e], &f.single[e]
	if bg.sinceUS == 0 {
		bg.sinceUS = nowUS
	}
	if t.begin(nowUS) && single && !t.prone() {
		bg.note(v, nowUS)
	}
}

// group puts the alerts that a vehicle's signs have raised already under the area.
func (b *Book) group(id *vehicles.Identity, area string, nowUS int64) {
	for _, a := range b.openOf(id.ID) {
		if a.Under == "" && nowUS-a.RaisedUS <= interferedWithin.Microseconds() {
			next := *a
			next.Under, next.LastUS = area, max(a.LastUS, nowUS)
			b.put(&next, nowUS, fact{Type: factRepeated, Alert: &next})
		}
	}
}

// near is the area that a vehicle belongs to; nil: none. One that unverified
// vehicles claim does not take in a verified one: three of those make their own.
func (f *interference) near(v *signed) *area {
	for _, a := range f.areas {
		if (a.verified || !v.id.Verified) && geo.Distance(a.centre, v.at) <= interferedM {
			return a
		}
	}
	return nil
}

// among lists the vehicles whose signs began with those of v, in the order of
// handles, when those of a group are enough for a common cause; else it is nil. Only
// verified ones when those are enough; those that are prone do not count.
func (f *interference) among(v *signed, e evidence, nowUS int64) []*signed {
	if t := &v.by[e]; t.beganUS != nowUS || t.prone() {
		return nil
	}
	var all, verified []*signed
	witnesses, proved := 0, 0
	for _, o := range f.of {
		if !o.by[anySign].within(nowUS) || geo.Distance(o.at, v.at) > interferedM {
			continue
		}
		all = append(all, o)
		counts := o.by[e].within(nowUS) && !o.by[e].prone()
		if counts {
			witnesses++
		}
		if o.id.Verified {
			verified = append(verified, o)
			if counts {
				proved++
			}
		}
	}
	expected := float64(len(f.proved)) * evidenceOf[e].hourly
	switch {
	case proved >= interferedLeast && proved >= f.single[e].needs(v, true, expected, nowUS):
		all = verified
	case witnesses < interferedLeast || witnesses < f.single[e].needs(v, false, expected, nowUS):
		return nil
	}
	slices.SortFunc(all, func(x, y *signed) int { return int(x.id.Handle) - int(y.id.Handle) })
	return all
}

// raiseArea raises the alarm of an area around v.
func (b *Book) raiseArea(v *signed, among []*signed, nowUS int64) {
	a := &area{centre: v.at, verified: true, members: map[vehicles.Handle]vehicles.Signs{}}
	for _, o := range among {
		a.verified = a.verified && o.id.Verified
		a.add(o, nowUS)
	}
	// It is not one of the alerts that the flood rules count: there are few.
	of := &vehicles.Identity{ID: "gnss", Name: "GNSS", Verified: a.verified}
	raised := b.raise(alertKey{typ: GNSSInterference, vehicle: of.ID, object: string(a.order[0].ID)}, &condition{
		id: of, level: Critical, timeUS: nowUS, fill: func(alert *Alert) { alert.Area = a.shown() },
	})
	a.alertID, a.changed = raised.ID, false
	b.signs.areas = append(b.signs.areas, a)
	for _, o := range among {
		for e := range evidences {
			b.signs.single[e].forget(o.id.Handle, nowUS)
		}
		b.group(o.id, a.alertID, nowUS)
	}
}

// add takes a vehicle, or its new sign, into the area.
func (a *area) add(v *signed, nowUS int64) {
	had, known := a.members[v.id.Handle]
	if !known {
		a.order = append(a.order, v.id)
	}
	a.members[v.id.Handle] = had | v.now
	for e := range v.by {
		v.by[e].grouped, v.by[e].beforeUS = true, 0
	}
	a.lastUS = nowUS
	a.changed = a.changed || !known || had|v.now != had
}

// shown is the area as its alert tells it.
func (a *area) shown() *Area {
	out := &Area{Lat: a.centre.Lat, Lon: a.centre.Lon, RadiusM: interferedM, Count: len(a.order)}
	for _, id := range a.order[:min(len(a.order), interferedNamed)] {
		out.Vehicles = append(out.Vehicles, InterferedWith{AlertVehicle: alertVehicle(id), Signs: a.members[id.Handle].Names()})
	}
	return out
}

// watchAreas is done once a second: alarms name who joined, and end when no
// vehicle of theirs has shown a sign for long.
func (b *Book) watchAreas(nowUS int64) {
	f := &b.signs
	f.areas = slices.DeleteFunc(f.areas, func(a *area) bool {
		for h := range a.members {
			if v := f.of[h]; v != nil && v.now != 0 {
				a.lastUS = nowUS
			}
		}
		alert := b.byID[a.alertID]
		if alert == nil || alert.ClearedUS != 0 {
			return true
		}
		if a.changed {
			a.changed = false
			next := *alert
			next.Area, next.LastUS = a.shown(), nowUS
			b.put(&next, nowUS, fact{Type: factRepeated, Alert: &next})
		}
		if nowUS-a.lastUS > interferedQuiet.Microseconds() {
			b.clear(b.byID[a.alertID], nowUS, causeNoSigns)
			return true
		}
		return false
	})
	for h, v := range f.of {
		if v.now == 0 && nowUS-v.by[anySign].beganUS > proneFor.Microseconds() {
			delete(f.of, h)
		}
	}
}
