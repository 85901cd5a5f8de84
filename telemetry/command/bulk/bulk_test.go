package bulk

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

func TestManyAreHeldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, obeys, refuses, silent, obeys)
		f.set(func() { f.all[3].armed, f.all[3].speed = false, 0 })
		p := f.preview(all(command.Hold))
		if p.Orders != 3 || p.AtRest != 1 || p.Calls != 0 || p.Lasts != 0 || len(p.Digest) != 32 {
			t.Fatalf("preview: %+v", p)
		}
		b := f.give(all(command.Hold))
		after(2 * time.Second)
		want := map[vehicles.VehicleID]string{"v-1": "hold in_effect", "v-2": "hold refused", "v-3": "hold sent"}
		if b = f.bulk(b.ID); !maps.Equal(states(&b), want) {
			t.Errorf("after 2 s: %v", states(&b))
		}
		after(6 * time.Second) // of the silent one somebody is called while it is repeated
		if calls := f.calls(); len(calls) != 2 || !strings.Contains(calls["v-2"], "refused") || !strings.Contains(calls["v-3"], "not acknowledged") {
			t.Errorf("calls: %v", calls)
		}
		after(60 * time.Second)
		b = f.bulk(b.ID)
		if b.EndedUS == 0 || states(&b)["v-3"] != "hold expired" && states(&b)["v-3"] != "hold no_answer" || !b.Durable {
			t.Errorf("in the end: %v %+v", states(&b), b)
		}
		if o, _, _ := f.orders.Now("v-1"); o.Bulk != b.ID || o.Person != "ann" {
			t.Errorf("the order: %+v", o)
		}
	})
}

// TestTheActIsOfThePreview: another count, a vehicle more, another hand: nothing is
// sent, and the new preview comes back. What came to rest meanwhile is left alone.
func TestTheActIsOfThePreview(t *testing.T) {
	for _, c := range []struct {
		name string
		then func(f *fleet, q *Request)
		ok   bool
	}{
		{"the same", func(*fleet, *Request) {}, true},
		{"another count", func(_ *fleet, q *Request) { q.Expect++ }, false},
		{"no preview", func(_ *fleet, q *Request) { q.Digest = "" }, false},
		{"another order", func(_ *fleet, q *Request) { q.Kind = command.Stop }, false},
		{"an old preview", func(*fleet, *Request) { after(previewLife + time.Second) }, false},
		{"one vehicle more", func(f *fleet, _ *Request) {
			f.set(func() { f.add(obeys, vehicles.UAV, 2, geo.Moved(middle, 900, 900)) })
		}, false},
		{"one came to rest", func(f *fleet, _ *Request) { f.set(func() { f.all[0].armed, f.all[0].speed = false, 0 }) }, true},
		{"one changed hands", func(f *fleet, q *Request) {
			q.TakeOver = true
			if _, err := f.orders.TakeLease(f.t.Context(), "v-1", pete, false, ""); err != nil {
				f.t.Fatal(err)
			}
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, obeys, obeys)
				q := all(command.Hold)
				p := f.preview(q)
				q.Digest, q.Expect = p.Digest, p.Orders
				c.then(f, &q)
				b, err := f.g.Give(t.Context(), q)
				after(time.Second)
				var changed *ChangedError
				switch {
				case c.ok && err != nil:
					t.Fatal(err)
				case c.ok:
					if b.Orders+b.AtRest != 2 || b.Orders != len(b.Items) {
						t.Errorf("given: %+v", b)
					}
				case !errors.As(err, &changed) || !errors.Is(err, ErrChanged) || changed.Now == nil:
					t.Fatalf("%v", err)
				default:
					for i := range f.all {
						if told := f.told(i); len(told) > 0 {
							t.Errorf("the %d. was told %v", i+1, told)
						}
					}
					q.Digest, q.Expect = changed.Now.Digest, changed.Now.Orders
					if _, err := f.g.Give(t.Context(), q); err != nil {
						t.Errorf("by the new preview: %v", err)
					}
				}
			})
		})
	}
}

