package command

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

var eastward = geo.Moved(base, 0, 500)

// TestACopterGoesToAPoint: durable first, as COMMAND_INT, with a height in its datum;
// it is under way when the vehicle comes nearer in the mode for it, and done when it is
// there; and RESUME ends it.
func TestACopterGoesToAPoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.heights.Set(geo.Takeoff, 40_000)
		w.heights.Set(geo.AMSL, 44_000)
		w.heights.Set(geo.AGL, 39_000)
		stalled := make(chan struct{})
		w.log.set(func() { w.log.stall = stalled })
		asked := make(chan Order, 1)
		go func() {
			o, err := w.ask(Request{Kind: Reposition, By: ann, To: &Place{Point: eastward, MM: 60_000, Datum: geo.Takeoff, Height: true}})
			if err != nil {
				t.Error(err)
			}
			asked <- o
		}()
		after(time.Second)
		if n := len(w.commands()); n != 0 {
			t.Errorf("%d commands left before the journal had it", n)
		}
		w.log.set(func() { w.log.stall = nil })
		close(stalled)
		o := <-asked
		synctest.Wait()
		c := w.commands()[0]
		if c.ID != cmdReposition || !c.Located || c.Frame != frameRelative || c.Params[0] != -1 || c.Params[1] != changeMode || !math.IsNaN(c.Params[3]) ||
			int32(math.Round(c.Params[4]*1e7)) != eastward.Lat || int32(math.Round(c.Params[5]*1e7)) != eastward.Lon || c.Params[6] != 60 {
			t.Errorf("sent %+v", c)
		}
		amsl, _ := w.to.Heights.In(geo.AMSL)
		if _, agl := w.to.Heights.In(geo.AGL); amsl != 64_000 || agl || w.to.Point != eastward {
			t.Errorf("judged to %+v", w.to)
		}
		after(3 * time.Second)
		if o := w.becomes(o.ID, Accepted); o.UnderWayUS == 0 {
			t.Error("it comes nearer, and is not under way")
		}
		after(50 * time.Second)
		w.set(func() { w.at, w.velocity = eastward, vehicles.Velocity{} })
		after(3 * time.Second)
		w.becomes(o.ID, Accepted) // there, and 20 m too low
		w.set(func() { w.heights.Set(geo.Takeoff, 58_000) })
		after(3 * time.Second)
		done := w.becomes(o.ID, InEffect)
		if _, err := w.ask(Request{Kind: Resume, By: ann, Ends: done.ID}); err != nil {
			t.Errorf("RESUME: %v", err)
		}
	})
}

func TestWhatIsNotSentToAPoint(t *testing.T) {
	at := func(mm int32, d geo.Datum) *Place { return &Place{Point: eastward, MM: mm, Datum: d, Height: true} }
	for _, c := range []struct {
		name string
		is   func(w *world)
		to   *Place
		want string
	}{
		{"a fence is in the way", func(w *world) { w.blocked = []Met{{ID: "fc_1", Name: "river", FromM: 120, InsideM: 40}} }, at(60_000, geo.Takeoff),
			`a fence is in the way: fence "river" (fc_1) would be breached, 120 m from here, for 40 m of the way: choose another point`},
		{"a fence is at its end, and no ground height", func(w *world) { w.blocked = []Met{{ID: "fc_1", Name: "river", AtEnd: true, HeightUnknown: true}} }, at(60_000, geo.Takeoff),
			`fence "river" (fc_1) is breached at the point, as its height there is not known`},
		{"no height", func(*world) {}, &Place{Point: eastward}, "needs the height"},
		{"a height above ground", func(*world) {}, at(60_000, geo.AGL), "needs the height"},
		{"its own height is not known", func(*world) {}, at(60_000, geo.AMSL), "not known in amsl"},
		{"far away", func(*world) {}, &Place{Point: geo.Moved(base, 0, 11_000), MM: 1, Datum: geo.Takeoff, Height: true}, "farther than 10 km"},
		{"nowhere", func(*world) {}, nil, "needs a point"},
		{"a car", func(w *world) { w.id.Class, w.id.Source.MAVType = vehicles.ICV, 10 }, at(0, geo.Takeoff), "order STOP"},
		{"without a position", func(w *world) { w.noFix = true }, at(60_000, geo.Takeoff), "LAND or HOLD"},
		{"jammed", func(w *world) { w.jammed = true }, at(60_000, geo.Takeoff), "no position"},
		{"parked", func(w *world) { w.armed, w.velocity = false, vehicles.Velocity{} }, at(60_000, geo.Takeoff), "parked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.heights.Set(geo.Takeoff, 40_000)
				c.is(w)
				_, looked := w.d.Look(w.t.Context(), "uav-7", c.to)
				if (looked == nil) != (len(w.blocked) > 0) {
					t.Errorf("the look at the way: %v", looked)
				}
				_, err := w.ask(Request{Kind: Reposition, By: ann, To: c.to})
				if err == nil || !strings.Contains(err.Error(), c.want) || len(w.commands()) != 0 {
					t.Errorf("%v, want %q; sent %v", err, c.want, w.commands())
				}
			})
		})
	}
}

