package web

import (
	"fmt"
	"strings"
	"testing"

	"testzone/telemetry/command/ladder"
	"testzone/telemetry/journal"
)

// TestBreachEnforcement: what is done about a breach is seen by whose vehicle it is, and
// decided by the zone.
func TestBreachEnforcement(t *testing.T) {
	const path, decide = "/v1/vehicles/boat-1/enforcement", `{"decision":"let_be","reason":"a rescue"}`
	o := newOwners(t)
	o.want(o.as(o.carl, "GET", path, ""), "404 not_found")
	o.sail(10)
	for i, l := range []struct{ vehicle, operator, state string }{{"boat-1", "acme", "ended"}, {"boat-1", "acme", "overridden"}, {"boat-9", "harbour", "frozen"}} {
		body := fmt.Sprintf(`{"type":"enforcement.step","at_us":5,"ladder":{"id":"la_%d","vehicle":%q,"operator":%q,"class":"usv","state":%q,"began_us":%d,
			"fence":{"id":"fn_1","name":"river","response":"hold"},"breaches":[{"id":"fn_1","name":"river","response":"hold","since_us":4}],"called":"its link was lost",
			"steps":[{"kind":"hold","for":"hold","order":"or_1","outcome":"accepted","evidence_us":1000000,"asked_us":1001000,"sent_us":1004000,"accepted_us":1200000}],
			"override":{"since_us":7,"mode":"manual","ordered":true}}}`, i, l.vehicle, l.operator, l.state, 10+i)
		if err := o.server.cfg.Enforcement.Replay(journal.Record{Seq: uint64(i + 1), Entry: journal.Entry{Schema: ladder.Schema, Body: []byte(body)}}); err != nil {
			t.Fatal(err)
		}
	}
	list := func(who account, path string) (ids string) {
		t.Helper()
		var got EnforcementList
		r := o.as(who, "GET", path, "")
		o.want(r, "200")
		r.json(t, &got)
		for _, l := range got.Items {
			ids += l.ID + " "
		}
		return ids
	}
	for _, c := range []struct {
		who        account
		path, want string
	}{
		{o.carl, "/v1/enforcement", "la_2 la_1 "},
		{o.carl, "/v1/enforcement?state=all", "la_2 la_1 la_0 "},
		{o.anna, "/v1/enforcement?state=all", "la_1 la_0 "},
		{o.hugo, "/v1/enforcement?state=all", "la_2 "},
		{o.anna, path, "la_1 la_0 "},
		{o.carl, path + "?limit=1", "la_1 "},
	} {
		if got := list(c.who, c.path); got != c.want {
			t.Errorf("%s of %s: %q, want %q", c.path, c.who.ID, got, c.want)
		}
	}
	o.want(o.as(o.hugo, "GET", path, ""), "404 not_found")
	r := o.as(o.anna, "GET", path, "")
	for _, has := range []string{`"sent_ms":4`, `"effect_ms":null`, `"mode":"manual"`, `"call":"its link was lost"`, `"mode":"off"`} {
		if !strings.Contains(string(r.body), has) {
			t.Errorf("the list has no %s: %s", has, r.body)
		}
	}
	o.want(o.as(o.anna, "POST", path+"/decision", decide), "403 forbidden")
	o.want(o.as(o.carl, "POST", path+"/decision", `{"decision":"let_be"}`), "422 invalid")
	o.want(o.as(o.carl, "POST", path+"/decision", `{"decision":"terminate","reason":"x"}`), "422 invalid")
	o.want(o.as(o.carl, "POST", path+"/decision", decide), "409 nothing_enforced") // this server enforces nothing
	o.want(o.as(o.carl, "POST", "/v1/enforcement/confirm", `{"reason":"x"}`), "409 nothing_waits")
}

// Who follows events sees what is done about breaches of the vehicles that it sees; that
// somebody confirmed them all is for auditors.
func TestEventsOfEnforcement(t *testing.T) {
	rec := journal.Record{Seq: 3, Entry: journal.Entry{Schema: ladder.Schema, Body: []byte(
		`{"type":"enforcement.frozen","at_us":5,"ladder":{"id":"la_1","vehicle":"boat-1","operator":"acme","state":"frozen"}}`)}}
	if e, visible := eventOf(&rec, false); !visible || e.Type != "enforcement.frozen" || e.Enforcement == nil || e.Enforcement.ID != "la_1" || e.operator != "acme" {
		t.Errorf("a step: %v %+v", visible, e)
	}
	rec.Body = []byte(`{"type":"enforcement.confirmed","by":"carl","at_us":5,"reason":"looked"}`)
	if _, visible := eventOf(&rec, false); visible {
		t.Error("everybody sees who confirmed")
	}
	if e, visible := eventOf(&rec, true); !visible || e.By != "carl" {
		t.Errorf("an auditor: %v %+v", visible, e)
	}
}
