package web

import (
	"strings"
	"testing"

	"testzone/vehicles"
)

// TestZoneIsCleared: an operator's vehicle moves while the zone is cleared; the
// board names it and whom to call, as far as one may know.
func TestZoneIsCleared(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.organisation("zone", "authority")
	z.organisation("acme", "operator")
	z.organisation("other", "operator")
	carl, anna, eve := z.account("carl", "zone", "controller"), z.account("anna", "acme", "test_operator"), z.account("eve", "other", "test_operator")
	v := z.operated(1, "acme")
	z.report(v, 30.905, 121.925, 50)
	z.airborne(v)

	r := z.as(carl, "PUT", "/v1/zone/state?dry_run=true", `{"state":"clear","reason":"fire"}`)
	z.want(r, "200")
	var state ZoneState
	z.as(anna, "GET", "/v1/zone/state", "").json(t, &state)
	if state.State != "open" || state.Rev != 1 || state.Since != nil {
		t.Fatalf("at first %+v", state)
	}
	z.want(z.as(anna, "PUT", "/v1/zone/state", `{"state":"clear","reason":"fire"}`), "403 forbidden")
	z.want(z.as(carl, "PUT", "/v1/zone/state", `{"state":"clear","reason":""}`), "422 invalid")
	z.want(z.as(carl, "PUT", "/v1/zone/state", `{"state":"clear","reason":"fire"}`), "200")
	r = z.as(carl, "GET", "/v1/zone/state", "")
	r.json(t, &state)
	if state.State != "clear" || state.Reason != "fire" || state.By != carl.ID || state.Since == nil || state.Provisional || r.Header.Get("ETag") != `"2"` {
		t.Errorf("cleared: %+v %v", state, r.Header)
	}
	eventually(t, "a vehicle that does not comply", func() bool {
		var board ComplianceBoard
		z.as(carl, "GET", "/v1/zone/compliance", "").json(t, &board)
		return board.State == "clear" && board.Against == 1 && board.Items[0].Why == "moving" && board.Items[0].Vehicle.ID == string(v.ID) && board.Items[0].Position != nil
	})
	var board ComplianceBoard
	z.as(anna, "GET", "/v1/zone/compliance", "").json(t, &board)
	if board.Vehicles != 1 {
		t.Errorf("its operator sees %+v", board)
	}
	z.as(eve, "GET", "/v1/zone/compliance", "").json(t, &board)
	if board.Vehicles != 0 || len(board.Items) != 0 || board.State != "clear" {
		t.Errorf("another operator sees %+v", board)
	}
	z.want(z.as(carl, "PUT", "/v1/zone/state", `{"state":"open","reason":"over"}`), "428 if_match_required")
	z.want(z.as(carl, "PUT", "/v1/zone/state", `{"state":"open","reason":"over"}`, "If-Match", `"1"`), "412 stale")
	z.want(z.as(carl, "PUT", "/v1/zone/state", `{"state":"open","reason":"over"}`, "If-Match", `"2"`), "200")
	z.as(carl, "GET", "/v1/zone/compliance", "").json(t, &board)
	if board.State != "open" || board.Vehicles != 0 {
		t.Errorf("open again: %+v", board)
	}
}

// airborne has a vehicle say that it is armed.
func (z *testZone) airborne(v *vehicles.Identity) {
	z.pipeline.Reports([]vehicles.Report{{Handle: v.Handle, Has: vehicles.HasHeartbeat, Armed: true, ReceivedUS: z.clock.now().UnixMicro()}})
}

// TestContactOfWhoDoesNotComply: a controller reads whom to call, an observer not.
func TestContactOfWhoDoesNotComply(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.organisation("zone", "authority")
	z.organisation("acme", "operator")
	carl, olga, anna := z.account("carl", "zone", "controller"), z.account("olga", "zone", "observer"), z.account("anna", "acme", "test_operator")
	z.want(z.as(anna, "PUT", "/v1/vehicles/uav-1/contact", `{"name":"Grace","phone":"+86 21 5555 0100"}`), "200")
	id, err := z.registry.OpenVerified("uav-1", vehicles.Source{Listener: "signed", Address: "127.0.0.1:5000", SystemID: 1, ComponentID: 1})
	if err != nil {
		t.Fatal(err)
	}
	z.report(id, 30.905, 121.925, 50)
	z.airborne(id)
	z.want(z.as(carl, "PUT", "/v1/zone/state", `{"state":"closed","reason":"fire"}`), "200")
	for who, want := range map[*account]bool{&carl: true, &olga: false} {
		eventually(t, "the board", func() bool {
			var board ComplianceBoard
			z.as(*who, "GET", "/v1/zone/compliance", "").json(t, &board)
			return board.Against == 1 && (board.Items[0].Contact != nil) == want && (!want || board.Items[0].Contact.Phone == "+86 21 5555 0100")
		})
	}
}

