package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"

	"testzone/airspace/site"
	"testzone/web"
)

func TestDemoSitesAreSound(t *testing.T) {
	kinds := map[site.Kind]bool{}
	for _, s := range demoSites() {
		kinds[s.Kind] = true
		if err := s.Check(); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
	for _, k := range []site.Kind{site.Pad, site.Road, site.Waterway, site.Frequency} {
		if !kinds[k] {
			t.Errorf("the demo has no %s", k)
		}
	}
}

// The notice of a restriction is due by the rule pack of the zone's place; a place whose
// pack has no such clock has none.
func TestNoticeDue(t *testing.T) {
	from := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		place, clock string
		before       time.Duration
	}{{"cn-shanghai", "tca.major", 24 * time.Hour}, {"cn-shanghai/pudong", "tca.urgent", 30 * time.Minute}, {"", "tca.major", 0}} {
		s := &server{cfg: serverConfig{config: defaultConfig()}}
		s.cfg.Zone.Place = c.place
		due, pack := s.noticeDue(c.clock, from.UnixMicro())
		if c.before == 0 {
			if due != 0 || pack != "" {
				t.Errorf("%q: due %d by %q", c.place, due, pack)
			}
			continue
		}
		if want := from.Add(-c.before).UnixMicro(); due != want || !strings.HasPrefix(pack, "cn-shanghai") {
			t.Errorf("%s %s: due %v by %q", c.place, c.clock, time.UnixMicro(due).UTC(), pack)
		}
	}
}

// A controller closes the place where a vehicle stands: it may not arm, and when the
// restriction is ended it may.
func TestRestrictionKeepsFromArming(t *testing.T) {
	p := serve(t, t.TempDir(), signedListener)
	_, secret := p.enrol("uav-9", "uav", 9)
	conn := p.dialSigned()
	a := &asker{testVehicle: newTestVehicle(t, conn, 9, 1, ardupilotmega.MAV_TYPE_QUADROTOR).signWith(secret), ear: listenFor(t, conn, secret)}
	p.ask(http.StatusCreated, "POST", "/v1/duty", map[string]any{}, nil)
	p.told(a, "granted 30 s")
	var made web.Restriction
	p.ask(http.StatusCreated, "POST", "/v1/restrictions", map[string]any{
		"name": "Fire", "kind": "urgent", "to": time.Now().Add(time.Hour).UTC().Format(time.RFC3339), "radius_m": 5000,
		"geometry": map[string]any{"type": "Point", "coordinates": []float64{121.93, 30.9}},
	}, &made)
	p.told(a, "Arming denied: restricted: Fire")
	p.ask(http.StatusOK, "POST", "/v1/restrictions/"+made.ID+"/end", map[string]any{"reason": "it is out"}, nil, "If-Match", fmt.Sprintf("%q", fmt.Sprint(made.Rev)))
	p.told(a, "granted 30 s")
}
