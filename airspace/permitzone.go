package airspace

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/airspace/volumes"
	"testzone/geofence"
	"testzone/vehicles"
)

// keepOuts are the keep-out fences of the zone as volumes, for the question which
// of them an application lies in. They follow the fences when somebody asks.
type keepOuts struct {
	mu      sync.Mutex // guards the fields below, held with the register's mu, which alone does for whoever has that for writing
	index   *volumes.Index
	of      map[string]*geofence.Compiled // what is in the index, by fence
	ids     map[string][]string           // of its volumes
	changed map[string]bool               // fences that the index has as they were
}

// change notes that a fence is another one. Called with the register's mu held for
// writing.
func (k *keepOuts) change(id string) {
	if k.index != nil { // else all are read when somebody asks
		k.changed[id] = true
	}
}

// follow makes the index that of the fences. Called with the register's mu held.
func (k *keepOuts) follow(r *Register) {
	if k.index == nil {
		k.index, _ = volumes.New(volumes.Config{}) // the zero configuration works
		k.of, k.ids, k.changed = map[string]*geofence.Compiled{}, map[string][]string{}, map[string]bool{}
		for id := range r.fences {
			k.changed[id] = true
		}
		for id := range r.emergencies {
			k.changed[id] = true
		}
	}
	for id := range k.changed {
		for _, v := range k.ids[id] {
			k.index.Remove(v)
		}
		delete(k.of, id)
		delete(k.ids, id)
		if f := fenceNow(r, id); f != nil {
			k.add(id, f)
		}
	}
	clear(k.changed)
}

// fenceNow is a fence as it is in force. Called with the register's mu held.
func fenceNow(r *Register, id string) *FenceRecord {
	if e := r.emergencies[id]; e != nil {
		return &e.record
	}
	return r.fences[id]
}

func (k *keepOuts) add(id string, f *FenceRecord) {
	if f.compiled == nil || f.Fence.Kind != geofence.KeepOut {
		return
	}
	k.of[id] = f.compiled
	// A weekly fence holds at some time of the day: it is asked about as if always.
	windows := f.Fence.Schedule.Windows
	if len(windows) == 0 || len(f.Fence.Schedule.Weekly) > 0 {
		windows = []geofence.Window{{FromUS: volumes.Ever, ToUS: volumes.Forever}}
	}
	for i, w := range windows {
		v := volumes.Volume{ID: fmt.Sprintf("%s/%d", id, i), Of: id, Shape: f.Fence.Shape, Floor: f.Fence.Floor, Ceiling: f.Fence.Ceiling, FromUS: w.FromUS, ToUS: w.ToUS}
		if s, err := volumes.Compile(v); err == nil && k.index.Insert(s) == nil {
			k.ids[id] = append(k.ids[id], v.ID)
		}
	}
}

// zoneFaults is what the zone says against an application: its vehicles, the fences
// that it lies in and those who have the room already. Called with r.mu held.
func (r *Register) zoneFaults(p *permit.Permit, pack *rules.Pack) (out []permit.Fault) {
	k, err := pack.Kind(p.Application.Kind)
	if err != nil {
		return nil // the pack's own check says so
	}
	classes := r.vehicleFaults(p, k.Domain, &out)
	wanted := []*volumes.Solid{}
	p.Domain = k.Domain
	for _, v := range p.Volumes() {
		s, err := volumes.Compile(v)
		if err != nil {
			out = append(out, permit.Fault{Code: "invalid", Item: itemOf(v.ID), Message: err.Error()})
			continue
		}
		wanted = append(wanted, s)
	}
	out = append(out, r.replacesFaults(p)...)
	out = append(out, r.fenceFaults(p, classes, wanted)...)
	return append(out, r.roomFaults(p, wanted)...)
}

// itemOf is the application's volume of a volume's id: permit:pm_1/0/3.
func itemOf(id string) string {
	_, rest, _ := strings.Cut(id, "/")
	n, _, _ := strings.Cut(rest, "/")
	return "volumes/" + n
}

// replacesFaults refuses what follows another permit than one of its own holder, kind
// and crew that was in force: gates and the first batch were passed for that one.
func (r *Register) replacesFaults(p *permit.Permit) []permit.Fault {
	a := &p.Application
	if a.Subtype == "first" || a.Subtype == "recognised" || a.Replaces == "" {
		return nil // the pack's own check asks for it
	}
	old, ok := r.permits.book.Get(a.Replaces)
	if ok && old.Org == p.Org && old.ID != p.ID && old.Application.Kind == a.Kind && old.Application.Crew == a.Crew &&
		old.EffectiveUS != 0 && old.State != rules.Revoked {
		return nil
	}
	return []permit.Fault{{Code: "invalid", Item: "replaces", Message: fmt.Sprintf("%s is no permit of yours of this kind and crew that was in force: a %s follows one", a.Replaces, a.Subtype)}}
}

func (r *Register) vehicleFaults(p *permit.Permit, domain string, out *[]permit.Fault) (classes vehicles.Classes) {
	for i, id := range p.Application.Vehicles {
		f := permit.Fault{Code: "vehicle", Item: fmt.Sprintf("vehicles/%d", i)}
		operator, class, ok := r.fleetOf(string(id))
		switch {
		case !ok || operator != p.Org: // whose it is else is nobody's business
			f.Message = fmt.Sprintf("vehicle %s is not registered for your organisation", id)
		case domain != "site" && class != domain:
			f.Message = fmt.Sprintf("vehicle %s is of class %s", id, class)
			f.Passes = domain
		default:
			if c, ok := vehicles.ParseClass(class); ok {
				classes |= vehicles.ClassSet(c)
			}
			continue
		}
		*out = append(*out, f)
	}
	return classes
}

