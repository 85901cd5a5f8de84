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

	bulk := body{"kind": "clear", "of": body{"all": true}, "reason": "gas leak at the harbour"}
	var preview, given web.BulkOrder
	f.ada.ask(http.StatusOK, "POST", "/v1/orders?dry_run=true", bulk, &preview)
	bulk["digest"], bulk["expect"] = preview.Digest, preview.Orders
	f.until(func() string { // who comes to rest or goes on meanwhile makes another preview
		status, _, raw, err := f.ada.call("POST", "/v1/orders", bulk)
		if err == nil && status == http.StatusCreated {
			decode(t, raw, &given)
			return ""
		}
		f.ada.ask(http.StatusOK, "POST", "/v1/orders?dry_run=true", bulk, &preview)
		bulk["digest"], bulk["expect"] = preview.Digest, preview.Orders
		return fmt.Sprintf("the bulk order to be given as it was seen: %d %v %s", status, err, raw)
	})

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
	f.ada.get("/v1/bulk-orders/"+given.ID, &given)
	for _, item := range given.Items {
		if !slices.Contains(left, item.VehicleID) && !slices.Contains([]string{"in_effect", "left"}, item.State) {
			t.Errorf("%s is at rest, and its order is %s: %s", item.VehicleID, item.State, item.Why)
		}
	}
	f.raised("call_person", "uav-5")
	f.ada.ask(http.StatusOK, "PUT", "/v1/zone/state", body{"state": "closed", "reason": "everybody is at rest or called"}, nil)
	if b := board(); b.State != "closed" || b.Against != len(left) {
		t.Errorf("closed: %+v", b)
	}
}
