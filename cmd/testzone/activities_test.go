package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"testzone/airspace"
	"testzone/airspace/activity"
	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// signed gives a permit all that its pack asks for before it may be used.
func signed(t *testing.T, p *permit.Permit) {
	t.Helper()
	set, err := rules.Load(rules.Packs())
	if err != nil {
		t.Fatal(err)
	}
	pack, err := set.Get(p.Pack)
	if err != nil {
		t.Fatal(err)
	}
	kind, err := pack.Kind(p.Application.Kind)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range kind.Steps {
		verdict, by := permit.Pass, step.By
		if step.SignOff {
			verdict, by = permit.Approve, pack.Signers(kind, p.Facts(pack))
		}
		for _, department := range by {
			p.Decisions = append(p.Decisions, permit.Decision{Step: step.ID, Department: department, Verdict: verdict, Signer: "rita", AtUS: p.FromUS, Pack: p.Pack})
		}
	}
	p.PublishedUS = p.FromUS
	p.Override = &permit.Override{By: "ctl", AtUS: p.FromUS, Reason: "trial", Pack: p.Pack}
	p.Application.Insurance = []permit.Policy{{Kind: "liability", FromUS: p.FromUS, ToUS: p.ToUS, PerVehicleCNY: 10_000_000}}
}

// confirmed is an activity of the first half of a permit's areas, confirmed before.
func confirmed(p *permit.Permit, id string) activity.Activity {
	area := permit.Volume{Shared: true, Windows: [][2]int64{{p.FromUS, p.ToUS}}}
	area.SetShape(geofence.Shape{Circle: &geo.Circle{Center: p.Application.Volumes[0].Shape().Circle.Center, RadiusM: 50}})
	x := activity.Activity{
		ID: id, Permit: p.ID, Org: p.Org, Kind: p.Application.Kind, State: activity.Confirmed, Pack: p.Pack, Day: "2026-11-27", Takes: []permit.Volume{area},
		Plan: activity.Plan{Title: "run", FromUS: p.FromUS, ToUS: p.ToUS, Vehicles: p.Application.Vehicles, Volumes: []permit.Volume{area}},
		Rev:  3, CreatedUS: p.FromUS, UpdatedUS: p.FromUS, History: []activity.Event{{AtUS: p.FromUS, Act: "activity.confirmed", State: activity.Confirmed}},
	}
	x.Volumes[0].Windows = nil
	return x
}

func confirmedEntry(t *testing.T, x *activity.Activity) journal.Entry {
	t.Helper()
	body, err := json.Marshal(map[string]any{"type": "activity.confirmed", "activity": x, "by": "", "at_us": x.FromUS})
	if err != nil {
		t.Fatal(err)
	}
	return journal.Entry{ID: journal.NewID(), Kind: journal.Decision, Schema: airspace.ActivitySchema, TimeUS: x.FromUS, Body: body, Expect: []journal.Expect{{Agg: journal.Aggregate("activity:" + x.ID), Any: true}}}
}

// activityRig is a permit zone whose vehicles have each an activity that is confirmed.
type activityRig struct {
	*permitZone
	opr, ctl airspace.Actor
	armed    bool
	lon      int32
}

// report sends where the vehicles are, with what makes their fences enforceable.
func (r *activityRig) report() {
	r.boot += 200
	batch := make([]vehicles.Report, len(r.ids))
	for i, id := range r.ids {
		at := placeOf(i)
		at.Lon += r.lon
		batch[i] = vehicles.Report{
			Handle: id.Handle, Has: vehicles.HasPosition | vehicles.HasHeartbeat | vehicles.HasQuality, ReceivedUS: time.Now().UnixMicro(), BootMS: r.boot,
			Fix: geo.Fix{Point: at}, Armed: r.armed, FixType: 3, Satellites: 14, HDOP: 80, HAccMM: 900, VAccMM: 1400,
		}
		if r.armed {
			batch[i].Velocity = vehicles.Velocity{E: 500}
		}
	}
	r.s.pipeline.Reports(batch)
}