// fleetOf is whose a vehicle is that may move. Called with r.mu held.
func (r *Register) fleetOf(id string) (operator, class string, ok bool) {
	v, ok := r.fleet.vehicle(id)
	return v.Operator, v.Class, ok && v.State == Registered
}

func (r *Register) fenceFaults(p *permit.Permit, classes vehicles.Classes, wanted []*volumes.Solid) (out []permit.Fault) {
	r.keepOuts.mu.Lock()
	defer r.keepOuts.mu.Unlock()
	r.keepOuts.follow(r)
	for _, c := range r.keepOuts.index.Conflicts(wanted) {
		id := c.With.Volume.Of
		f := &r.keepOuts.of[id].Fence
		if !concerns(f, p, classes) || slices.Contains(p.Application.ExemptFences, id) {
			continue
		}
		// What ends at the fence's ceiling, or begins after its time, may pass.
		passes := "another place, or the fence's exemption (exempt_fences), which the departments see"
		offer := permit.Offer{ExemptFence: id}
		if c.With.Volume.ToUS != volumes.Forever {
			offer = permit.Offer{ShiftUS: c.With.Volume.ToUS - c.Wanted.Volume.FromUS}
			passes = "a begin at " + time.UnixMicro(c.With.Volume.ToUS).UTC().Format(time.RFC3339) + ", or " + passes
		}
		out = append(out, permit.Fault{Code: "fence", Item: itemOf(c.Wanted.Volume.ID), Metres: c.Metres, Minutes: minutes(c.Overlap),
			Message: fmt.Sprintf("it reaches %.1f m into the keep-out fence %s (%s)", c.Metres, id, f.Name), Passes: passes, Offer: &offer})
	}
	return out
}

// concerns reports whether a keep-out is about vehicles of the permit.
func concerns(f *geofence.Fence, p *permit.Permit, classes vehicles.Classes) bool {
	if f.Classes != 0 && classes != 0 && f.Classes&classes == 0 || len(f.Operators) > 0 && !slices.Contains(f.Operators, p.Org) || slices.Contains(f.ExemptOperators, p.Org) {
		return false
	}
	return slices.ContainsFunc(p.Application.Vehicles, func(id vehicles.VehicleID) bool {
		return (len(f.Vehicles) == 0 || slices.Contains(f.Vehicles, id)) && !slices.Contains(f.ExemptVehicles, id)
	}) || len(p.Application.Vehicles) == 0
}

// wayOutLimit is how far in time a way out is looked for.
const wayOutLimit = 14 * 24 * time.Hour

// roomFaults are the conflicts with who has the room already. Whose it is they do
// not say.
func (r *Register) roomFaults(p *permit.Permit, wanted []*volumes.Solid) (out []permit.Fault) {
	if old := p.Application.Replaces; old != "" {
		if o, ok := r.permits.book.Get(old); ok && o.Org == p.Org { // it takes the room of the one that it replaces
			for _, s := range wanted {
				s.Volume.Of = permit.Of(old)
			}
		}
	}
	conflicts := r.permits.taken.Conflicts(wanted)
	passes, offer := "", (*permit.Offer)(nil)
	if len(conflicts) > 0 {
		if way := r.permits.taken.WayOut(wanted, wayOutLimit); way.LaterFound {
			passes, offer = fmt.Sprintf("all of it %v later", way.Later.Round(time.Second)), &permit.Offer{ShiftUS: upToMinute(way.Later)}
		} else if way.EarlierFound {
			passes, offer = fmt.Sprintf("all of it %v earlier", way.Earlier.Round(time.Second)), &permit.Offer{ShiftUS: -upToMinute(way.Earlier)}
		}
	}
	for _, c := range conflicts {
		what := "that is taken already"
		if _, id, _ := strings.Cut(c.With.Volume.Of, ":"); id != "" {
			if o, ok := r.permits.book.Get(id); ok && o.Org == p.Org {
				what = "that your permit " + id + " has"
			}
		}
		f := permit.Fault{Code: "conflict", Item: itemOf(c.Wanted.Volume.ID), Metres: c.Metres, Minutes: minutes(c.Overlap), Passes: passes, Offer: offer,
			Message: fmt.Sprintf("it reaches %.1f m into room %s, for %.0f minutes", c.Metres, what, minutes(c.Overlap))}
		if c.Reason == volumes.Full {
			f.Message = "the room has no place left for one more"
		}
		if c.HeightUnknown {
			f.Message += "; their heights cannot be compared"
		}
		out = append(out, f)
	}
	return out
}

// upToMinute is a way out in microseconds, in whole minutes: that is what forms hold.
func upToMinute(d time.Duration) int64 {
	return ((d + time.Minute - 1) / time.Minute * time.Minute).Microseconds()
}

func minutes(o volumes.Overlap) float64 {
	if o.FromUS == volumes.Ever || o.ToUS == volumes.Forever {
		return 0
	}
	return float64(o.ToUS-o.FromUS) / 60e6
}
