package airspace

import (
	"context"
	"fmt"
	"slices"
	"time"

	"testzone/airspace/activity"
	"testzone/airspace/permit"
	"testzone/airspace/volumes"
	"testzone/geofence"
	"testzone/vehicles"
)

// ActivityOrigin is the origin of a fence that an activity made: no person edits it.
const ActivityOrigin = "activity"

// activityFaults is what the zone says against a plan: its vehicles are busy, or
// somebody has the room for himself. Whose it is they do not say. Called with r.mu held.
func (r *Register) activityFaults(x *activity.Activity, p *permit.Permit) (out []permit.Fault) {
	for i, id := range x.Vehicles {
		if operator, _, ok := r.fleetOf(string(id)); !ok || operator != p.Org {
			out = append(out, permit.Fault{Code: "vehicle", Item: fmt.Sprintf("vehicles/%d", i), Message: fmt.Sprintf("vehicle %s is not registered for your organisation", id)})
		}
		for _, o := range r.activities.book.Of(id) {
			if o.ID != x.ID && o.FromUS < x.ToUS && x.FromUS < o.ToUS {
				out = append(out, permit.Fault{Code: "conflict", Item: fmt.Sprintf("vehicles/%d", i), Minutes: float64(min(x.ToUS, o.ToUS)-max(x.FromUS, o.FromUS)) / 60e6,
					Message: fmt.Sprintf("vehicle %s takes part in your activity %s at that time", id, o.ID), Passes: "a begin at " + utcTime(o.ToUS)})
			}
		}
	}
	var wanted []*volumes.Solid
	for _, v := range x.Volumes4D(p.Domain) {
		if v.ID == "" || x.ID == "" { // of a rehearsal
			v.ID += "rehearsed"
		}
		s, err := volumes.Compile(v)
		if err != nil {
			out = append(out, permit.Fault{Code: "invalid", Item: "volumes", Message: err.Error()})
			continue
		}
		wanted = append(wanted, s)
	}
	for _, c := range r.activities.taken.Conflicts(wanted) {
		// What the permits share or keep to themselves was settled when they were approved.
		if _, of := activity.OfVolume(c.With.Volume.ID); !of && !x.Exclusive {
			continue
		} else if !of && c.With.Volume.Shared {
			continue
		}
		out = append(out, permit.Fault{Code: "conflict", Item: "volumes", Metres: c.Metres, Minutes: minutes(c.Overlap),
			Message: fmt.Sprintf("it reaches %.1f m into room that is taken at that time, for %.0f minutes", c.Metres, minutes(c.Overlap)),
			Passes:  "a begin at " + utcTime(c.With.Volume.ToUS)})
	}
	return out
}

// startFaults is what the zone says against the begin of an activity: its state, who
// is on duty, what is restricted. Called with r.mu held.
func (r *Register) startFaults(x *activity.Activity, p *permit.Permit, now time.Time) (out []permit.Fault) {
	said := map[string]bool{}
	for _, id := range x.Vehicles {
		if ok, why := r.mayStart(string(id)); !ok && !said[why] {
			said[why] = true
			out = append(out, permit.Fault{Code: "zone", Item: "vehicles", Message: fmt.Sprintf("vehicle %s may not start: %s", id, why)})
		}
	}
	for _, t := range sorted(r.restrictions.of) {
		f := r.fences[t.Fence]
		if t.Over(now.UnixMicro()) || t.FromUS >= x.ToUS || f == nil || f.compiled == nil || !r.concernsActivity(f.compiled, x, p) {
			continue
		}
		for _, s := range r.volumesIn(&f.Fence, max(t.FromUS, now.UnixMicro()), min(t.ToUS, x.ToUS)) {
			if id, of := activity.OfVolume(s.Volume.ID); of && id == x.ID {
				out = append(out, permit.Fault{Code: "restriction", Item: "volumes", Message: fmt.Sprintf("the temporary restriction %q lies over its area", t.Name),
					Minutes: float64(t.ToUS-now.UnixMicro()) / 60e6, Passes: "after " + utcTime(t.ToUS)})
				break
			}
		}
	}
	return out
}

// concernsActivity reports whether a fence is for one of the vehicles of an activity.
func (r *Register) concernsActivity(c *geofence.Compiled, x *activity.Activity, p *permit.Permit) bool {
	class, _ := vehicles.ParseClass(p.Domain)
	return slices.ContainsFunc(x.Vehicles, func(id vehicles.VehicleID) bool {
		return c.AppliesTo(&geofence.Subject{Class: class, Operator: x.Org, Vehicle: id, Permit: x.Permit, Verified: true})
	})
}

// loopFaults is what the loop says against the begin of an activity. Where nobody
// follows the vehicles nothing begins (SAFETY 9).
func (r *Register) loopFaults(ctx context.Context, x *activity.Activity) (out []permit.Fault) {
	for i, id := range x.Vehicles {
		why := []string{"nobody follows the vehicles"}
		if r.cfg.NotEnforced != nil {
			why = r.cfg.NotEnforced(ctx, id, x.Permit)
		}
		for _, w := range why {
			out = append(out, permit.Fault{Code: "enforcement", Item: fmt.Sprintf("vehicles/%d", i), Message: fmt.Sprintf("vehicle %s: %s", id, w)})
		}
	}
	return out
}

// activityFences are keep-ins for the vehicles of the activities that run and whose
// volumes are narrower than their permit's, which has fences of its own. To leave one
// makes the activity nonconforming. Called with r.mu held.
func (r *Register) activityFences(set []*geofence.Compiled) []*geofence.Compiled {
	made := map[string][]*geofence.Compiled{}
	for _, x := range r.activities.book.Open() {
		if !x.Running() || len(x.Volumes) == 0 {
			continue
		}
		fences, ok := r.bounded[x.ID]
		if !ok {
			fences = boundsOf(&x)
		}
		made[x.ID] = fences
		set = append(set, fences...)
	}
	r.bounded = made
	return set
}

func boundsOf(x *activity.Activity) (out []*geofence.Compiled) {
	group := ""
	if len(x.Takes) > 1 {
		group = "activity:" + x.ID
	}
	for i := range x.Takes {
		v := &x.Takes[i]
		c, err := geofence.Compile(geofence.Fence{
			ID: fmt.Sprintf("activity-%s-%d", x.ID, i), Name: "activity " + x.Title, Kind: geofence.KeepIn, Shape: v.Shape(), Floor: v.Floor.Altitude(), Ceiling: v.Ceiling.Altitude(),
			Schedule: geofence.Schedule{Windows: []geofence.Window{{FromUS: x.FromUS, ToUS: x.ToUS}}}, Vehicles: x.Vehicles, Permits: []string{x.Permit}, Group: group,
			Response: geofence.Warn, Origin: geofence.Origin{Kind: ActivityOrigin, ID: x.ID}, Rev: 1,
		})
		if err == nil { // what cannot be a fence was refused when it was planned; the permit's hold all the same
			out = append(out, c)
		}
	}
	return out
}
