package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"testzone/web"
)

// landCommand is MAV_CMD_NAV_LAND.
const landCommand = 21

// TestLinkLostOverPeople: a copter that has to leave the air over people cannot be
// reached. Nobody lands it there: silence freezes the ladder and has people call its
// contact, and when it is heard again it is held by a new order, not by an old one.
func TestLinkLostOverPeople(t *testing.T) {
	f := newField(t, fieldConfig{vehicles: 1})
	const v = "uav-1"
	f.confirmed()
	deaf := f.does(v, "link deaf")
	f.over(v, "land")
	l := f.ladder(v, "to be called about and ordered", func(l web.BreachEnforcement) bool {
		return strings.Contains(l.Call, "surveyed") && len(l.Steps) > 0 && len(f.relay.orders(1, time.Time{})) > 0
	})
	if l.Steps[0].Kind != "hold" {
		t.Errorf("over people the first step is %s, not hold", l.Steps[0].Kind)
	}
	silent := f.does(v, "link silent")
	l = f.ladder(v, "frozen", func(l web.BreachEnforcement) bool { return l.State == "frozen" && l.Call != "" })
	for _, s := range l.Steps { // what is under way ends within seconds
		f.ends(v, s.OrderID)
	}
	call := f.raised("call_person", v)
	var known struct{ Contact *web.Contact }
	if f.ada.get("/v1/vehicles/"+v, &known); known.Contact == nil || known.Contact.Phone == "" {
		t.Fatalf("alert %s: nobody is named to call: %+v", call.ID, known)
	}
	frozen, steps := time.Now(), len(f.ladderOf(v).Steps)
	f.until(func() string {
		if time.Since(frozen) < 5*time.Second {
			return "five seconds of silence"
		}
		return ""
	})
	if sent := f.relay.orders(1, frozen); len(sent) > 0 {
		t.Errorf("frozen, it was sent %v", sent)
	}

	back := time.Now()
	deaf()
	silent()
	l = f.ladder(v, "held by a new order", func(l web.BreachEnforcement) bool { return len(l.Steps) > steps && l.State == "in_effect" })
	next := l.Steps[steps]
	at, err := time.Parse(time.RFC3339Nano, next.EvidenceAt)
	if err != nil || at.Before(back) || next.Kind != "hold" {
		t.Errorf("the step after the silence rests on %s, before %v: %+v %v", next.EvidenceAt, back, next, err)
	}
	for _, s := range l.Steps[:steps] {
		if s.Outcome == "in_effect" || s.Outcome == "accepted" {
			t.Errorf("an order from before the silence was done after it: %+v", s)
		}
	}
	if sent := f.relay.orders(1, time.Time{}); slices.Contains(sent, landCommand) {
		t.Errorf("over people it was sent %v, with LAND (%d)", sent, landCommand)
	}
}

// TestFenceOverTenDrones: a fence that asks to return is drawn over ten drones. The
// preview names all of them as in breach, and nobody else; they hold at once, leave for home
// one after another, and the effect shows on each.
func TestFenceOverTenDrones(t *testing.T) {
	f := newField(t, fieldConfig{vehicles: 17})
	var drones []string
	for _, v := range f.names {
		if strings.HasPrefix(v, "uav-") {
			drones = append(drones, v)
		}
	}
	f.confirmed()
	fence := body{
		"name": "Stadium", "kind": "keep_out", "response": "return", "geometry": square(121.92, 30.89, 0.02),
		"floor": nil, "ceiling": nil, "applies": body{"classes": []string{"uav"}},
	}
	var preview web.FencePreview
	f.ada.ask(http.StatusOK, "POST", "/v1/fences/preview", body{"fence": fence}, &preview)
	var inside []string
	for _, x := range preview.Inside {
		if x.Would != "breach" {
			continue // a car or a boat, which the fence does not apply to
		}
		inside = append(inside, x.Vehicle.ID)
		steps := []string{"return", "hold", "land"}
		if fieldSystem(x.Vehicle.ID)%10 == 7 { // a fixed wing never lands where it is
			steps = steps[:2]
		}
		if x.Response != "return" || !slices.Equal(x.Steps, steps) {
			t.Errorf("%s would %s by %v, want %v", x.Vehicle.ID, x.Response, x.Steps, steps)
		}
	}
	slices.Sort(inside)
	slices.Sort(drones)
	if len(drones) != 10 || !slices.Equal(inside, drones) || preview.Breaches != 10 {
		t.Fatalf("the preview names %v, and flying are %v", inside, drones)
	}
	drawn := time.Now()
	f.ada.ask(http.StatusCreated, "POST", "/v1/fences", fence, nil)
	f.returnOneByOne(drones, drawn)
	for _, v := range f.names {
		if !slices.Contains(drones, v) && len(f.relay.orders(fieldSystem(v), drawn)) > 0 {
			t.Errorf("%s is none of the fence's, and was sent an order", v)
		}
	}
}