// each reports until all activities are as wanted; what says what is missing.
func (r *activityRig) each(what string, is func(id string) string) {
	r.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(90 * time.Second)
	for {
		wrong := ""
		for i := range r.ids {
			wrong = max(wrong, is(fmt.Sprint("ac_", i)))
		}
		if wrong == "" {
			return
		}
		select {
		case <-tick.C:
			r.report()
		case <-deadline:
			r.t.Fatalf("%s: %s", what, wrong)
		}
	}
}

func (r *activityRig) state(want activity.State) func(id string) string {
	return func(id string) string {
		x, err := r.s.register.Activity(r.opr, id)
		if err != nil || x.State != want {
			return fmt.Sprintf("%s of %s is %s: %v %v", id, x.Kind, x.State, x.Outside, err)
		}
		return ""
	}
}

// TestActivityInTheLoop: a drone, a car and a boat, each under a permit with an
// activity of its own, smaller area. It is not activated before a controller is on duty
// and the fences can be enforced, and then is; outside of the area it is
// nonconforming, within it not; it does not end in motion; and its report closes it.
func TestActivityInTheLoop(t *testing.T) {
	var entries []journal.Entry
	z := newPermitZoneOf(t, len(permitKinds), 0, func(p *permit.Permit, conf *config) {
		conf.Permits.Activities = activitiesRequired
		signed(t, p)
		x := confirmed(p, fmt.Sprint("ac_", len(entries)))
		entries = append(entries, confirmedEntry(t, &x))
	}, func() []journal.Entry { return entries })
	r := &activityRig{
		permitZone: z, opr: airspace.Actor{ID: "opr", Person: "opr", Org: "acme", Roles: []airspace.Role{airspace.TestOperator}},
		ctl: airspace.Actor{ID: "ctl", Person: "ctl", Roles: []airspace.Role{airspace.Controller}},
	}
	ctx := t.Context()
	activate := func(id string) error {
		_, err := r.s.register.ActivateActivity(ctx, r.opr, id, 0)
		return err
	}
	for i := range r.ids {
		var against *permit.RulesError
		if err := activate(fmt.Sprint("ac_", i)); !errors.As(err, &against) {
			t.Fatalf("with nobody on duty and no position: %v", err)
		}
		var codes []string
		for _, f := range against.Faults {
			codes = append(codes, f.Code)
		}
		slices.Sort(codes)
		if codes = slices.Compact(codes); !slices.Equal(codes, []string{"enforcement", "zone"}) {
			t.Errorf("with nobody on duty and no position: %+v", against.Faults)
		}
	}
	if _, err := r.s.register.SignOn(ctx, r.ctl, nil); err != nil {
		t.Fatal(err)
	}
	if why := r.s.operating.mayStart(r.ids[0].ID, vehicles.UAV, time.Now()); why != "no activity is activated" {
		t.Errorf("may it arm before: %q", why)
	}
	r.each("activated", func(id string) string {
		if r.state(activity.Confirmed)(id) != "" {
			return r.state(activity.Activated)(id)
		}
		if err := activate(id); err != nil {
			return err.Error()
		}
		return ""
	})
	if why := r.s.operating.mayStart(r.ids[0].ID, vehicles.UAV, time.Now()); why != "" {
		t.Errorf("may it arm: %q", why)
	}
	r.armed = true
	r.each("moving inside", func(id string) string {
		x, _ := r.s.register.Activity(r.opr, id)
		if !r.s.operating.judged(x.Vehicles[0], x.Permit) || !r.s.enrolled.moves(string(x.Vehicles[0])) {
			return "the loop does not see it move"
		}
		return r.state(activity.Activated)(id)
	})
	for i := range r.ids {
		if _, err := r.s.register.EndActivity(ctx, r.opr, fmt.Sprint("ac_", i), 0, ""); !errors.Is(err, activity.ErrState) {
			t.Errorf("ended in motion: %v", err)
		}
	}
	r.lon = 7_500 // 72 m: outside of the activity, inside the permit
	r.each("outside", r.state(activity.Nonconforming))
	r.lon = 0
	r.each("inside again", r.state(activity.Activated))
	r.armed = false
	r.each("ended", func(id string) string {
		if r.state(activity.Ended)(id) == "" {
			return ""
		}
		if _, err := r.s.register.EndActivity(ctx, r.opr, id, 0, ""); err != nil {
			return err.Error()
		}
		return ""
	})
	for i := range r.ids {
		x, err := r.s.register.Activity(r.opr, fmt.Sprint("ac_", i))
		if err == nil {
			x, err = r.s.register.CloseActivity(ctx, r.opr, x.ID, 0, activity.EndReport{BegunUS: x.ActivatedUS, EndedUS: x.EndedUS, Takeovers: 1})
		}
		if err != nil || x.State != activity.Closed || x.Left != 1 || x.Report.Late {
			t.Errorf("closed: %+v %v", x, err)
		}
	}
}

