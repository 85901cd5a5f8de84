package onboard

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/command"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// has holds that a record is in a state for a reason.
func (w *world) has(k vehicles.PlanKind, want State, why string) Record {
	w.t.Helper()
	synctest.Wait()
	r := w.p.Record("uav-7", k)
	if r.State != want || !strings.Contains(r.Why, why) || (why == "") != (r.Why == "") {
		w.t.Errorf("%s is %s (%s), want %s (%s)", k, r.State, r.Why, want, why)
	}
	return r
}

func (w *world) zoneFences(q Request) {
	w.t.Helper()
	q.Vehicle, q.Kind, q.FromZone, q.By = "uav-7", vehicles.PlanFence, true, anna
	if _, _, err := w.p.Upload(w.t.Context(), q); err != nil {
		w.t.Fatal(err)
	}
}

// TestInStepAndStale: a fence set is in step when it was read back, stale when the
// zone asks for something else or somebody else gave the vehicle other fences, and
// unknown after every restart until it was read.
func TestInStepAndStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wall := fence("wall", geofence.KeepOut, square(geo.Moved(base, 500, 0), 50))
		w := newWorld(t, plane, wall)
		w.has(vehicles.PlanFence, Unknown, "never read")
		lacks := func(want string) {
			t.Helper()
			if got := w.p.FenceLacking("uav-7"); got != want {
				t.Errorf("to arm it lacks %q, want %q", got, want)
			}
		}
		lacks("fence on board unknown")
		w.zoneFences(Request{Enable: true, Reason: "before the first flight"})
		r := w.has(vehicles.PlanFence, InStep, "")
		if len(r.Carried) != 8 || !r.Known || !r.Enabled || !w.enabled || r.Source != OfZone || len(r.Parts) != 2 || r.JournalSeq == 0 || r.Person != "anna" || w.leased.Holder != "anna" {
			t.Errorf("in step: %+v", r)
		}

		lacks("")
		moved := wall
		moved.Rev, moved.Shape = 2, square(geo.Moved(base, 600, 0), 50)
		w.fences(plane, moved)
		time.Sleep(2 * time.Second)
		r = w.has(vehicles.PlanFence, Stale, `the zone's fences changed since: "fence wall" (wall) is another; send`)
		if !r.Known || len(r.Carried) != 8 {
			t.Errorf("what it carries is known all the same: %+v", r)
		}
		lacks("fence on board stale")
		speed := fence("slow", geofence.SpeedLimit, square(base, 100))
		speed.SpeedMPS = 5
		w.fences(plane, wall, speed) // what no vehicle carries makes none stale
		time.Sleep(2 * time.Second)
		w.has(vehicles.PlanFence, InStep, "")
		w.fences(plane)
		time.Sleep(2 * time.Second)
		w.has(vehicles.PlanFence, Stale, `"fence wall" (wall) is gone`)
		w.zoneFences(Request{})
		w.has(vehicles.PlanFence, InStep, "")
		lacks("fence on board not enabled")

		w.p.IDs("uav-7", 0, w.opaque, 0)
		w.has(vehicles.PlanFence, InStep, "")
		w.give(vehicles.Plan{Kind: vehicles.PlanFence, Items: vertex(5001, ring(base, 200))})
		w.p.IDs("uav-7", 0, w.opaque, 0)
		w.has(vehicles.PlanFence, Stale, "somebody else gave it one")
		time.Sleep(2 * time.Second)
		r = w.has(vehicles.PlanFence, Stale, "carries another fence than it was sent (item 1, x:")
		if r.Item != 1 || len(r.Carried) != 4 {
			t.Errorf("what it carries: %+v", r)
		}

		w.zoneFences(Request{Enable: true})
		w.has(vehicles.PlanFence, InStep, "")
		w.p.Restarted("uav-7")
		if r := w.has(vehicles.PlanFence, Unknown, "restarted"); r.Known || r.Enabled {
			t.Errorf("after its restart: %+v", r)
		}
		time.Sleep(time.Minute)
		w.has(vehicles.PlanFence, Unknown, "restarted")
		w.p.Heard("uav-7")
		time.Sleep(2 * time.Second)
		w.has(vehicles.PlanFence, InStep, "")

		if _, err := w.p.Clear(t.Context(), Request{Vehicle: "uav-7", Kind: vehicles.PlanFence, By: anna}); err != nil {
			t.Error(err)
		}
		if r := w.has(vehicles.PlanFence, None, ""); !r.Known || len(r.Carried) != 0 {
			t.Errorf("cleared: %+v", r)
		}
	})
}