// TestHandover: the briefing holds what is open; the taker confirms it.
func TestHandover(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.organisation("zone", "authority")
	carl, dora, olga := z.account("carl", "zone", "controller"), z.account("dora", "zone", "controller"), z.account("olga", "zone", "observer")
	z.want(z.as(carl, "POST", "/v1/fences", fenceBody("river", square, "")), "201")
	v := z.operated(1, "acme")
	z.report(v, 30.905, 121.925, 50)
	alert := z.alertOf(v)

	var duty Duty
	z.want(z.as(olga, "POST", "/v1/duty", `{}`), "403 forbidden")
	z.want(z.as(carl, "POST", "/v1/duty", `{"sectors":["sky"]}`), "422 invalid")
	r := z.as(carl, "POST", "/v1/duty", `{}`)
	z.want(r, "201")
	r.json(t, &duty)
	var board DutyBoard
	z.as(olga, "GET", "/v1/duty", "").json(t, &board)
	if len(board.Items) != 1 || board.Items[0].Name != "" || len(board.Controllers) != 0 || len(board.Uncovered) != 0 {
		t.Errorf("an observer sees %+v", board)
	}
	z.as(carl, "GET", "/v1/duty", "").json(t, &board)
	if board.Items[0].Name != "Name of carl" || len(board.Controllers) != 2 {
		t.Errorf("a controller sees %+v", board)
	}
	path := "/v1/duty/" + duty.ID
	z.want(z.as(carl, "POST", path+"/handover", `{"to":"`+olga.ID+`"}`), "422 invalid")
	z.want(z.as(carl, "POST", path+"/handover", `{"to":"`+dora.ID+`"}`), "200")
	z.as(dora, "GET", "/v1/duty", "").json(t, &board)
	offer := board.Items[0].Offer
	kinds := ""
	for _, item := range offer.Briefing {
		kinds += item.Kind + " "
		if item.Kind == "alert" && (item.ID != alert || !strings.Contains(item.Text, "river")) {
			t.Errorf("the alert: %+v", item)
		}
	}
	if kinds != "zone_state alert not_enforced " {
		t.Errorf("the briefing has %s", kinds)
	}
	z.want(z.as(dora, "POST", path+"/take", `{"digest":"none"}`), "409 briefing")
	z.want(z.as(carl, "POST", path+"/take", `{"digest":"`+offer.Digest+`"}`), "409 not_offered")
	z.want(z.as(dora, "POST", path+"/take?dry_run=true", `{"digest":"`+offer.Digest+`"}`), "200")
	z.want(z.as(carl, "DELETE", path+"/handover", ""), "204")
	z.want(z.as(dora, "POST", path+"/take", `{"digest":"`+offer.Digest+`"}`), "409 not_offered")
	z.want(z.as(carl, "POST", path+"/handover", `{"to":"`+dora.ID+`"}`), "200")
	z.as(dora, "GET", "/v1/duty", "").json(t, &board)
	r = z.as(dora, "POST", path+"/take", `{"digest":"`+board.Items[0].Offer.Digest+`"}`)
	z.want(r, "200")
	r.json(t, &duty)
	if duty.Person != dora.ID || !duty.Present {
		t.Errorf("taken: %+v", duty)
	}
	z.want(z.as(carl, "DELETE", "/v1/duty/"+duty.ID, ""), "422 invalid")
	z.want(z.as(carl, "DELETE", "/v1/duty/"+duty.ID+"?reason=went+home", ""), "204")
	z.as(carl, "GET", "/v1/duty", "").json(t, &board)
	if len(board.Items) != 0 || len(board.Uncovered) != 1 {
		t.Errorf("nobody: %+v", board)
	}
}