// TestSeenOf: what the loop says of vehicles that are not heard, in distress, outside,
// or not judged by the permit yet.
func TestSeenOf(t *testing.T) {
	edge := &geofence.Compiled{Fence: geofence.Fence{Kind: geofence.KeepIn, Origin: geofence.Origin{Kind: airspace.ActivityOrigin, ID: "ac_1"}}}
	permits := &geofence.Compiled{Fence: geofence.Fence{Kind: geofence.KeepIn, Origin: geofence.Origin{Kind: airspace.PermitOrigin, ID: "pm_1"}}}
	speed := &geofence.Compiled{Fence: geofence.Fence{Kind: geofence.SpeedLimit, Origin: geofence.Origin{Kind: airspace.PermitOrigin, ID: "pm_1"}}}
	others := &geofence.Compiled{Fence: geofence.Fence{Kind: geofence.KeepIn, Origin: geofence.Origin{Kind: airspace.ActivityOrigin, ID: "ac_2"}}}
	for name, c := range map[string]struct {
		track            *vehicles.Track
		breaches         []*geofence.Compiled
		moves, unjudged  bool
		was              []vehicles.VehicleID
		outside, lost    bool
		distress, atRest bool
	}{
		"at rest":                    {track: &vehicles.Track{}, atRest: true},
		"moving inside":              {track: &vehicles.Track{}, moves: true},
		"not heard":                  {},
		"outside of it":              {track: &vehicles.Track{}, moves: true, breaches: []*geofence.Compiled{edge}, outside: true},
		"outside of its permit":      {track: &vehicles.Track{}, moves: true, breaches: []*geofence.Compiled{permits}, outside: true},
		"too fast":                   {track: &vehicles.Track{}, moves: true, breaches: []*geofence.Compiled{speed, others}},
		"lost in motion":             {track: &vehicles.Track{Link: vehicles.LinkLost}, moves: true, lost: true},
		"silent after it came home":  {track: &vehicles.Track{Link: vehicles.LinkLost}},
		"in distress":                {track: &vehicles.Track{Status: vehicles.Emergency}, moves: true, distress: true},
		"was outside, not heard":     {was: []vehicles.VehicleID{"v-1"}, outside: true},
		"was outside, rests":         {track: &vehicles.Track{}, unjudged: true, was: []vehicles.VehicleID{"v-1"}, outside: true, atRest: true},
		"was outside, is inside now": {track: &vehicles.Track{}, moves: true, was: []vehicles.VehicleID{"v-1"}},
	} {
		of := map[vehicles.VehicleID]*telemetry.TrackView{}
		if c.track != nil {
			of["v-1"] = &telemetry.TrackView{Track: *c.track, Breaches: c.breaches}
		}
		x := &activity.Activity{ID: "ac_1", Permit: "pm_1", Outside: c.was, Plan: activity.Plan{Vehicles: []vehicles.VehicleID{"v-1"}}}
		s := seenOf(x, of, func(string) bool { return c.moves }, func(vehicles.VehicleID, string) bool { return !c.unjudged })
		if got := [4]bool{len(s.Outside) > 0, len(s.Lost) > 0, len(s.Distress) > 0, s.AtRest}; got != [4]bool{c.outside, c.lost, c.distress, c.atRest} {
			t.Errorf("%s: %+v", name, s)
		}
	}
}
