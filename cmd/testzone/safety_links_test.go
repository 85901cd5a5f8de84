package main

import (
	"net/http"
	"slices"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
)

// safetyOfLinks are attempts on rule 4.
var safetyOfLinks = []attempt{
	{4, "nothing stale arrives when a link comes back", func(f *field) {
		const v = "uav-17"
		deaf, silent := f.does(v, "link deaf"), f.does(v, "link silent")
		f.seen(v, "lost", func(t fieldTrack) bool { return t.Link == "lost" })
		status, _, raw, err := f.ada.call("POST", "/v1/vehicles/"+v+"/orders", body{"kind": "hold"})
		switch {
		case err != nil || status != http.StatusCreated && status != http.StatusConflict:
			f.t.Fatalf("an order to who is lost: %d %v %s", status, err, raw)
		case status == http.StatusConflict:
			says(f.t, string(raw), "call its contact")
		default:
			var o orderJSON
			decode(f.t, raw, &o)
			if o = f.ends(v, o.ID); o.State != "no_answer" && o.State != "refused" { // expired: it would have gone out all that time
				f.t.Errorf("nobody heard it, and it is %s", o.State)
			}
			says(f.t, o.Why, "call its contact")
			if a := f.raised("call_person", v); a.Order != o.ID {
				f.t.Errorf("the call is about %q, not %s", a.Order, o.ID)
			}
		}
		since := time.Now()
		deaf()
		silent()
		f.heardAgain(v, 60)
		if sent := f.relay.orders(17, since); len(sent) > 0 {
			f.t.Errorf("after it came back it was sent %v", sent)
		}
		if t := f.track(v); t.Mode.Name != "auto" || t.Phase != "moving" {
			f.t.Errorf("it did something: %+v", t)
		}
	}},
	{4, "an acknowledgement is no effect", func(f *field) {
		const v = "uav-11" // lies about its mode
		o, _ := f.orderedBy(f.ada, http.StatusCreated, v, body{"kind": "hold"})
		if o = f.ends(v, o.ID); o.State != "no_effect" {
			f.t.Errorf("it flies on, and the order is %s: %s", o.State, o.Why)
		}
		f.raised("call_person", v)
	}},
	{4, "a refusal is told, and somebody is called", func(f *field) {
		const v = "uav-10" // refuses HOLD
		o, _ := f.orderedBy(f.ada, http.StatusCreated, v, body{"kind": "hold"})
		f.becomes(v, o.ID, "refused")
		f.raised("call_person", v)
	}},
	{4, "an order that is superseded while it waits is not done later", func(f *field) {
		const v = "icv-12" // says that it is in progress
		first, _ := f.orderedBy(f.ada, http.StatusCreated, v, body{"kind": "return"})
		stop, _ := f.orderedBy(f.ada, http.StatusCreated, v, body{"kind": "stop"})
		f.becomes(v, first.ID, "superseded")
		f.becomes(v, stop.ID, "in_effect")
		since := time.Now()
		f.heardAgain(v, 60)
		if sent := f.relay.orders(12, since); len(sent) > 0 {
			f.t.Errorf("sent once more: %v", sent)
		}
	}},
}

// safetyOfEvidence are attempts on rules 3 and 9.
var safetyOfEvidence = []attempt{
	{3, "a jump over a fence is alerted and is no ground for an order", func(f *field) {
		const v = "uav-18"
		f.keepIn("uav", 0.02)
		since := time.Now()
		f.does(v, "glitch 9000m 400ms")
		a := f.raised("fence_breach", v)
		if a.Evidence == nil || a.Evidence.Grounds == nil || !slices.Contains(a.Evidence.Grounds.Lacks, "jump") {
			f.t.Errorf("the evidence is good for an order: %+v", a.Evidence)
		}
		f.heardAgain(v, 40)
		if a := f.alert(a.ID); a.ConfirmedAt != nil || a.ClearedAt == nil {
			f.t.Errorf("after the jump back: %+v", a)
		}
		if sent := f.relay.orders(18, since); len(sent) > 0 {
			f.t.Errorf("it was sent %v", sent)
		}
	}},
	{3, "who did not prove who it is gives no ground for an order", func(f *field) {
		f.ada.ask(http.StatusCreated, "POST", "/v1/fences", body{
			"name": "quarry", "kind": "keep_out", "geometry": square(121.910, 30.885, 0.002), "response": "land",
			"floor": nil, "ceiling": nil, "applies": body{"classes": []string{}},
		}, nil)
		ghost := newTestVehicle(f.t, f.p.dial(), 77, 1, ardupilotmega.MAV_TYPE_QUADROTOR)
		boot := uint32(1000)
		fly := func() {
			ghost.send(ghost.heartbeat())
			boot += 200
			ghost.send(at(30.886, 121.911, 60, boot))
		}
		var a fieldAlert
		n := 0
		f.until(func() string {
			fly()
			n++
			for _, a = range f.alerts("fence_breach", "") {
				if a.Vehicle.ID != "" && a.Vehicle.ID[:4] == "unve" && n > 50 {
					return ""
				}
			}
			return "the alert of the ghost"
		})
		if a.ConfirmedAt != nil || !slices.Contains(a.Evidence.Grounds.Lacks, "unverified") {
			f.t.Errorf("good for an order: %+v", a)
		}
		f.orderedBy(f.ada, http.StatusNotFound, a.Vehicle.ID, body{"kind": "hold"})
		if sent := f.relay.orders(77, time.Time{}); len(sent) > 0 {
			f.t.Errorf("it was sent %v", sent)
		}
	}},
	{9, "who has no position is not enforced, and that is said", func(f *field) {
		const v = "uav-20"
		f.keepIn("uav", 0.02)
		f.seen(v, "enforced", func(t fieldTrack) bool { return t.Enforcement.Enforced && len(t.Enforcement.Reasons) == 0 })
		end := f.does(v, "fix lost")
		f.raised("not_enforced", v)
		f.seen(v, "not enforced with a reason", func(t fieldTrack) bool {
			return !t.Enforcement.Enforced && slices.Contains(t.Enforcement.Reasons, "stale") && slices.Contains(t.Enforcement.Reasons, "estimator_bad")
		})
		end()
		f.seen(v, "enforced again", func(t fieldTrack) bool { return t.Enforcement.Enforced })
	}},
	{9, "whose link is lost is not enforced, and that is said", func(f *field) {
		const v = "icv-19"
		end := f.does(v, "link silent")
		f.raised("link_lost", v)
		f.seen(v, "not enforced", func(t fieldTrack) bool {
			return !t.Enforcement.Enforced && slices.Contains(t.Enforcement.Reasons, "link_lost")
		})
		end()
		f.seen(v, "heard again", func(t fieldTrack) bool { return t.Link == "nominal" })
	}},
}

// keepIn has a class stay within so many degrees of the middle.
func (f *field) keepIn(class string, deg float64) { f.keepInWith(class, deg, "warn") }

func (f *field) keepInWith(class string, deg float64, response string) {
	f.t.Helper()
	f.ada.ask(http.StatusCreated, "POST", "/v1/fences", body{
		"name": "zone of " + class, "kind": "keep_in", "geometry": square(121.93-deg, 30.90-deg, 2*deg), "response": response,
		"floor": nil, "ceiling": nil, "applies": body{"classes": []string{class}},
	}, nil)
}

// alert is one alert as it is now.
func (f *field) alert(id string) (a fieldAlert) {
	f.t.Helper()
	f.p.get("/v1/alerts/"+id, &a)
	return a
}
