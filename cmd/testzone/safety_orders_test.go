package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// safetyScript is how the vehicles of the shared field misbehave from the start.
const safetyScript = `
uav-10 refuse hold
uav-11 lie mode
icv-12 progress 6s
uav-13 lie ack
`

// says fails a test unless a refusal tells the controller what to do.
func says(t *testing.T, problem string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(problem, w) {
			t.Errorf("the refusal does not say %q: %s", w, problem)
		}
	}
}

// saferWins tries to land a vehicle at once with ada's HOLD, which wins. "At once" is
// within two seconds: a machine that took longer holds it again.
func (f *field) saferWins(vehicle string, hold orderJSON) orderJSON {
	f.t.Helper()
	for began := time.Now(); ; {
		status, _, raw, err := f.bob.call("POST", "/v1/vehicles/"+vehicle+"/orders?dry_run=true", body{"kind": "land", "take_over": true})
		switch {
		case err == nil && status == http.StatusConflict:
			says(f.t, string(raw), "safer")
			return hold
		case err != nil || status != http.StatusOK || time.Since(began) < 2*time.Second:
			f.t.Fatalf("LAND at once with HOLD: %d %v %s", status, err, raw)
		}
		began = time.Now()
		hold, _ = f.orderedBy(f.ada, http.StatusCreated, vehicle, body{"kind": "hold"})
	}
}

type body = map[string]any

