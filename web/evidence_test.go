package web

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/vehicles"
)

// TestLiveJump: a teleport is one transition of its own, beside those of the
// fences at its ends, and an alert of low severity.
func TestLiveJump(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	var f Fence
	z.call(adminToken, "POST", "/v1/fences", fenceBody("river", square, "")).json(t, &f)
	c := z.live()
	c.hello()
	v := z.open(1, vehicles.UAV)
	z.report(v, 30.85, 121.925, 50)
	z.report(v, 30.905, 121.925, 50)
	var kinds []string
	c.until("both alerts", func() bool {
		kinds = kinds[:0]
		for _, m := range c.control {
			switch m.T {
			case "transition":
				kinds = append(kinds, m.Kind)
			case "alert":
				kinds = append(kinds, fmt.Sprint(m.Alert.Type, " ", m.Alert.Level))
			}
		}
		return len(kinds) >= 4
	})
	got := strings.Join(kinds, ", ")
	for _, want := range []string{"jump", "entered", "position_jump 1", "fence_breach 3"} {
		if !slices.Contains(kinds, want) {
			t.Errorf("told %s, lacks %s", got, want)
		}
	}
	if slices.Index(kinds, "jump") > slices.Index(kinds, "entered") { // alerts may come between
		t.Errorf("told %s: the jump comes first", got)
	}
	var list AlertList
	z.call(observerToken, "GET", "/v1/alerts", "").json(t, &list)
	for _, a := range list.Items {
		if g := a.Evidence.Grounds; g == nil || strings.Join(g.Lacks, " ") != "unverified few_fixes jump quality_unknown" || g.Quality != "unknown" || g.Fixes != 0 {
			t.Errorf("%s: grounds %+v", a.Type, g)
		}
		if a.Type == "position_jump" && (a.Jump == nil || a.Jump.DistanceM < 6000 || a.Jump.DistanceM > 6200 || a.Fence != nil) {
			t.Errorf("jump %+v", a.Jump)
		}
		if a.Transitions != 1 || a.ConfirmedAt != nil {
			t.Errorf("%s: %d transitions, confirmed %v", a.Type, a.Transitions, a.ConfirmedAt)
		}
	}
}

