package bulk

import (
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence/geo"
	"testzone/telemetry/command"
	"testzone/vehicles"
)

// ending has all vehicles of a fleet end.
func (f *fleet) ending() Ending {
	e := Ending{Reason: "permit pm_1 is revoked: end now", Text: "permit pm_1"}
	for _, v := range f.all {
		e.Vehicles = append(e.Vehicles, v.id.ID)
	}
	return e
}

// needed are the calls about a vehicle that were written down.
func (f *fleet) needed(id string) (out []string) {
	for _, rec := range f.records() {
		if body := string(rec.Body); strings.Contains(body, `"call.needed"`) && strings.Contains(body, `"vehicle":"`+id+`"`) {
			out = append(out, body)
		}
	}
	return out
}

func kindsOf(p *Preview) map[vehicles.VehicleID]command.Kind {
	out := map[vehicles.VehicleID]command.Kind{}
	for i := range p.Items {
		out[p.Items[i].Vehicle] = p.Items[i].Kind
	}
	return out
}

// SAFETY 6: each class has its own end, and of a car in the lane somebody is called.
func TestEndIsTheMinimalRiskActionOfTheClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, obeys, refuses)
		f.add(obeys, vehicles.ICV, 10, geo.Moved(middle, 1000, 0))
		f.add(obeys, vehicles.USV, 11, geo.Moved(middle, 2000, 0))
		f.add(obeys, vehicles.UAV, 2, geo.Moved(middle, 3000, 0))
		f.set(func() { f.all[4].armed, f.all[4].speed = false, 0 })
		p, err := f.g.PreviewEnd(t.Context(), f.ending())
		if err != nil {
			t.Fatal(err)
		}
		want := map[vehicles.VehicleID]command.Kind{"v-1": command.Return, "v-2": command.Return, "v-3": command.Hold, "v-4": command.Hold}
		if got := kindsOf(p); !maps.Equal(got, want) || p.AtRest != 1 || p.Calls != 1 {
			t.Errorf("preview: %v, %d at rest, %d calls", got, p.AtRest, p.Calls)
		}
		b, ok, err := f.g.GiveEnd(t.Context(), f.ending())
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		after(5 * time.Second)
		b = f.bulk(b.ID)
		if got := states(&b); got["v-1"] != "return in_effect" || got["v-2"] != "return refused" || got["v-3"] != "hold in_effect" || got["v-4"] != "hold in_effect" {
			t.Errorf("ended: %v", got)
		}
		if calls := f.calls(); !strings.Contains(calls["v-2"], "refused") {
			t.Errorf("nobody is called about the one that refused: %v", calls)
		}
		if calls := f.needed("v-3"); len(calls) != 1 || !strings.Contains(calls[0], "look at the road behind it") {
			t.Errorf("of the car in the lane: %v", calls)
		}
		after(3 * time.Minute)
		for _, v := range f.all {
			if l, held := f.orders.Lease(v.id.ID); held {
				t.Errorf("the control of %s is still with %s", v.id.ID, l.Holder)
			}
		}
	})
}

// SAFETY 2, 3, 7, 10: who cannot be ordered without a person is called about.
func TestEndOrdersNobodyOfWhomTooLittleIsKnown(t *testing.T) {
	for _, c := range []struct {
		name string
		is   func(f *fleet)
		call string
	}{
		{"its pilot has it by hand", func(f *fleet) { f.all[0].mode = 0 }, "speak with the pilot"},
		{"its link is lost", func(f *fleet) { f.all[0].silent = true }, "link is lost"},
		{"its position is old", func(f *fleet) { f.all[0].unsure = true }, "position is not good enough"},
		{"its fixes are few", func(f *fleet) { f.all[0].few = true }, "few_fixes"},
		{"the clock is behind", func(f *fleet) { f.unfit = "the clock is behind" }, "the clock is behind"},
		{"it is another's", func(f *fleet) { f.homes["leased"] = middle }, "pete has its control"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, obeys)
				f.set(func() { c.is(f) })
				if len(f.homes) > 1 {
					if _, err := f.orders.TakeLease(t.Context(), "v-1", pete, false, ""); err != nil {
						t.Fatal(err)
					}
				}
				if _, ok, err := f.g.GiveEnd(t.Context(), f.ending()); err != nil || !ok {
					t.Fatal(ok, err)
				}
				after(2 * time.Second)
				if told := f.told(0); len(told) > 0 {
					t.Errorf("it was told %v", told)
				}
				if calls := f.calls(); !strings.Contains(calls["v-1"], c.call) || !strings.Contains(calls["v-1"], "permit pm_1 is revoked") {
					t.Errorf("called: %v", calls)
				}
			})
		})
	}
}

// SAFETY 5: those whose ways home come close leave one after another.
func TestEndIsStaggered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, obeys, obeys)
		f.homes["v-2"] = f.homes["v-1"]
		begin := time.Now()
		if _, ok, err := f.g.GiveEnd(t.Context(), f.ending()); err != nil || !ok {
			t.Fatal(ok, err)
		}
		after((waveS + 5) * time.Second)
		at := f.told(1)
		if len(at) != 2 || at[0].ID != 176 || at[1].ID != 20 || at[1].at.Sub(begin) < waveS*time.Second {
			t.Errorf("the second was told %v", at)
		}
	})
}

// SAFETY 3, 7: who waits for its turn is looked at once more when it comes.
func TestEndLooksAgainBeforeALaterWave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, obeys, obeys)
		f.homes["v-2"] = f.homes["v-1"]
		if _, ok, err := f.g.GiveEnd(t.Context(), f.ending()); err != nil || !ok {
			t.Fatal(ok, err)
		}
		after(5 * time.Second)
		f.set(func() { f.all[1].mode = 0 })
		after(waveS * time.Second)
		if at := f.told(1); len(at) != 1 || at[0].ID != 176 {
			t.Errorf("the second was told %v", at)
		}
		if calls := f.calls(); !strings.Contains(calls["v-2"], "speak with the pilot") {
			t.Errorf("called: %v", calls)
		}
	})
}

// Nobody moves: nothing is written down.
func TestEndOfNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, obeys)
		f.set(func() { f.all[0].armed, f.all[0].speed = false, 0 })
		if b, ok, err := f.g.GiveEnd(t.Context(), f.ending()); ok || err != nil || len(f.records()) > 0 {
			t.Errorf("%+v %v %v", b, ok, err)
		}
		if _, err := f.g.Preview(t.Context(), all(End)); err == nil {
			t.Error("people can give it by hand")
		}
	})
}
