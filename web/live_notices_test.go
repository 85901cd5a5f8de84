package web

import (
	"encoding/json"
	"strings"
	"testing"

	"testzone/telemetry"
)

// found is whether a message of a type with a text came.
func (c *liveClient) found(kind, text string) bool {
	for _, m := range c.texts {
		if strings.HasPrefix(m, `{"t":"`+kind+`"`) && strings.Contains(m, text) {
			return true
		}
	}
	return false
}

func (c *liveClient) await(kind, text string) {
	c.t.Helper()
	c.until(kind+" "+text, func() bool { return c.found(kind, text) })
}

// TestLiveNotices: orders, control, zone, duty, compliance and coverage are told as
// they change, each to who may see them.
func TestLiveNotices(t *testing.T) {
	o := newOwners(t)
	carl, anna, hugo := o.live("Cookie", o.carl.cookie), o.live("Cookie", o.anna.cookie), o.live("Cookie", o.hugo.cookie)
	all := []*liveClient{carl, anna, hugo}
	for _, c := range all {
		c.hello()
		c.await("coverage", `"armed":0,"notEnforced":0`)
	}
	boat := o.sail(10)
	o.want(o.as(o.anna, "POST", "/v1/vehicles/boat-1/orders", `{"kind":"hold"}`), "201")
	for _, c := range []*liveClient{carl, anna} {
		c.await("coverage", `"armed":1`)
		c.await("orders", `"kind":"hold","state":"accepted"`)
		c.await("orders", `"holder":"`+o.anna.ID+`"`)
	}
	o.want(o.as(o.anna, "DELETE", "/v1/vehicles/boat-1/lease", ""), "204")
	anna.await("orders", `"vehicle_id":"boat-1","holder":""`)

	o.want(o.as(o.carl, "PUT", "/v1/zone/state", `{"state":"clear","reason":"storm"}`), "200")
	o.want(o.as(o.carl, "POST", "/v1/duty", `{}`), "201")
	o.heard(boat, 10)
	for _, c := range all {
		c.await("zone", `"state":"clear","reason":"storm"`)
		c.await("duty", `"present":1,"uncovered":[]`)
	}
	carl.await("compliance", `"state":"clear","against":1`)
	anna.await("compliance", `"state":"clear","against":1`)
	hugo.await("compliance", `"state":"clear","against":0`)
	if hugo.found("orders", "") || hugo.found("coverage", `"armed":1`) {
		t.Errorf("harbour is told of acme's boat: %q", hugo.texts)
	}
}

// TestManyOrdersAreOneMessage: a bulk order ends nobody's session.
func TestManyOrdersAreOneMessage(t *testing.T) {
	o := newOwners(t)
	o.sail(10)
	carl := o.live("Cookie", o.carl.cookie)
	carl.hello()
	change := &telemetry.OrderChange{}
	for range 1500 {
		change.Orders = append(change.Orders, telemetry.Changed{ID: "or_gone", Operator: "acme"})
	}
	o.bus.Publish(o.clock.now().UnixMicro(), change)
	carl.await("orders", `"orders":[]`) // what is forgotten is not shown
	for range 5 {
		o.want(o.as(o.carl, "POST", "/v1/vehicles/boat-1/orders", `{"kind":"hold"}`), "201")
	}
	var last ordersMessage
	carl.until("the newest order", func() bool {
		for _, m := range carl.texts {
			if strings.HasPrefix(m, `{"t":"orders"`) {
				_ = json.Unmarshal([]byte(m), &last)
			}
		}
		list := o.as(o.carl, "GET", "/v1/vehicles/boat-1/orders", "")
		var have VehicleOrders
		list.json(t, &have)
		for _, x := range last.Orders {
			if x.ID == have.Items[0].ID && x.State == "accepted" {
				return true
			}
		}
		return false
	})
}
