package main

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"testzone/web"
)

// safetyOfLadder are attempts on what the enforcement ladder must keep. Each has a field
// of its own, whose vehicles are breached by a fence that is drawn over them.
var safetyOfLadder = []attempt{
	{3, "a jump over a fence that asks to return orders nothing", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 1})
		f.keepInWith("uav", 0.02, "return")
		f.confirmed()
		f.does("uav-1", "glitch 9000m 400ms")
		a := f.raised("fence_breach", "uav-1")
		f.heardAgain("uav-1", 40)
		f.until(func() string {
			if a := f.alert(a.ID); a.ClearedAt == nil {
				return "the end of the breach"
			}
			return ""
		})
		if sent := f.relay.orders(1, time.Time{}); len(sent) > 0 {
			f.t.Errorf("it was sent %v", sent)
		}
	}},
	{4, "silence freezes the ladder and calls people, and nothing stale follows", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 1})
		f.confirmed()
		deaf := f.does("uav-1", "link deaf")
		f.over("uav-1", "hold")
		f.until(func() string {
			if len(f.relay.orders(1, time.Time{})) == 0 {
				return "the first order of the ladder"
			}
			return ""
		})
		silent := f.does("uav-1", "link silent")
		l := f.ladder("uav-1", "frozen", func(l web.BreachEnforcement) bool { return l.State == "frozen" && l.Call != "" })
		for _, s := range l.Steps { // the conversation that was under way ends within seconds
			f.ends("uav-1", s.OrderID)
		}
		f.raised("call_person", "uav-1")
		for _, s := range l.Steps {
			if s.Kind == "land" {
				f.t.Errorf("it went as far as %s on silence: %+v", s.Kind, l)
			}
		}
		since := time.Now()
		f.until(func() string { // it is silent on the wire, too: the zone's heart still beats
			if time.Since(since) < 5*time.Second {
				return "five seconds of silence"
			}
			return ""
		})
		if sent := f.relay.orders(1, since); len(sent) > 0 {
			f.t.Errorf("frozen, it was sent %v", sent)
		}
		steps := len(l.Steps)
		back := time.Now()
		deaf()
		silent()
		f.seen("uav-1", "heard again", func(t fieldTrack) bool { return t.Link == "nominal" })
		// On fresh evidence the ladder orders anew: each command on the wire is of a new step.
		f.until(func() string {
			if l = f.ladderOf("uav-1"); len(l.Steps) == steps || l.State != "in_effect" {
				return fmt.Sprintf("a new step to be in effect: %+v", l)
			}
			return ""
		})
		for _, s := range l.Steps[:steps] {
			if s.Outcome == "in_effect" || s.Outcome == "accepted" {
				f.t.Errorf("an order from before the silence was done after it: %+v", s)
			}
		}
		if sent := f.relay.orders(1, back); len(sent) == 0 {
			f.t.Error("in effect, and nothing was sent")
		}
	}},
	{4, "an order without effect on fresh evidence goes one step further, and then to people", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 1, script: "uav-1 lie ack"})
		f.confirmed()
		f.over("uav-1", "hold")
		l := f.ladder("uav-1", "exhausted", func(l web.BreachEnforcement) bool { return l.State == "exhausted" && l.Call != "" })
		var kinds []string
		for _, s := range l.Steps {
			kinds = append(kinds, s.Kind)
		}
		if !slices.Equal(kinds, []string{"hold", "return", "land"}) {
			f.t.Errorf("the steps %v", kinds)
		}
		if sent := f.relay.orders(1, time.Time{}); slices.Contains(sent, 185) {
			f.t.Errorf("its flight was ended: %v", sent)
		}
		f.raised("call_person", "uav-1")
	}},
	{7, "a pilot who flies by hand in a hard fence is left alone until a controller decides", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 1})
		f.confirmed()
		f.does("uav-1", "pilot takes over")
		f.seen("uav-1", "flown by hand", func(t fieldTrack) bool { return t.Mode.Name == "position hold" })
		f.over("uav-1", "return")
		f.ladder("uav-1", "overridden", func(l web.BreachEnforcement) bool { return l.State == "overridden" && l.Override != nil })
		f.heardAgain("uav-1", 50)
		if sent := f.relay.orders(1, time.Time{}); len(sent) > 0 {
			f.t.Errorf("over the head of the pilot: %v", sent)
		}
		f.ada.ask(http.StatusOK, "POST", "/v1/vehicles/uav-1/enforcement/decision", body{"decision": "continue", "reason": "the pilot does not answer"}, nil)
		f.ladder("uav-1", "in effect", func(l web.BreachEnforcement) bool { return l.State == "in_effect" })
	}},
	{8, "kill -9 in the middle of the ladder: the first samples order nothing", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 1, script: "uav-1 lie ack"})
		f.confirmed()
		f.over("uav-1", "hold")
		l := f.ladder("uav-1", "one step up", func(l web.BreachEnforcement) bool { return len(l.Steps) > 0 && l.Steps[0].SentAt != nil })
		f.p.kill()
		start := time.Now()
		f.serve("")
		f.follows("uav-1")
		if now := f.ladderOf("uav-1"); now.ID != l.ID || len(now.Steps) < len(l.Steps) {
			f.t.Errorf("the ladder was %+v, and is %+v", l, now)
		}
		f.until(func() string {
			if len(f.relay.orders(1, start)) == 0 {
				return "the ladder to go on"
			}
			return ""
		})
		f.relay.mu.Lock()
		defer f.relay.mu.Unlock()
		for _, s := range f.relay.sent {
			if after := s.at.Sub(start); after > 0 && after < 30*time.Second {
				f.t.Errorf("%d was sent %v after the start, before clean data had run for 30 s", s.command, after)
			}
		}
	}},
}

// confirmed has automatic orders given at once, as people do who look at the picture
// after a start.
func (f *field) confirmed() {
	f.t.Helper()
	f.ada.ask(http.StatusNoContent, "POST", "/v1/enforcement/confirm", body{"reason": "all vehicles are where they are shown"}, nil)
}

// over draws a fence over where a vehicle flies.
func (f *field) over(vehicle, response string) {
	f.t.Helper()
	p := f.track(vehicle).Position
	f.ada.ask(http.StatusCreated, "POST", "/v1/fences", body{
		"name": "over " + vehicle, "kind": "keep_out", "geometry": square(p.Lon-0.005, p.Lat-0.005, 0.01), "response": response,
		"floor": nil, "ceiling": nil, "applies": body{"classes": []string{}},
	}, nil)
}

// ladderOf is the newest that was done about a breach of a vehicle.
func (f *field) ladderOf(vehicle string) web.BreachEnforcement {
	f.t.Helper()
	var list web.EnforcementList
	f.p.get("/v1/vehicles/"+vehicle+"/enforcement", &list)
	if len(list.Items) == 0 {
		return web.BreachEnforcement{}
	}
	return list.Items[0]
}

// ladder waits until it is as wanted.
func (f *field) ladder(vehicle, what string, is func(web.BreachEnforcement) bool) (l web.BreachEnforcement) {
	f.t.Helper()
	f.until(func() string {
		if l = f.ladderOf(vehicle); !is(l) {
			return fmt.Sprintf("the ladder of %s to be %s: %+v", vehicle, what, l)
		}
		return ""
	})
	return l
}