// TestTransitionMessages holds what the live channel says of a crossing and of a jump.
func TestTransitionMessages(t *testing.T) {
	who := &vehicles.Identity{Handle: 7, ID: "u", Name: "U", Class: vehicles.UAV, Verified: true}
	fence := &geofence.Compiled{Fence: geofence.Fence{ID: "f", Name: "F", Kind: geofence.KeepOut, Rev: 2}}
	fix := geo.Fix{Point: geo.Point{Lat: 310_000_000, Lon: 1_210_000_000}}
	grounds := telemetry.Grounds{Fixes: 3, Verified: true, Quality: vehicles.QualityGood, AgeUS: 20_000}
	crossing := transitionOf(4, &telemetry.Transition{
		Transition: geofence.Transition{Kind: geofence.Left, Fence: fence, Before: fix, After: fix, ReceivedUS: 1e15}, Vehicle: who, Grounds: grounds, Held: true,
	})
	jump := jumpOf(5, &telemetry.Jump{
		Jumped: geofence.Jumped{Before: fix, After: fix, ReceivedUS: 1e15, DistanceM: 1200, DtUS: 250_000}, Vehicle: who, Grounds: telemetry.Grounds{Verified: true, Jump: true},
	})
	place := `{"lat":31,"lon":121,"heights":{}}`
	for want, message := range map[string]any{
		`{"t":"transition","cseq":4,"kind":"left","flags":[],"at":"2001-09-09T01:46:40.000Z","vehicle":{"id":"u","h":7,"name":"U","class":"uav","verified":true},` +
			`"fence":{"id":"f","name":"F","kind":"keep_out","rev":2},"datum":"none","before":` + place + `,"after":` + place + `,` +
			`"grounds":{"fixes":3,"quality":"good","age_s":0.02,"lacks":[]},"held":true}`: crossing,
		`{"t":"transition","cseq":5,"kind":"jump","flags":[],"at":"2001-09-09T01:46:40.000Z","vehicle":{"id":"u","h":7,"name":"U","class":"uav","verified":true},` +
			`"fence":null,"before":` + place + `,"after":` + place + `,"jump":{"distance_m":1200,"dt_s":0.25},` +
			`"grounds":{"fixes":0,"quality":"unknown","age_s":0,"lacks":["few_fixes","jump","quality_unknown"]},"held":false}`: jump,
	} {
		got, err := json.Marshal(message)
		if err != nil || string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestEnforcementByFence: a track names the fences that are not enforced for it.
func TestEnforcementByFence(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	for i := range 3 {
		z.call(adminToken, "POST", "/v1/fences", fenceBody(fmt.Sprint("plain-", i), square, ""))
	}
	z.call(adminToken, "POST", "/v1/fences", fenceBody("agl", square, `,"ceiling":{"m":9,"datum":"agl"}`))
	z.call(adminToken, "POST", "/v1/fences", fenceBody("cars", square, `,"applies":{"classes":["icv"]}`))
	j := z.server.judge()
	view := telemetry.TrackView{Vehicle: &vehicles.Identity{Verified: true, Class: vehicles.UAV}, Track: vehicles.Track{FixUS: j.nowUS}}
	got := j.byFence(&view, []string{altitudeUnknown})
	if got.Apply != 4 || got.Enforced != 3 || len(got.NotEnforced) != 1 || got.NotEnforced[0].FenceName != "agl" || strings.Join(got.NotEnforced[0].Reasons, " ") != altitudeUnknown {
		t.Errorf("altitude unknown: %+v", got)
	}
	got = j.byFence(&view, []string{"stale", altitudeUnknown})
	if got.Apply != 4 || got.Enforced != 0 || len(got.NotEnforced) != 4 || strings.Join(got.NotEnforced[0].Reasons, " ") != "stale altitude_unknown" ||
		strings.Join(got.NotEnforced[3].Reasons, " ") != "stale" {
		t.Errorf("stale: %+v", got)
	}
	view.Vehicle.Class = vehicles.ICV // on the ground
	if got = j.byFence(&view, nil); got.Apply != 5 || got.Enforced != 5 || len(got.NotEnforced) != 0 {
		t.Errorf("a car: %+v", got)
	}
	good := telemetry.TrackView{Vehicle: view.Vehicle, Track: vehicles.Track{
		FixUS: j.nowUS, Seen: vehicles.HasQuality, FixType: 3, Satellites: 12, HAccMM: 900, QualityUS: j.nowUS,
	}}
	for enforced, want := range map[string]int{"": 3, "true": 1, "false": 2} {
		if kept, not := j.split([]telemetry.TrackView{view, good, view}, enforced); len(kept) != want || not != 2 {
			t.Errorf("enforced=%s: %d kept, %d not enforced", enforced, len(kept), not)
		}
	}
	v := z.open(1, vehicles.UAV)
	z.report(v, 30.85, 121.925, 50)
	var track Track
	eventually(t, "the position", func() bool {
		z.call(observerToken, "GET", "/v1/tracks/"+string(v.ID), "").json(t, &track)
		return track.Position != nil
	})
	var list TrackList
	if z.call(observerToken, "GET", "/v1/tracks?enforced=false", "").json(t, &list); len(list.Items) != 1 || list.NotEnforced != 1 {
		t.Errorf("not enforced: %+v", list)
	}
	if z.call(observerToken, "GET", "/v1/tracks?enforced=true", "").json(t, &list); len(list.Items) != 0 || list.NotEnforced != 1 {
		t.Errorf("enforced: %+v", list)
	}
	if f := track.Enforcement.Fences; f == nil || f.Apply != 4 || f.Enforced != 0 || track.Grounds == nil || track.Grounds.Fixes != 1 || track.Estimator != "unknown" {
		t.Errorf("track: %+v %+v", f, track.Grounds)
	}
}