// safetyOfOrders are attempts on rules 1, 2, 5, 6 and 7.
var safetyOfOrders = []attempt{
	{1, "a key that is revoked in flight still takes HOLD and LAND", func(f *field) {
		var keys struct{ Items []keyJSON }
		f.p.get("/v1/vehicles/uav-1/keys", &keys)
		f.ada.ask(http.StatusOK, "POST", "/v1/vehicles/uav-1/keys/"+keys.Items[0].ID+"/revoke", body{"reason": "stolen"}, nil)
		o, _ := f.orderedBy(f.ada, http.StatusCreated, "uav-1", body{"kind": "hold"})
		f.becomes("uav-1", o.ID, "in_effect")
		o, _ = f.orderedBy(f.ada, http.StatusCreated, "uav-1", body{"kind": "land"})
		f.becomes("uav-1", o.ID, "in_effect")
		f.until(func() string {
			if s := f.p.keyState("uav-1", keys.Items[0].ID); s != "retired" {
				return "the key to retire when the vehicle is down, it is " + s
			}
			return ""
		})
	}},
	{1, "a vehicle that is withdrawn in flight still takes HOLD", func(f *field) {
		header, rev := "If-Match", fmt.Sprintf("%q", fmt.Sprint(f.p.vehicle("uav-3").Rev))
		f.p.ask(http.StatusOK, "DELETE", "/v1/vehicles/uav-3", nil, nil, header, rev)
		o, _ := f.orderedBy(f.ada, http.StatusCreated, "uav-3", body{"kind": "hold"})
		f.becomes("uav-3", o.ID, "in_effect")
	}},
	{1, "a vehicle stays in the hand of the zone when who stopped it may no more", func(f *field) {
		id := f.hire("carl", "zone", "controller")
		carl := f.by(f.p, "carl")
		o, _ := f.orderedBy(carl, http.StatusCreated, "usv-4", body{"kind": "hold"})
		f.p.ask(http.StatusOK, "PUT", "/v1/people/"+id, body{"organisation": "zone", "roles": []string{"controller"}, "disabled": true}, nil, "If-Match", `"1"`)
		f.becomes("usv-4", o.ID, "in_effect")
		if status, _, _, _ := carl.call("POST", "/v1/vehicles/usv-4/orders", body{"kind": "return"}); status != http.StatusUnauthorized {
			f.t.Errorf("a person that was disabled orders: %d", status)
		}
		o, _ = f.orderedBy(f.ada, http.StatusCreated, "usv-4", body{"kind": "return", "take_over": true})
		f.becomes("usv-4", o.ID, "in_effect")
	}},
	{2, "two controllers on one vehicle", func(f *field) {
		const v = "uav-5"
		hold, _ := f.orderedBy(f.ada, http.StatusCreated, v, body{"kind": "hold"})
		_, why := f.orderedBy(f.bob, http.StatusConflict, v, body{"kind": "land"})
		says(f.t, why, "take it over")
		hold = f.saferWins(v, hold)
		f.becomes(v, hold.ID, "in_effect")
		_, why = f.orderedBy(f.bob, http.StatusConflict, v, body{"kind": "resume", "ends": hold.ID})
		says(f.t, why, "take it over")
		var list vehicleOrdersJSON
		f.ada.get("/v1/vehicles/"+v+"/orders", &list)
		for _, o := range list.Items {
			if o.Kind != "hold" || list.Lease == nil {
				f.t.Fatalf("what was refused left something: %+v", list)
			}
		}
		holder := list.Lease.Holder
		next, _ := f.orderedBy(f.bob, http.StatusCreated, v, body{"kind": "hold", "take_over": true, "reason": "shift change"})
		f.becomes(v, next.ID, "in_effect")
		f.ada.get("/v1/vehicles/"+v+"/orders", &list)
		if list.Lease.Holder == holder {
			f.t.Error("who took over is not shown")
		}
		_, why = f.orderedBy(f.ada, http.StatusConflict, v, body{"kind": "resume", "ends": hold.ID, "take_over": true})
		says(f.t, why, "not the newest") // decided on a state that is gone
		_, why = f.orderedBy(f.ada, http.StatusConflict, v, body{"kind": "resume", "ends": next.ID})
		says(f.t, why, "take it over")
		resume, _ := f.orderedBy(f.ada, http.StatusCreated, v, body{"kind": "resume", "ends": next.ID, "take_over": true})
		f.becomes(v, resume.ID, "in_effect")
	}},
	{2, "an operator lets nothing go on that the zone stopped", func(f *field) {
		const v = "icv-6"
		f.hire("opal", "acme", "test_operator")
		opal := f.by(f.p, "opal")
		stop, _ := f.orderedBy(f.ada, http.StatusCreated, v, body{"kind": "stop"})
		f.becomes(v, stop.ID, "in_effect")
		for _, try := range []body{
			{"kind": "resume", "ends": stop.ID, "take_over": true},
			{"kind": "return", "take_over": true},
		} {
			_, why := f.orderedBy(opal, http.StatusConflict, v, try)
			says(f.t, why, "ask there")
		}
		f.heardAgain(v, 20)
		if t := f.track(v); t.Phase != "holding" {
			f.t.Errorf("it goes on: %+v", t)
		}
	}},
	{5, "a new fence warns unless it is told to do more, and says before whom it concerns", func(f *field) {
		p := f.track("usv-14").Position
		fence := body{
			"name": "over a boat", "kind": "keep_out", "geometry": square(p.Lon-0.0005, p.Lat-0.0005, 0.001),
			"floor": nil, "ceiling": nil, "applies": body{"classes": []string{"usv"}},
		}
		var preview struct {
			Inside []struct {
				Vehicle struct{ ID string }
				Would   string
			}
		}
		f.ada.ask(http.StatusOK, "POST", "/v1/fences/preview", body{"fence": fence}, &preview)
		if len(preview.Inside) == 0 || preview.Inside[0].Would != "breach" {
			f.t.Errorf("the preview does not say who is inside: %+v", preview)
		}
		since := time.Now()
		var made struct{ ID, Response string }
		f.ada.ask(http.StatusCreated, "POST", "/v1/fences", fence, &made)
		if made.Response != "warn" {
			f.t.Errorf("a fence that nobody told what to do asks for %q", made.Response)
		}
		f.raised("fence_breach", "usv-14")
		f.heardAgain("usv-14", 30)
		if sent := f.relay.orders(14, since); len(sent) > 0 {
			f.t.Errorf("a fence that warns sent %v", sent)
		}
		f.ada.ask(http.StatusNoContent, "DELETE", "/v1/fences/"+made.ID, nil, nil, "If-Match", `"1"`)
	}},
	{6, "what a machine cannot do is refused, and what to do instead is said", func(f *field) {
		since := time.Now()
		for _, c := range []struct {
			vehicle, kind string
			words         []string
		}{
			{"icv-2", "land", []string{"does not land", "STOP"}},
			{"usv-14", "land", []string{"does not land", "HOLD or RETURN"}},
			{"uav-7", "stop", []string{"cannot stop", "HOLD"}},
			{"uav-7", "land", []string{"does not land where it is", "RETURN or HOLD"}},
		} {
			_, why := f.orderedBy(f.ada, http.StatusConflict, c.vehicle, body{"kind": c.kind})
			says(f.t, why, c.words...)
			if sent := f.relay.orders(fieldSystem(c.vehicle), since); c.vehicle != "usv-14" && len(sent) > 0 {
				f.t.Errorf("%s was refused to %s and sent: %v", c.kind, c.vehicle, sent)
			}
		}
	}},
	{6, "no RETURN without a position", func(f *field) {
		const v = "uav-8"
		end := f.does(v, "fix lost")
		var why string
		f.until(func() string {
			status, _, raw, err := f.ada.call("POST", "/v1/vehicles/"+v+"/orders?dry_run=true", body{"kind": "return"})
			if why = string(raw); err != nil || status != http.StatusConflict {
				return "RETURN to be refused: " + why
			}
			return ""
		})
		says(f.t, why, "no position", "LAND or HOLD", "call its contact")
		if slices.Contains(f.relay.orders(8, time.Time{}), 20) {
			f.t.Error("RETURN was sent")
		}
		land, _ := f.orderedBy(f.ada, http.StatusCreated, v, body{"kind": "land"})
		f.becomes(v, land.ID, "in_effect") // that it can do
		end()
	}},
	{7, "a pilot who takes over is left alone", func(f *field) {
		const v = "uav-15"
		hold, _ := f.orderedBy(f.ada, http.StatusCreated, v, body{"kind": "hold"})
		f.becomes(v, hold.ID, "in_effect")
		f.does(v, "pilot takes over")
		f.seen(v, "flown by hand", func(t fieldTrack) bool { return t.Mode.Name == "position hold" && t.Phase == "moving" })
		since := time.Now()
		_, why := f.orderedBy(f.ada, http.StatusConflict, v, body{"kind": "resume", "ends": hold.ID})
		says(f.t, why, "its pilot has it")
		f.heardAgain(v, 50)
		if sent := f.relay.orders(15, since); len(sent) > 0 {
			f.t.Errorf("over the head of the pilot: %v", sent)
		}
	}},
	{7, "one person cannot end a flight", func(f *field) {
		for _, kind := range []string{"terminate", "flight_termination", "disarm"} {
			status, _, raw, err := f.ada.call("POST", "/v1/vehicles/uav-17/orders", body{"kind": kind})
			if err != nil || status < 400 {
				f.t.Errorf("%s by one person: %d %v %s", kind, status, err, raw)
			}
		}
		if sent := f.relay.orders(17, time.Time{}); slices.Contains(sent, 185) || slices.Contains(sent, 400) {
			f.t.Errorf("a flight was ended: %v", sent)
		}
	}},
}
