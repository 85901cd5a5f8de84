package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"testzone/web"
)

// terminations are the paths of a vehicle.
func terminations(vehicle string) string { return "/v1/vehicles/" + vehicle + "/terminations" }

// proposes has a controller propose the end of a flight, which must be answered with a status.
func (f *field) proposes(who *program, want int, vehicle string) (p web.Termination, problem string) {
	f.t.Helper()
	status, _, raw, err := who.call("POST", terminations(vehicle), body{"vehicle": vehicle, "reason": "it flies at people"})
	if err != nil || status != want {
		f.t.Fatalf("the end of %s: %d, want %d: %v\n%s", vehicle, status, want, err, raw)
	}
	if status == http.StatusCreated {
		decode(f.t, raw, &p)
	}
	return p, string(raw)
}

// confirms has a controller confirm one, which must be answered with a status.
func (f *field) confirms(who *program, want int, p *web.Termination) (problem string) {
	f.t.Helper()
	status, _, raw, err := who.call("POST", terminations(p.VehicleID)+"/"+p.ID+"/confirm", body{"vehicle": p.VehicleID})
	if err != nil || status != want {
		f.t.Fatalf("%s of %s is confirmed: %d, want %d: %v\n%s", p.ID, p.VehicleID, status, want, err, raw)
	}
	if status == http.StatusOK {
		decode(f.t, raw, p)
	}
	return string(raw)
}

// A copter flies at people: two controllers end its flight. Its motors stop, it falls,
// and nothing more is sent to it. One that refuses can still be landed. What one person
// alone, a token, or too late a second person asks for leaves nothing on the wire.
func TestTermination(t *testing.T) {
	const on = "orders: {flight_termination: true}"
	f := newField(t, fieldConfig{vehicles: 7, extra: on, script: "uav-3 refuse terminate"})
	late, _ := f.proposes(f.ada, http.StatusCreated, "uav-5") // nobody confirms it in time

	var list web.Terminations
	f.ada.get(terminations("uav-1"), &list)
	if !list.Enabled || list.Now == nil || list.Now.HeightM == nil || list.Now.Below != "unknown" {
		t.Fatalf("the preview: %+v", list)
	}
	p, _ := f.proposes(f.ada, http.StatusCreated, "uav-1")
	says(t, f.confirms(f.ada, http.StatusForbidden, &p), "another person")
	_, why := f.proposes(f.p, http.StatusForbidden, "uav-7") // by the token
	says(t, why, "only a person")
	_, why = f.proposes(f.ada, http.StatusConflict, "icv-2")
	says(t, why, "STOP or HOLD")
	if sent := f.relay.orders(1, time.Time{}); len(sent) > 0 {
		t.Fatalf("one person sent %v", sent)
	}
	f.confirms(f.bob, http.StatusOK, &p)
	if p.Order == nil || !p.Order.Durable || p.Order.Kind != "terminate" {
		t.Fatalf("confirmed: %+v", p)
	}
	f.becomes("uav-1", p.Order.ID, "in_effect")
	f.seen("uav-1", "down", func(t fieldTrack) bool { return !t.Armed && t.Phase == "emergency" && t.Heights["takeoff_m"] < 1 })
	if sent := f.relay.orders(1, time.Time{}); len(sent) == 0 || slices.ContainsFunc(sent, func(c uint16) bool { return c != 185 }) {
		t.Errorf("sent %v", sent)
	}
	since := time.Now()
	_, why = f.orderedBy(f.bob, http.StatusConflict, "uav-1", body{"kind": "hold", "take_over": true})
	says(t, why, "nothing more is sent")
	if sent := f.relay.orders(1, since); len(sent) > 0 {
		t.Errorf("after its end it was sent %v", sent)
	}

	p, _ = f.proposes(f.bob, http.StatusCreated, "uav-3")
	f.confirms(f.ada, http.StatusOK, &p)
	if o := f.ends("uav-3", p.Order.ID); o.State != "refused" {
		t.Errorf("of one that refuses: %+v", o)
	}
	f.raised("call_person", "uav-3")
	land, _ := f.orderedBy(f.bob, http.StatusCreated, "uav-3", body{"kind": "land"})
	f.becomes("uav-3", land.ID, "in_effect")

	f.until(func() string {
		f.ada.get(terminations("uav-5"), &list)
		if s := list.Items[0].State; s != "expired" {
			return "a proposal of a minute ago to expire, it is " + s
		}
		return ""
	})
	says(t, f.confirms(f.bob, http.StatusConflict, &late), "expired")

	since = time.Now()
	f.p.terminate()
	f.serve(on)
	f.follows("uav-5")
	f.heardAgain("uav-5", 20)
	f.ada.get(terminations("uav-1"), &list)
	if x := list.Items[0]; x.State != "confirmed" || x.Order == nil || x.Order.State != "in_effect" || x.ProposedBy == "" || x.ConfirmedBy == nil || *x.ConfirmedBy == x.ProposedBy {
		t.Errorf("after the restart: %+v", x)
	}
	for sys := range uint8(8) {
		if sent := f.relay.orders(sys, since); len(sent) > 0 {
			t.Errorf("the restart sent %v to system %d", sent, sys)
		}
	}
	c := &cli{t: t, home: t.TempDir(), env: []string{"TESTZONE_TOKEN=" + testToken, "TESTZONE_SERVER=" + f.p.url}}
	if code, stdout, stderr := c.run("", "terminations", "list", "uav-1"); code != 0 || !strings.Contains(stdout, "confirmed") || !strings.Contains(stdout, "in_effect") {
		t.Errorf("the client: %d\n%s%s", code, stdout, stderr)
	}
	var audit struct {
		Items []struct{ What, Why, Who string }
	}
	f.p.get("/v1/audit/events?object=vehicle:uav-1&what=termination.*", &audit)
	if fmt.Sprint(len(audit.Items)) != "2" || audit.Items[0].What != "termination.confirm" || audit.Items[1].Why != "it flies at people" {
		t.Errorf("the audit: %+v", audit.Items)
	}
}
