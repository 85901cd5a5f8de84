package gateway

import (
	"testing"
	"time"

	"testzone/telemetry/mavlink"
	"testzone/vehicles"
)

// A vehicle that two gateways answer for is sent to where it was heard last: the
// other one may be out of its range, and an order would be lost.
func TestRouteOverTheGatewayThatHears(t *testing.T) {
	now := time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)
	keys := &mavlink.Keyring{}
	if err := keys.Set([]*mavlink.Credential{{Vehicle: "uav-1", SystemID: 1, Vouched: true}}); err != nil {
		t.Fatal(err)
	}
	s, v := &Server{intakes: map[intakeKey]*intake{}}, &sender{sys: 1, comp: 1}
	hears := func(id string) {
		k := intakeKey{id: id, keys: keys}
		if s.intakes[k] == nil {
			feed, err := mavlink.NewFeed(mavlink.Config{Name: id, Keys: keys, Clock: func() time.Time { return now }}, newZone())
			if err != nil {
				t.Fatal(err)
			}
			s.intakes[k] = &intake{feed: feed, from: mavlink.NamedAddr(id)}
		}
		now = now.Add(time.Second)
		s.intakes[k].feed.Datagram(s.intakes[k].from, v.beat())
		now = now.Add(time.Second)
		s.intakes[k].feed.Tick() // notes once a second when it was heard
	}
	for _, id := range []string{"pier", "van", "mast", "pier"} {
		hears(id)
		for range 20 { // intakes are in no order
			if r, ok := s.Route(vehicles.Handle(1)); !ok || r.Addr.Addr().Zone() != id {
				t.Fatalf("heard by %s: route %+v, %v", id, r, ok)
			}
		}
	}
}
