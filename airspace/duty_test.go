package airspace_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"testzone/airspace"
	"testzone/geofence/geo"
	"testzone/telemetry/journal"
)

// newDutyRig is a zone with two sectors, and a second controller.
func newDutyRig(t *testing.T) (f *fleetRig, dora airspace.Actor) {
	t.Helper()
	f = newFleetRig(t)
	register, err := airspace.NewRegister(airspace.Config{
		Zone: airspace.Zone{ID: "north", Sectors: []airspace.Sector{{ID: "land"}, {ID: "water"}}}, Journal: f.journal,
		Clock: func() time.Time { return f.now }, Listeners: []string{"signed"},
	})
	if err == nil {
		err = f.journal.Replay(1, register.Replay)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Register = register
	return f, f.actor(f.person("zone", airspace.Controller))
}

func uncovered(r *airspace.Register) (out []string) {
	for _, s := range r.Uncovered() {
		out = append(out, s.ID)
	}
	return out
}

func TestDutyAndHandover(t *testing.T) {
	f, dora := newDutyRig(t)
	ctx := t.Context()
	f.registered(boat("boat-1", 9))
	if ok, why := f.MayStart("boat-1"); ok || why != "no controller on duty" || len(uncovered(f.Register)) != 2 {
		t.Errorf("nobody on duty: %v %q, uncovered %v", ok, why, uncovered(f.Register))
	}
	if _, err := f.SignOn(ctx, f.anna, nil); !errors.Is(err, airspace.ErrForbidden) {
		t.Errorf("an operator: %v", err)
	}
	program := f.carl
	program.Key = "k_1"
	if _, err := f.SignOn(ctx, program, nil); !errors.Is(err, airspace.ErrNoPerson) {
		t.Errorf("a program: %v", err)
	}
	if _, err := f.SignOn(ctx, f.carl, []string{"sky"}); !errors.Is(err, airspace.ErrDuty) {
		t.Errorf("no such sector: %v", err)
	}
	if _, err := f.SignOn(airspace.Rehearsal(ctx), f.carl, nil); err != nil || len(f.OnDuty()) != 0 {
		t.Errorf("a trial signed on: %v", err)
	}
	carls, err := f.SignOn(ctx, f.carl, []string{"water"})
	if err != nil || !carls.Present {
		t.Fatalf("%+v %v", carls, err)
	}
	if ok, why := f.MayStart("boat-1"); !ok || !slices.Equal(uncovered(f.Register), []string{"land"}) {
		t.Errorf("carl on duty: %v %q, uncovered %v", ok, why, uncovered(f.Register))
	}
	if _, why := f.MayStart("boat-2"); why != "not registered" {
		t.Errorf("boat-2: %q", why)
	}
	doras, err := f.SignOn(ctx, dora, []string{"land"})
	if err != nil || len(uncovered(f.Register)) != 0 {
		t.Fatal(err, uncovered(f.Register))
	}

	items := []airspace.BriefingItem{{Kind: "alert", ID: "al_1", Text: "breach of fence river by boat-1"}}
	offered, err := f.Offer(ctx, f.carl, carls.ID, dora.ID, items)
	if err != nil || offered.Offer == nil || offered.Offer.Digest == "" {
		t.Fatalf("%+v %v", offered, err)
	}
	for name, c := range map[string]struct {
		do   func() error
		want error
	}{
		"to oneself":         {func() error { _, err := f.Offer(ctx, f.carl, carls.ID, f.carl.ID, items); return err }, airspace.ErrDuty},
		"to an operator":     {func() error { _, err := f.Offer(ctx, f.carl, carls.ID, f.anna.ID, items); return err }, airspace.ErrDuty},
		"what is another's":  {func() error { _, err := f.Offer(ctx, f.carl, doras.ID, dora.ID, items); return err }, airspace.ErrDuty},
		"by a third":         {func() error { _, err := f.Take(ctx, f.carl, carls.ID, offered.Offer.Digest); return err }, airspace.ErrNotOffered},
		"without briefing":   {func() error { _, err := f.Take(ctx, dora, carls.ID, ""); return err }, airspace.ErrBriefing},
		"another's sign-off": {func() error { _, err := f.SignOff(ctx, dora, carls.ID, ""); return err }, airspace.ErrDuty},
		"of nobody":          {func() error { _, err := f.SignOff(ctx, dora, "dt_0", "gone"); return err }, airspace.ErrNotFound},
	} {
		if err := c.do(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	f.now = f.now.Add(31 * time.Minute)
	if _, err := f.Take(ctx, dora, carls.ID, offered.Offer.Digest); !errors.Is(err, airspace.ErrBriefing) {
		t.Errorf("an old briefing: %v", err)
	}
	if offered, err = f.Offer(ctx, f.carl, carls.ID, dora.ID, items); err != nil {
		t.Fatal(err)
	}
	once := journal.WithRequest(ctx, &journal.Request{By: dora.ID, Key: "take-over-1", SHA256: "a"})
	taken, err := f.Take(once, dora, carls.ID, offered.Offer.Digest)
	if err != nil || taken.ID != doras.ID || !slices.Equal(taken.Sectors, []string{"land", "water"}) || len(f.OnDuty()) != 1 {
		t.Fatalf("%+v %v, on duty %+v", taken, err, f.OnDuty())
	}
	if again, err := f.Take(once, dora, carls.ID, offered.Offer.Digest); err != nil || !cmp.Equal(again, taken) {
		t.Errorf("the same request again: %+v %v", again, err)
	}
	if _, err := f.SignOff(ctx, f.carl, doras.ID, "she went home"); err != nil || len(f.OnDuty()) != 0 {
		t.Errorf("with a reason: %v", err)
	}
}

// TestDutyOverARestart: a sign-on of a former run stays, and counts when it is
// confirmed; that of somebody who may no longer control the zone does not.
func TestDutyOverARestart(t *testing.T) {
	f, dora := newDutyRig(t)
	f.registered(boat("boat-1", 9))
	if _, err := f.SignOn(t.Context(), dora, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := f.SetState(t.Context(), dora, airspace.ZoneNoNewStarts, "drill", 0); err != nil {
		t.Fatal(err)
	}
	if _, err := f.SetState(t.Context(), dora, airspace.ZoneOpen, "drill over", 2); err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(time.Minute)
	before, state := f.OnDuty(), f.State()
	for _, from := range []string{"journal", "snapshot"} {
		r, err := airspace.NewRegister(airspace.Config{Zone: f.Zone(), Journal: f.journal, Clock: func() time.Time { return f.now }})
		if err != nil {
			t.Fatal(err)
		}
		if from == "journal" {
			err = f.journal.Replay(1, r.Replay)
		} else {
			install, e := r.LoadState(saved(t, f.Register))
			if err = e; err == nil {
				install()
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		after := r.OnDuty()
		if r.State() != state {
			t.Errorf("%s: the zone is %+v, before %+v", from, r.State(), state)
		}
		if len(after) != 1 || after[0].ID != before[0].ID || after[0].Present || !before[0].Present {
			t.Errorf("%s: on duty %+v, before %+v", from, after, before)
		}
		if ok, _ := r.MayStart("boat-1"); ok {
			t.Errorf("%s: a start on the word of a former run", from)
		}
		f.Register = r
	}
	confirmed, err := f.SignOn(t.Context(), dora, nil)
	if err != nil || confirmed.ID != before[0].ID || !confirmed.Present || confirmed.SinceUS != before[0].SinceUS {
		t.Errorf("confirmed %+v %v", confirmed, err)
	}
	if ok, why := f.MayStart("boat-1"); !ok {
		t.Error(why)
	}
	p, err := f.Person(dora.ID)
	if err != nil {
		t.Fatal(err)
	}
	p.Disabled = true
	if _, err := f.ReplacePerson(t.Context(), setUp, p.Rev, p); err != nil {
		t.Fatal(err)
	}
	if ok, _ := f.MayStart("boat-1"); ok {
		t.Error("a start on the word of a disabled controller")
	}
}

// TestMayStartByState: only an open zone lets anybody begin.
func TestMayStartByState(t *testing.T) {
	f := newFleetRig(t)
	f.registered(boat("boat-1", 9))
	if _, err := f.SignOn(t.Context(), f.carl, nil); err != nil {
		t.Fatal(err)
	}
	for _, s := range airspace.ZoneStates() {
		if _, err := f.SetState(t.Context(), f.carl, s, "drill", 0); err != nil {
			t.Fatal(err)
		}
		if ok, why := f.MayStart("boat-1"); ok != (s == airspace.ZoneOpen) || ok == (why != "") {
			t.Errorf("%s: %v %q", s, ok, why)
		}
	}
}

// TestSectorsWithArea: where a sector has an area and nobody is on duty for it nobody
// starts there; elsewhere they do. The zone is where its sectors are.
func TestSectorsWithArea(t *testing.T) {
	f, _ := newDutyRig(t)
	land := geo.MustRing("30.0,121.0 30.0,121.1 30.1,121.1 30.1,121.0")
	water := geo.MustRing("30.0,121.1 30.0,121.2 30.1,121.2 30.1,121.1")
	zone := airspace.Zone{
		ID: "north", South: geo.Point{}, North: geo.Point{Lat: 900000000, Lon: 1800000000},
		Sectors: []airspace.Sector{{ID: "land", Name: "Land", Ring: land}, {ID: "water", Ring: water}, {ID: "desk"}},
	}
	register, err := airspace.NewRegister(airspace.Config{Zone: zone, Journal: f.journal, Clock: func() time.Time { return f.now }, Listeners: []string{"signed"}})
	if err == nil {
		err = f.journal.Replay(1, register.Replay)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Register = register
	f.registered(boat("boat-1", 9))
	if _, err := f.SignOn(t.Context(), f.carl, []string{"water"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, at, want, sectors string
		inside                  bool
	}{
		{"covered", "30.05,121.15", "", "water", true},
		{"uncovered", "30.05,121.05", "no controller for Land", "land", true},
		{"on the edge of both", "30.05,121.1", "", "land water", true},
		{"in no sector", "30.5,121.05", "", "", false},
	} {
		at := geo.MustRing(c.at)[0]
		if ok, why := f.MayStartAt("boat-1", at); why != c.want || ok != (c.want == "") {
			t.Errorf("%s: %v %q, want %q", c.name, ok, why, c.want)
		}
		if got := zone.Inside(at); got != c.inside {
			t.Errorf("%s: inside %v", c.name, got)
		}
		if got := strings.Join(zone.SectorsAt(at), " "); got != c.sectors {
			t.Errorf("%s: in the sectors %q, want %q", c.name, got, c.sectors)
		}
	}
	if _, err := f.SignOn(t.Context(), f.carl, []string{"desk"}); err != nil {
		t.Fatal(err)
	}
	if _, why := f.MayStartAt("boat-1", geo.MustRing("30.05,121.15")[0]); why != "no controller for water" {
		t.Errorf("after carl went to the desk: %q", why)
	}
	if zone.Sectors = zone.Sectors[2:]; !zone.Inside(geo.Point{Lat: 1, Lon: 1}) || zone.Inside(geo.Point{Lat: -1, Lon: 1}) {
		t.Error("without areas the zone is its box")
	}
}