// SAFETY 5: those whose ways home come close leave one after another, and are held
// until then; the others leave at once.
func TestWaysThatComeCloseLeaveOneAfterAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, obeys, obeys, obeys)
		f.homes["v-2"] = f.homes["v-1"] // both go there
		begin := time.Now()
		p := f.preview(all(command.Return))
		if p.Crossing != 1 || p.Lasts != waveS*time.Second {
			t.Fatalf("crossing %d, lasts %v", p.Crossing, p.Lasts)
		}
		for _, it := range p.Items {
			want := Item{Crosses: 1, With: []string{"v-2"}}
			switch it.Vehicle {
			case "v-2":
				want = Item{Crosses: 1, With: []string{"v-1"}, AfterS: waveS, Held: true}
			case "v-3":
				want = Item{}
			}
			if it.Crosses != want.Crosses || !slices.Equal(it.With, want.With) || it.AfterS != want.AfterS || it.Held != want.Held || it.Kind != command.Return {
				t.Errorf("%+v, want %+v", it, want)
			}
		}
		b := f.give(all(command.Return))
		after(5 * time.Second)
		if b = f.bulk(b.ID); states(&b)["v-2"] != "return waiting" || states(&b)["v-1"] != "return in_effect" || len(f.told(1)) != 1 {
			t.Errorf("at first: %v, the second was told %v", states(&b), f.told(1))
		}
		after(waveS * time.Second)
		if b = f.bulk(b.ID); states(&b)["v-2"] != "return in_effect" {
			t.Errorf("then: %v", states(&b))
		}
		at := f.told(1)
		if len(at) != 2 || at[0].ID != 176 || at[0].at.Sub(begin) > time.Second || at[1].ID != 20 || at[1].at.Sub(begin) < waveS*time.Second {
			t.Errorf("the second was told %v", at)
		}
	})
}

func TestWhatHasNotLeftCanBeCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, obeys, obeys, obeys)
		for _, v := range f.all {
			f.homes[v.id.ID] = middle
		}
		b := f.give(all(command.Return))
		after(waveS*time.Second + 5*time.Second)
		if _, err := f.g.Cancel(t.Context(), b.ID, bob); err != nil {
			t.Fatal(err)
		}
		after(5 * waveS * time.Second)
		b = f.bulk(b.ID)
		counts := map[string]int{}
		for _, s := range states(&b) {
			counts[s]++
		}
		if counts["return in_effect"] != 2 || counts["return not_sent"] != 1 || b.CancelledBy != "bob" || b.EndedUS == 0 {
			t.Errorf("%v %+v", counts, b)
		}
		if _, err := f.g.Cancel(t.Context(), "bo_none", bob); !errors.Is(err, ErrNone) {
			t.Errorf("of none: %v", err)
		}
	})
}

// TestSomebodyElseCameBetween: a vehicle that waited is left to who ordered it.
func TestSomebodyElseCameBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, obeys, obeys)
		f.homes["v-2"] = f.homes["v-1"]
		b := f.give(all(command.Return))
		after(5 * time.Second)
		if _, err := f.orders.Ask(t.Context(), command.Request{Vehicle: "v-2", Kind: command.Land, By: bob, TakeOver: true}); err != nil {
			t.Fatal(err)
		}
		after(2 * waveS * time.Second)
		if b = f.bulk(b.ID); states(&b)["v-2"] != "return left" || len(f.told(1)) != 2 {
			t.Errorf("%v, it was told %v", states(&b), f.told(1))
		}
	})
}

// TestClearIsASafeEndByClass, and who cannot is called about.
func TestClearIsASafeEndByClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, obeys)
		f.add(obeys, vehicles.ICV, 10, geo.Moved(middle, 1000, 0))
		f.add(obeys, vehicles.USV, 11, geo.Moved(middle, 2000, 0))
		f.add(obeys, vehicles.UAV, 10, geo.Moved(middle, 3000, 0)) // says that it is a car
		f.add(obeys, vehicles.UAV, 2, geo.Moved(middle, 4000, 0)).id.Verified = false
		f.add(obeys, vehicles.UAV, 2, geo.Moved(middle, 5000, 0))
		if _, err := f.orders.TakeLease(t.Context(), "v-6", pete, false, ""); err != nil {
			t.Fatal(err)
		}
		p := f.preview(all(Clear))
		if p.Orders != 3 || p.Calls != 1 || p.Leased != 1 {
			t.Errorf("orders %d, calls %d, leased %d", p.Orders, p.Calls, p.Leased)
		}
		b := f.give(all(Clear))
		after(5 * time.Second)
		b = f.bulk(b.ID)
		want := map[vehicles.VehicleID]string{
			"v-1": "return in_effect", "v-2": "stop in_effect", "v-3": "hold in_effect", "v-4": " cannot", "v-5": " cannot", "v-6": " leased",
		}
		if !maps.Equal(states(&b), want) {
			t.Errorf("cleared: %v", states(&b))
		}
		if calls := f.calls(); len(calls) != 1 || !strings.Contains(calls["v-4"], "MAV_TYPE") {
			t.Errorf("called: %v", calls)
		}
		q := all(Clear)
		q.TakeOver = true
		if p := f.preview(q); p.Leased != 0 || p.Orders != 2 { // the boat and the car rest
			t.Errorf("when it takes over: %+v", p)
		}
	})
}

