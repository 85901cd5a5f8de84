package main

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"testzone/web"
)

const endsFlights = "orders: {flight_termination: true}"

// safetyOfTermination are attempts on rule 7: flight termination is never automatic and
// needs two persons.
var safetyOfTermination = []attempt{
	{7, "one person is not two, whatever hands it uses", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 1, extra: endsFlights})
		f.hire("opal", "acme", "test_operator")
		p, _ := f.proposes(f.ada, http.StatusCreated, "uav-1")
		var key struct{ Secret string }
		f.ada.ask(http.StatusCreated, "POST", "/v1/keys", body{"label": "script", "scopes": []string{"zone.read", "zone.control", "vehicle.command"}}, &key)
		byKey := f.by(f.p, "")
		byKey.token = key.Secret
		for name, who := range map[string]*program{"herself": f.ada, "her key": byKey, "an operator": f.by(f.p, "opal"), "the token": f.p} {
			f.t.Log(name)
			f.confirms(who, http.StatusForbidden, &p)
		}
		f.ada.ask(http.StatusNoContent, "DELETE", terminations("uav-1")+"/"+p.ID, nil, nil)
		f.confirms(f.bob, http.StatusConflict, &p) // withdrawn
		f.proposes(byKey, http.StatusForbidden, "uav-1")
		f.proposes(f.by(f.p, "opal"), http.StatusForbidden, "uav-1")
		f.heardAgain("uav-1", 20)
		if sent := f.relay.orders(1, time.Time{}); len(sent) > 0 {
			f.t.Errorf("one person sent %v", sent)
		}
	}},
	{7, "a flight ends once, however often it is confirmed", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 1, extra: endsFlights})
		p, _ := f.proposes(f.ada, http.StatusCreated, "uav-1")
		var all sync.WaitGroup
		answers := make([]int, 8)
		for i := range answers {
			all.Go(func() {
				answers[i], _, _, _ = f.bob.call("POST", terminations("uav-1")+"/"+p.ID+"/confirm", body{"vehicle": "uav-1"})
			})
		}
		all.Wait()
		if n := len(slices.DeleteFunc(answers, func(s int) bool { return s != http.StatusOK })); n != 1 {
			f.t.Errorf("%d of 8 confirmations were accepted", n)
		}
		var list vehicleOrdersJSON
		f.p.get("/v1/vehicles/uav-1/orders", &list)
		if len(list.Items) != 1 {
			f.t.Errorf("it was ordered %d times: %+v", len(list.Items), list)
		}
	}},
	{7, "two persons end no flight where it is switched off, nor in an order to many", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 1})
		_, why := f.proposes(f.ada, http.StatusConflict, "uav-1")
		says(f.t, why, "switched off", "orders.flight_termination")
		status, _, raw, err := f.ada.call("POST", "/v1/orders?dry_run=true", body{"kind": "terminate", "of": body{"all": true}})
		if err != nil || status != http.StatusUnprocessableEntity {
			f.t.Errorf("to many: %d %v %s", status, err, raw)
		}
		if sent := f.relay.orders(1, time.Time{}); len(sent) > 0 {
			f.t.Errorf("it was sent %v", sent)
		}
	}},
	{7, "what two persons decided does not outlive what they saw", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 3, extra: endsFlights})
		f.hire("opal", "acme", "test_operator")
		taken, _ := f.proposes(f.ada, http.StatusCreated, "uav-1")
		f.by(f.p, "opal").ask(http.StatusOK, "PUT", "/v1/vehicles/uav-1/lease", body{}, nil)
		says(f.t, f.confirms(f.bob, http.StatusConflict, &taken), "has the control")
		restarted, _ := f.proposes(f.ada, http.StatusCreated, "uav-3")
		f.p.terminate()
		f.serve(endsFlights)
		f.follows("uav-3")
		f.confirms(f.bob, http.StatusConflict, &restarted) // restarted since; or a minute has gone
		for _, sys := range []uint8{1, 3} {
			if sent := f.relay.orders(sys, time.Time{}); len(sent) > 0 {
				f.t.Errorf("system %d was sent %v", sys, sent)
			}
		}
	}},
	{7, "the ladder and an order to many leave alone what falls", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 3, extra: endsFlights})
		f.confirmed()
		p, _ := f.proposes(f.ada, http.StatusCreated, "uav-1")
		f.confirms(f.bob, http.StatusOK, &p)
		f.becomes("uav-1", p.Order.ID, "in_effect")
		since := time.Now()
		f.over("uav-1", "hold")
		f.over("uav-3", "hold")
		order := body{"kind": "hold", "of": body{"classes": []string{"uav"}}, "take_over": true}
		var preview web.BulkOrder
		f.ada.ask(http.StatusOK, "POST", "/v1/orders?dry_run=true", order, &preview)
		for i := range preview.Items {
			if it := &preview.Items[i]; it.VehicleID == "uav-1" && it.Kind != "" && it.Cannot == "" {
				f.t.Errorf("an order to many would command it: %+v", it)
			}
		}
		f.until(func() string { // the ladder works, and has looked at both
			if len(f.relay.orders(3, since)) == 0 {
				return "the ladder to order the other one"
			}
			return ""
		})
		f.heardAgain("uav-1", 20)
		if sent := f.relay.orders(1, since); len(sent) > 0 {
			f.t.Errorf("it was sent %v", sent)
		}
	}},
}