// returnOneByOne waits until every one of them is on its way home or there, by orders of
// enforcement whose turns are three seconds apart; a fixed wing, which denies to return,
// until it holds all the same.
func (f *field) returnOneByOne(drones []string, drawn time.Time) {
	f.t.Helper()
	var left []time.Time
	for _, v := range drones {
		var home web.EnforcementStep
		f.ladder(v, "on its way home", func(l web.BreachEnforcement) bool {
			for i, s := range l.Steps {
				if s.Kind != "return" {
					continue
				}
				home = s
				if fieldSystem(v)%10 != 7 {
					return s.Outcome == "in_effect"
				}
				return s.Outcome == "refused" && i+1 < len(l.Steps) && l.Steps[i+1].Kind == "hold" && l.Steps[i+1].Outcome == "in_effect"
			}
			return false
		})
		at, err := time.Parse(time.RFC3339Nano, home.AskedAt)
		if err != nil {
			f.t.Fatal(err)
		}
		left = append(left, at)
		if len(f.relay.orders(fieldSystem(v), drawn)) == 0 {
			f.t.Errorf("%s is said to return, and was sent nothing", v)
		}
	}
	slices.SortFunc(left, time.Time.Compare)
	for i := 1; i < len(left); i++ {
		if gap := left[i].Sub(left[i-1]); gap < 2500*time.Millisecond { // turns are 3 s apart, and an order is asked for a moment after its turn
			f.t.Errorf("return %d left %v after the one before it", i+1, gap)
		}
	}
}

// TestKilledInTheLadder: kill -9 while one copter holds and another does not obey. The
// ladders stand in the journal: who holds is not ordered again, and the other one gets
// its next step, once, when the data were clean for 30 s.
func TestKilledInTheLadder(t *testing.T) {
	f := newField(t, fieldConfig{vehicles: 3, script: "uav-1 lie ack"})
	f.ada.ask(http.StatusCreated, "POST", "/v1/duty", body{}, nil)
	f.confirmed()
	f.over("uav-3", "hold")
	held := f.ladder("uav-3", "held", func(l web.BreachEnforcement) bool { return l.State == "in_effect" })
	f.over("uav-1", "hold")
	middle := f.ladder("uav-1", "acknowledged and not obeyed", func(l web.BreachEnforcement) bool {
		return len(l.Steps) > 0 && l.Steps[0].AcceptedAt != nil
	})
	f.p.kill()
	start := time.Now()
	f.serve("")
	f.follows("uav-1")
	f.follows("uav-3")
	f.afterTheKill(start, held, middle)

	f.p.terminate()
	code, stdout, stderr := (&cli{t: t, home: t.TempDir()}).run("", "verify", f.data+"/journal")
	if code != 0 {
		t.Errorf("the journal after a kill: exit %d\n%s%s", code, stdout, stderr)
	}
}

// afterTheKill judges what became of the ladder of uav-3, which held, and of uav-1, which
// was ordered and had not obeyed.
func (f *field) afterTheKill(start time.Time, held, middle web.BreachEnforcement) {
	f.t.Helper()
	for v, was := range map[string]web.BreachEnforcement{"uav-1": middle, "uav-3": held} {
		now := f.ladderOf(v)
		if now.ID != was.ID || len(now.Steps) < len(was.Steps) || now.Steps[0].OrderID != was.Steps[0].OrderID {
			f.t.Errorf("%s: the ladder was %+v, and is %+v", v, was, now)
		}
	}
	l := f.ladder("uav-1", "on with its next step", func(l web.BreachEnforcement) bool {
		return len(l.Steps) > len(middle.Steps) && l.Steps[len(middle.Steps)].AcceptedAt != nil
	})
	f.relay.mu.Lock()
	for _, s := range f.relay.sent {
		if after := s.at.Sub(start); after > 0 && after < 30*time.Second {
			f.t.Errorf("%d was sent to %d %v after the start, before clean data had run for 30 s", s.command, s.system, after)
		}
	}
	f.relay.mu.Unlock()
	ids := map[string]bool{}
	for _, s := range l.Steps {
		if ids[s.OrderID] && s.OrderID != "" {
			f.t.Errorf("order %s is in two steps: %+v", s.OrderID, l.Steps)
		}
		ids[s.OrderID] = true
	}
	f.ladder("uav-1", "at its end, with a call", func(l web.BreachEnforcement) bool { return l.State == "exhausted" && l.Call != "" })
	l = f.ladderOf("uav-1")
	// It acknowledges at once, so that each step is one command, and none of before.
	if sent := f.relay.orders(1, start); len(sent) != len(l.Steps)-len(middle.Steps) {
		f.t.Errorf("%d steps after the start, and it was sent %v", len(l.Steps)-len(middle.Steps), sent)
	}
	if sent := f.relay.orders(3, start); len(sent) > 0 {
		f.t.Errorf("it holds, and was sent %v", sent)
	}
	if now := f.ladderOf("uav-3"); now.State != "in_effect" || len(now.Steps) != len(held.Steps) {
		f.t.Errorf("it held, and now %s: %s %+v", now.State, now.Why, now.Steps)
	}
	if f.raised("call_person", "uav-1").ID == "" {
		f.t.Errorf("nobody is called about uav-1: %+v", l)
	}
}