// TestAFailedUploadNamesTheItem, and says that nobody knows what is on board.
func TestAFailedUploadNamesTheItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, plane)
		w.zoneFences(Request{})
		w.has(vehicles.PlanFence, InStep, "")
		w.answer = &ItemError{3, "vehicle uav-7 refuses the fence, item 3: it holds it for invalid"}
		w.zoneFences(Request{Enable: true})
		r := w.has(vehicles.PlanFence, Failed, "item 3: it holds it for invalid. What the vehicle carries now is not known")
		if r.Item != 3 || r.Known || r.Enabled || w.enabled || r.EndedUS == 0 {
			t.Errorf("failed: %+v", r)
		}
		w.answer = fmt.Errorf("read: %w", ErrSilent)
		if _, err := w.p.ReadBack(t.Context(), "uav-7", vehicles.PlanFence, anna); err != nil {
			t.Error(err)
		}
		w.has(vehicles.PlanFence, Unknown, "could not be read back")
		w.answer = nil
		if _, err := w.p.ReadBack(t.Context(), "uav-7", vehicles.PlanFence, anna); err != nil {
			t.Error(err)
		}
		w.has(vehicles.PlanFence, InStep, "") // the vehicle still has what it was sent the first time
	})
}

// TestOneTransferAtATime, with its progress; the server may stop in the middle of it.
func TestOneTransferAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, plane)
		w.hold = make(chan struct{})
		w.zoneFences(Request{})
		if r := w.has(vehicles.PlanFence, Uploading, ""); r.Done != 2 || r.Total != 4 || r.Known {
			t.Errorf("on its way: %+v", r)
		}
		q := Request{Vehicle: "uav-7", Kind: vehicles.PlanMission, Items: []vehicles.PlanItem{waypoint(base, 20)}, By: anna}
		if _, _, err := w.p.Upload(t.Context(), q); !errors.Is(err, ErrBusy) {
			t.Error("a second transfer:", err)
		}
		if _, err := w.p.ReadBack(t.Context(), "uav-7", vehicles.PlanMission, anna); !errors.Is(err, ErrBusy) {
			t.Error("read meanwhile:", err)
		}
		w.p.Heard("uav-7") // it restarted: what comes of the transfer is no news any more
		close(w.hold)
		w.has(vehicles.PlanFence, InStep, "")
		time.Sleep(2 * time.Second)
		if n := w.read(); n != 1 {
			t.Errorf("read back %d times after the restart", n)
		}
		if _, _, err := w.p.Upload(t.Context(), q); err != nil {
			t.Error(err)
		}
		w.has(vehicles.PlanMission, InStep, "")
	})
}

// TestRestart: the journal says what was sent; what is carried has to be read again.
// A snapshot is the same as the entries.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, plane)
		stop := w.start()
		w.zoneFences(Request{Enable: true})
		mission := vehicles.PlanItem{Command: 16, Frame: 6, Params: [4]float32{0, 2, 0, float32(math.NaN())}, X: base.Lat, Y: base.Lon, Z: 20.5, Autocontinue: true}
		w.has(vehicles.PlanFence, InStep, "")
		if _, _, err := w.p.Upload(t.Context(), Request{Vehicle: "uav-7", Kind: vehicles.PlanMission, Items: []vehicles.PlanItem{mission, mission}, By: carl, TakeOver: true, Reason: "a new one"}); err != nil {
			t.Error(err)
		}
		w.has(vehicles.PlanMission, InStep, "")
		before := w.p.all()
		stop()

		saved := w.saved(func(p *Plans) {
			for _, rec := range w.log.records() {
				if err := p.Replay(rec); err != nil {
					t.Error(err)
				}
			}
		})
		again := w.saved(func(p *Plans) {
			install, err := p.LoadState(saved)
			if err != nil {
				t.Fatal(err)
			}
			install()
			for i, r := range p.all() {
				if was := before[i]; !same(r.Sent, was.Sent) || !same(r.Carried, was.Carried) || r.State != was.State || r.JournalSeq != was.JournalSeq || r.Upload != was.Upload || r.Reason != was.Reason {
					t.Errorf("loaded %+v, was %+v", r, was)
				}
			}
		})
		if string(again) != string(saved) {
			t.Errorf("a snapshot of a snapshot is another:\n%s\n%s", saved, again)
		}

		w.start()
		w.has(vehicles.PlanFence, Unknown, "the server restarted")
		w.has(vehicles.PlanMission, Unknown, "the server restarted")
		w.p.Heard("uav-7")
		time.Sleep(3 * time.Second)
		w.has(vehicles.PlanFence, InStep, "")
		if r := w.has(vehicles.PlanMission, InStep, ""); !same(r.Carried, before[0].Carried) {
			t.Errorf("the mission after the restart: %+v", r.Carried)
		}
	})
}

