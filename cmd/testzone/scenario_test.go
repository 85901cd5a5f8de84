package main

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"testzone/web"
)

// TestEvacuation: the zone is cleared with ten vehicles in it, of which one refuses, one
// is not heard and one cannot stand still. In the end everybody is at rest, or the board
// says whom to call about who is not.
func TestEvacuation(t *testing.T) {
	f := newField(t, fieldConfig{vehicles: 10, script: "uav-5 refuse all"})
	f.ada.ask(http.StatusCreated, "POST", "/v1/duty", body{}, nil)
	f.does("icv-6", "link silent")
	f.seen("icv-6", "lost", func(t fieldTrack) bool { return t.Link == "lost" })
	board := func() (b web.ComplianceBoard) {
		t.Helper()
		f.ada.get("/v1/zone/compliance", &b)
		return b
	}
	f.ada.ask(http.StatusOK, "PUT", "/v1/zone/state", body{"state": "clear", "reason": "gas leak at the harbour"}, nil)
	f.until(func() string {
		if b := board(); b.State != "clear" || b.Against < 8 { // who stands at a corner complies for a moment
			return fmt.Sprintf("who has to come to rest: %+v", b)
		}
		return ""
	})

	safeEnd := map[string]string{"uav": "land", "icv": "stop", "usv": "hold"}
	given := map[string]string{}
	for _, v := range f.names {
		kind := safeEnd[v[:3]]
		if v == "uav-7" {
			kind = "hold" // a fixed wing does not land where it is
		}
		status, _, raw, err := f.ada.call("POST", "/v1/vehicles/"+v+"/orders", body{"kind": kind})
		switch {
		case err == nil && status == http.StatusCreated:
			var o orderJSON
			decode(t, raw, &o)
			given[v] = o.ID
		case err != nil || status != http.StatusConflict || v != "icv-6":
			t.Errorf("%s to %s: %d %v %s", kind, v, status, err, raw)
		}
	}

	left := []string{"icv-6", "uav-5", "uav-7"}
	f.until(func() string {
		var against []string
		b := board()
		for _, item := range b.Items {
			if item.Complies {
				continue
			}
			against = append(against, item.Vehicle.ID)
			if item.Contact == nil || item.Contact.Phone == "" {
				t.Fatalf("nobody is named to call about %+v", item)
			}
		}
		slices.Sort(against)
		if b.Vehicles != len(f.names) || !slices.Equal(against, left) {
			return fmt.Sprintf("all at rest but %v: %v of %d", left, against, b.Vehicles)
		}
		return ""
	})
	for v, id := range given {
		switch o := f.ends(v, id); {
		case v == "uav-5" && o.State != "refused", v == "icv-6" && o.State == "in_effect",
			!slices.Contains([]string{"uav-5", "icv-6"}, v) && o.State != "in_effect":
			t.Errorf("the order to %s is %s: %s", v, o.State, o.Why)
		}
	}
	f.raised("call_person", "uav-5")
	f.ada.ask(http.StatusOK, "PUT", "/v1/zone/state", body{"state": "closed", "reason": "everybody is at rest or called"}, nil)
	if b := board(); b.State != "closed" || b.Against != len(left) {
		t.Errorf("closed: %+v", b)
	}
}