// TestABoatGoesToAPointWithoutAHeight, and one that goes elsewhere has no effect.
func TestABoatGoesToAPointWithoutAHeight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.id.Class, w.id.Source.MAVType, w.obeys = vehicles.USV, 11, false
		o, err := w.ask(Request{Kind: Reposition, By: ann, To: &Place{Point: eastward}})
		if err != nil {
			t.Fatal(err)
		}
		w.set(func() { w.mode, w.velocity = 15, vehicles.Velocity{N: 300} })
		after(70 * time.Second)
		w.becomes(o.ID, NoEffect)
	})
}

// What the zone holds is not sent away by an operator's people.
func TestWhatTheZoneHoldsIsNotSentAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.heights.Set(geo.Takeoff, 40_000)
		w.mustAsk(Hold, ann)
		after(3 * time.Second)
		_, err := w.ask(Request{Kind: Reposition, By: pete, TakeOver: true, To: &Place{Point: eastward, MM: 60_000, Datum: geo.Takeoff, Height: true}})
		if !errors.Is(err, ErrNotYours) {
			t.Errorf("%v", err)
		}
	})
}

// TestWhereAVehicleIsThatWasSent: what shows of it, and how its order ends.
func TestWhereAVehicleIsThatWasSent(t *testing.T) {
	stop := vehicles.Velocity{}
	for _, c := range []struct {
		name string
		does func(w *world)
		want State
		why  string
	}{
		{"a long way", func(w *world) {
			w.set(func() { w.velocity = vehicles.Velocity{E: 300} })
			after(150 * time.Second)
			w.set(func() { w.at, w.velocity = eastward, stop })
			after(5 * time.Second)
		}, InEffect, ""},
		{"stopped on its way", func(w *world) {
			after(20 * time.Second)
			w.set(func() { w.velocity = stop })
			after(70 * time.Second)
		}, NoEffect, "comes no nearer and is 3"},
		{"it flies past", func(w *world) { after(200 * time.Second) }, NoEffect, "comes no nearer"},
		{"it goes elsewhere", func(w *world) {
			w.set(func() { w.velocity = vehicles.Velocity{N: 800} })
			after(70 * time.Second)
		}, NoEffect, "comes no nearer"},
		{"its pilot takes it", func(w *world) {
			after(20 * time.Second)
			w.set(func() { w.mode = 0 })
			after(70 * time.Second)
		}, NoEffect, "stays in"},
		{"it falls silent on its way", func(w *world) {
			after(20 * time.Second)
			w.set(func() { w.silentUS = w.movedUS })
			after(70 * time.Second)
		}, Expired, "silent"},
		{"it does not answer, and goes", func(w *world) {
			after(50 * time.Second)
			w.set(func() { w.at, w.velocity = eastward, stop })
			after(5 * time.Second)
		}, InEffect, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.heights.Set(geo.Takeoff, 60_000)
				if strings.HasPrefix(c.name, "it does not answer") {
					w.answer = func(context.Context, int, Command) error {
						w.set(func() { w.mode, w.velocity = 4, vehicles.Velocity{E: 800} })
						return ErrNoAnswer
					}
				}
				o, err := w.ask(Request{Kind: Reposition, By: ann, To: &Place{Point: eastward, MM: 60_000, Datum: geo.Takeoff, Height: true}})
				if err != nil {
					t.Fatal(err)
				}
				after(3 * time.Second)
				c.does(w)
				if o := w.becomes(o.ID, c.want); !strings.Contains(o.Why, c.why) {
					t.Errorf("why: %q", o.Why)
				}
			})
		})
	}
}