// all are the plans of the vehicle.
func (p *Plans) all() (out []Record) {
	for k := vehicles.PlanMission; k <= vehicles.PlanRally; k++ {
		out = append(out, p.Record("uav-7", k))
	}
	return out
}

// saved is the state of new Plans after something.
func (w *world) saved(do func(*Plans)) []byte {
	w.t.Helper()
	p, err := New(Config{})
	if err != nil {
		w.t.Fatal(err)
	}
	do(p)
	b, err := p.SaveState()
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// TestNothingIsSentThatTheJournalRefused.
func TestNothingIsSentThatTheJournalRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, plane)
		w.log.fail = journal.ErrNoSpace
		_, _, err := w.p.Upload(t.Context(), Request{Vehicle: "uav-7", Kind: vehicles.PlanFence, FromZone: true, By: anna})
		synctest.Wait()
		w.has(vehicles.PlanFence, Unknown, "never read")
		if !errors.Is(err, command.ErrNotDurable) || w.uploads != 0 || len(w.p.Health()) != 1 {
			t.Errorf("%v, sent %d, %v", err, w.uploads, w.p.Health())
		}
	})
}

// TestAMissionAgainstTheFenceOnBoard: the vehicle would act by what it carries, which
// has no ceiling.
func TestAMissionAgainstTheFenceOnBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wall := fence("wall", geofence.KeepOut, square(geo.Moved(base, 500, 0), 50))
		wall.Ceiling = geo.Altitude{MM: 30_000, Datum: geo.AMSL}
		w := newWorld(t, plane, wall)
		up := vehicles.PlanItem{Command: 22, Frame: 6, Z: 60}
		q := Request{Vehicle: "uav-7", Kind: vehicles.PlanMission, Items: []vehicles.PlanItem{up, waypoint(geo.Moved(base, 1000, 0), 60)}, By: anna, Try: true}
		if _, faults, err := w.p.Upload(t.Context(), q); len(faults) > 0 || err != nil {
			t.Fatal(faults, err)
		}
		w.zoneFences(Request{})
		w.has(vehicles.PlanFence, InStep, "")
		_, faults, err := w.p.Upload(t.Context(), q)
		if err != nil || codes(faults) != "against_carried 2, against_carried 2" || !strings.Contains(faults[0].Text, `crosses keep-out "fence wall" (item 5) of the fence that the vehicle carries`) {
			t.Errorf("%v %+v", err, faults)
		}
	})
}

// TestItemsKeepTheirBits in JSON.
func TestItemsKeepTheirBits(t *testing.T) {
	in := []Item{{Command: 65535, Frame: 6, Params: [4]float32{0.1, -1e-20, 3e20, float32(math.NaN())}, X: -900000000, Y: 1800000000, Z: 1.0 / 3, Current: true}, {Z: float32(math.NaN()), Autocontinue: true}}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out []Item
	if err := json.Unmarshal(b, &out); err != nil || !same(in, out) {
		t.Errorf("%s: %v, %v", b, out, err)
	}
	for _, bad := range []string{`[[1,2,3]]`, `[[1,2,3,4,5,6,7,8,9,true,true,1]]`, `[{}]`, `[[1,2,3,4,5,6,"7",8,9,true,true]]`} {
		if err := json.Unmarshal([]byte(bad), &out); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// FuzzReplay: no entry of the journal stops the server with a panic.
func FuzzReplay(f *testing.F) {
	f.Add([]byte(`{"type":"plan.in_step","at_us":1,"plan":{"vehicle":"uav-7","kind":"fence","state":"in_step","upload":"pl_1"},"sent":[[5001,5,3,0,0,null,1,2,0,false,true]],"holds":"sent"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		if p.Replay(journal.Record{Seq: 1, Entry: journal.Entry{Schema: Schema, Body: slices.Clone(body)}}) != nil {
			return
		}
		saved, err := p.SaveState()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.LoadState(saved); err != nil {
			t.Fatal(err)
		}
	})
}