func TestWhoIsMeant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, obeys, obeys, obeys)
		f.all[1].id.Operator = "harbour"
		f.add(obeys, vehicles.USV, 11, middle)
		f.add(obeys, vehicles.Aircraft, 2, middle)
		f.against["v-3"] = true
		fence, err := geofence.Compile(geofence.Fence{ID: "f", Kind: geofence.KeepOut, Shape: geofence.Shape{Circle: &geo.Circle{Center: middle, RadiusM: 100}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			of   Selection
			want string
		}{
			{Selection{All: true}, "v-1 v-2 v-3 v-4"},
			{Selection{All: true, View: telemetry.OfOperator("acme")}, "v-1 v-3 v-4"},
			{Selection{Classes: vehicles.ClassSet(vehicles.USV)}, "v-4"},
			{Selection{Operators: []string{"harbour"}}, "v-2"},
			{Selection{Against: true}, "v-3"},
			{Selection{Within: fence}, "v-1 v-4"},
			{Selection{Within: fence, Classes: vehicles.ClassSet(vehicles.UAV)}, "v-1"},
			{Selection{Vehicles: []vehicles.VehicleID{"v-2", "v-9"}}, "v-2 v-9"},
			{Selection{}, ErrSelection.Error()},
			{Selection{All: true, Against: true}, ErrSelection.Error()},
		} {
			if !c.of.View.Whole() && !c.of.View.Owns("acme") {
				c.of.View = telemetry.WholeZone()
			}
			p, err := f.g.Preview(t.Context(), Request{Kind: command.Hold, By: ann, Of: c.of})
			got := ""
			if err != nil {
				got, _, _ = strings.Cut(err.Error(), ": ")
			} else {
				var ids []string
				for _, it := range p.Items {
					ids = append(ids, string(it.Vehicle))
				}
				slices.Sort(ids)
				got = strings.Join(ids, " ")
			}
			if got != c.want {
				t.Errorf("%+v means %q, want %q", c.of, got, c.want)
			}
		}
		if _, err := f.g.Preview(t.Context(), all(command.Resume)); !errors.Is(err, ErrKind) {
			t.Errorf("many that go on: %v", err)
		}
	})
}

// SAFETY 8: a restart is not an event. The record stands, and nothing is sent again.
func TestTheRecordOutlivesTheRestart(t *testing.T) {
	for _, snapshot := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, obeys, obeys)
			f.homes["v-2"] = f.homes["v-1"]
			b := f.give(all(command.Return))
			after(5 * time.Second)
			first := f.g
			stop := f.start() // of a second one, as after a crash: the first is left alone
			first.end()
			if snapshot {
				stop()
				f.restored(t)
			}
			after(5 * waveS * time.Second)
			b = f.bulk(b.ID)
			want := map[vehicles.VehicleID]string{"v-1": "return in_effect", "v-2": "return not_sent"}
			if !maps.Equal(states(&b), want) || !strings.Contains(b.Why, "restarted") || b.EndedUS == 0 {
				t.Errorf("%v %+v", states(&b), b)
			}
			if n := len(f.told(1)); n != 1 {
				t.Errorf("the one that was held was told %d times", n)
			}
		})
	}
}

// restored replaces the giver by one that loads a snapshot of what the first wrote.
func (f *fleet) restored(t *testing.T) {
	t.Helper()
	from, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range f.records() {
		if strings.Contains(string(rec.Body), typeEnded) {
			continue
		}
		if err := from.Replay(rec); err != nil {
			t.Fatal(err)
		}
	}
	saved, err := from.SaveState()
	if err != nil {
		t.Fatal(err)
	}
	f.set(func() { f.recs = slices.DeleteFunc(f.recs, func(r journal.Record) bool { return r.Schema == Schema }) })
	f.start()
	install, err := f.g.LoadState(saved)
	if err != nil {
		t.Fatal(err)
	}
	install()
	back, err := f.g.SaveState()
	if err != nil || string(back) != string(saved) {
		t.Fatalf("saved again: %v\n%s\n%s", err, back, saved)
	}
	f.g.interrupt()
}

func TestTheSameRequestIsOneBulkOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, obeys)
		q := all(command.Hold)
		p := f.preview(q)
		q.Digest, q.Expect = p.Digest, 1
		ctx := journal.WithRequest(t.Context(), &journal.Request{By: "ann", Key: "key-of-ann", SHA256: "aa"})
		first, err := f.g.Give(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		after(5 * time.Second)
		f.start()
		if second, err := f.g.Give(ctx, q); err != nil || second.ID != first.ID || len(f.told(0)) != 1 {
			t.Errorf("%v %+v, sent %v", err, second, f.told(0))
		}
		other := journal.WithRequest(t.Context(), &journal.Request{By: "ann", Key: "key-of-ann", SHA256: "bb"})
		if _, err := f.g.Give(other, q); !errors.Is(err, journal.ErrKeyReused) {
			t.Errorf("another request under the key: %v", err)
		}
	})
}

// TestStaggerAgainstEveryPair: of many ways no two that come close have one time.
func TestStaggerAgainstEveryPair(t *testing.T) {
	var items []Item
	for i := range 60 {
		from := geo.Moved(middle, float64(i*7919%3000), float64(i*104729%3000))
		to := geo.Moved(middle, float64(i*1299709%3000), float64(i*15485863%3000))
		if i%4 == 0 {
			to = from
		}
		items = append(items, Item{Vehicle: vehicles.VehicleID(fmt.Sprint(i)), leg: &leg{from, to, i != 7}})
	}
	pairs := stagger(items)
	// By points along both ways, 10 m apart.
	along := func(l *leg) (out []geo.Point) {
		n := int(geo.Distance(l.from, l.to)/10) + 1
		for i := range n + 1 {
			out = append(out, geo.Point{Lat: l.from.Lat + int32(int64(l.to.Lat-l.from.Lat)*int64(i)/int64(n)), Lon: l.from.Lon + int32(int64(l.to.Lon-l.from.Lon)*int64(i)/int64(n))})
		}
		return out
	}
	together := 0
	for i := range items {
		for j := range items[:i] {
			a, b := &items[i], &items[j]
			if !a.leg.known || !b.leg.known {
				if a.AfterS == b.AfterS {
					t.Errorf("%s of unknown way leaves with %s", a.Vehicle, b.Vehicle)
				}
				continue
			}
			if a.AfterS != b.AfterS {
				continue
			}
			together++
			for _, p := range along(a.leg) {
				for _, q := range along(b.leg) {
					if d := geo.Distance(p, q); d < apartM-1 {
						t.Fatalf("%s and %s leave together and come as close as %.0f m", a.Vehicle, b.Vehicle, d)
					}
				}
			}
		}
	}
	if pairs < 59 || together == 0 {
		t.Errorf("%d pairs come close, %d leave together", pairs, together)
	}
}

// TestEveryFieldIsSavedOrNoState: whoever adds state adds it to SaveState, LoadState
// and this list; else it would be gone after a start from a snapshot.
func TestEveryFieldIsSavedOrNoState(t *testing.T) {
	have := map[string]bool{}
	typ := reflect.TypeOf(Giver{})
	for i := range typ.NumField() {
		have[typ.Field(i).Name] = true
	}
	for _, name := range strings.Fields("bulks order cfg life end work mu stopped previews lost tail") {
		if !have[name] {
			t.Errorf("a Giver has no field %s", name)
		}
		delete(have, name)
	}
	for name := range have {
		t.Errorf("field %s: is it state that Replay builds? Then SaveState must write and LoadState read it", name)
	}
}

func FuzzReplay(f *testing.F) {
	f.Add([]byte(`{"type":"bulk.given","by":"ann","at_us":5,"bulk":{"id":"bo_1","kind":"hold","of":"all","orders":1,"items":[{"vehicle":"v","class":"uav","kind":"hold","state":"waiting"}],"given_us":5},"request":{"by":"a","key":"k","sha256":"s"}}`))
	f.Add([]byte(`{"type":"bulk.ended","bulk":{"id":"bo_1","ended_us":9}}`))
	f.Add([]byte(`{"bulk":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		g, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		if g.Replay(journal.Record{Seq: 1, Entry: journal.Entry{Schema: Schema, Body: body}}) != nil {
			return
		}
		saved, err := g.SaveState()
		if err != nil {
			t.Fatal(err)
		}
		next, _ := New(Config{})
		install, err := next.LoadState(saved)
		if err != nil {
			t.Fatalf("%v: %s", err, saved)
		}
		install()
		if again, err := next.SaveState(); err != nil || string(again) != string(saved) {
			t.Fatalf("%v\n%s\n%s", err, saved, again)
		}
	})
}
