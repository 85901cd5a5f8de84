package web

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestBulkOrders: a preview, the act with its digest and count, what became of it;
// and what each may see.
func TestBulkOrders(t *testing.T) {
	const path = "/v1/orders"
	o := newOwners(t)
	boat := o.sail(10)
	ask := func(who account, query, more string) reply {
		return o.as(who, "POST", path+query, `{"kind":"hold","reason":"a ship comes","of":{"all":true}`+more+`}`)
	}
	var p BulkOrder
	before := o.head()
	r := ask(o.carl, "?dry_run=true", "")
	o.want(r, "200")
	if r.json(t, &p); p.Orders != 1 || p.ID != "" || p.GivenAt != nil || len(p.Items) != 1 || p.Items[0].VehicleID != "boat-1" || p.Items[0].Kind != "hold" || o.head() != before || o.wire.count() != 0 {
		t.Fatalf("preview: %s", r.body)
	}
	for _, more := range []string{"", `,"expect":1`, `,"expect":2,"digest":"` + p.Digest + `"`} {
		r = ask(o.carl, "", more)
		o.want(r, "409 bulk_changed")
		var problem Problem
		if err := json.Unmarshal(r.body, &problem); err != nil || problem.Preview == nil || problem.Preview.Orders != 1 || problem.Preview.Digest != p.Digest {
			t.Errorf("of %s: %v %s", more, err, r.body)
		}
	}
	act := fmt.Sprintf(`,"expect":1,"digest":%q`, p.Digest)
	r = ask(o.carl, "", act)
	o.want(r, "201")
	var given BulkOrder
	if r.json(t, &given); given.Person != o.carl.ID || !given.Durable || given.Orders != 1 || r.Header.Get("Location") != "/v1/bulk-orders/"+given.ID {
		t.Errorf("given: %s", r.body)
	}
	eventually(t, "the order on the wire", func() bool { return o.wire.count() == 1 })
	o.heard(boat, 5)
	eventually(t, "what became of it", func() bool {
		o.as(o.carl, "GET", "/v1/bulk-orders/"+given.ID, "").json(t, &given)
		return given.Tally["accepted"] == 1
	})
	var orders OrderList
	if o.as(o.anna, "GET", "/v1/orders?state=all", "").json(t, &orders); len(orders.Items) != 1 || orders.Items[0].Bulk != given.ID || orders.Items[0].Reason != "a ship comes" {
		t.Errorf("the order: %+v", orders)
	}
	o.want(o.as(o.anna, "GET", "/v1/bulk-orders/"+given.ID, ""), "404 not_found")
	o.want(o.as(o.anna, "DELETE", "/v1/bulk-orders/"+given.ID, ""), "404 not_found")
	o.want(o.as(o.carl, "DELETE", "/v1/bulk-orders/"+given.ID, ""), "200")
	var list BulkList
	if o.as(o.carl, "GET", "/v1/bulk-orders", "").json(t, &list); len(list.Items) != 1 || list.Items[0].Tally["accepted"] != 1 || len(list.Items[0].Items) != 0 {
		t.Errorf("the list: %+v", list)
	}
	if o.as(o.hugo, "GET", "/v1/bulk-orders", "").json(t, &list); len(list.Items) != 0 {
		t.Errorf("another operator sees %+v", list)
	}
	// An operator's people order their own vehicles about, and see who has them.
	r = ask(o.anna, "?dry_run=true", "")
	if r.json(t, &p); p.Orders != 0 || p.Leased != 1 || p.Items[0].Holder != o.carl.ID {
		t.Errorf("for its operator: %s", r.body)
	}
	if r = ask(o.hugo, "?dry_run=true", ""); !strings.Contains(string(r.body), `"items":[]`) {
		t.Errorf("for another: %s", r.body)
	}
}

func TestWhichVehiclesABulkOrderMeans(t *testing.T) {
	o := newOwners(t)
	o.sail(10)
	o.want(o.as(o.carl, "PUT", "/v1/zone/state", `{"state":"clear","reason":"fire"}`), "200")
	var fence Fence
	o.as(o.carl, "POST", "/v1/fences", fenceBody("river", square, "")).json(t, &fence)
	here, away := `{"type":"Point","coordinates":[121.93,30.9]}`, `{"type":"Point","coordinates":[121.8,30.9]}`
	for _, c := range []struct {
		of   string
		want string
	}{
		{`{"all":true}`, "1"},
		{`{"against":true}`, "1"},
		{`{"classes":["usv"]}`, "1"},
		{`{"classes":["uav","icv"]}`, "0"},
		{`{"operators":["acme"]}`, "1"},
		{`{"operators":["harbour"]}`, "0"},
		{`{"vehicles":["boat-1"]}`, "1"},
		{`{"area":` + here + `,"area_radius_m":200}`, "1"},
		{`{"area":` + away + `,"area_radius_m":200}`, "0"},
		{`{"fence":"` + fence.ID + `"}`, "1"},
		{`{"fence":"fn_none"}`, "404 not_found"},
		{`{"area":` + here + `}`, "422 invalid"},
		{`{"area":` + square + `,"fence":"` + fence.ID + `"}`, "422 invalid"},
		{`{"classes":["aircraft"]}`, "422 invalid"},
		{`{}`, "422 invalid"},
	} {
		r := o.as(o.carl, "POST", "/v1/orders?dry_run=true", `{"kind":"hold","of":`+c.of+`}`)
		got := o.code(r)
		if got == "200" {
			var p BulkOrder
			r.json(t, &p)
			got = fmt.Sprint(p.Orders)
		}
		if got != c.want {
			t.Errorf("%s means %s, want %s: %s", c.of, got, c.want, r.body)
		}
	}
}
