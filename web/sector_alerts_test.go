package web

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"testzone/airspace"
	"testzone/geofence/geo"
	"testzone/telemetry"
)

// TestAlertsBySector: the list asks for sectors; an alert of no known sector is in every
// list; a handover is briefed about its own sectors, and about what is critical elsewhere.
func TestAlertsBySector(t *testing.T) {
	z := newTestZone(t, zoneOptions{sectors: []airspace.Sector{
		{ID: "west", Name: "West", Ring: geo.MustRing("30.80,121.80 30.80,121.93 31.00,121.93 31.00,121.80")},
		{ID: "east", Name: "East", Ring: geo.MustRing("30.80,121.93 30.80,122.00 31.00,122.00 31.00,121.93")},
	}})
	z.organisation("zone", "authority")
	carl, dora := z.account("carl", "zone", "controller"), z.account("dora", "zone", "controller")
	z.want(z.as(carl, "POST", "/v1/fences", fenceBody("river", square, "")), "201")
	inWest, lost := z.operated(1, "acme"), z.operated(2, "acme")
	z.report(inWest, 30.905, 121.925, 50)
	west := z.alertOf(inWest)
	z.bus.Publish(z.clock.now().UnixMicro(), &telemetry.Call{Vehicle: lost, Source: telemetry.CallOrders, Began: true, Why: "nobody knows where it is"})
	nowhere := z.alertOf(lost)

	for query, want := range map[string][]string{
		"":                  {nowhere, west},
		"?sector=west":      {nowhere, west},
		"?sector=east":      {nowhere},
		"?sector=east,west": {nowhere, west},
		"?sector=harbour":   {nowhere},
	} {
		var list AlertList
		z.as(carl, "GET", "/v1/alerts"+query, "").json(t, &list)
		var got []string
		for _, a := range list.Items {
			if a.Type == "fence_breach" || a.Type == "call_person" {
				got = append(got, a.ID)
			}
			if a.ID == west && !slices.Equal(a.Sectors, []string{"west"}) || a.ID == nowhere && len(a.Sectors) != 0 {
				t.Errorf("%s is of %v", a.ID, a.Sectors)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%q lists %v, want %v", query, got, want)
		}
	}
	var first AlertList
	z.as(carl, "GET", "/v1/alerts?limit=1&sector=west", "").json(t, &first)
	z.want(z.as(carl, "GET", "/v1/alerts?limit=1&sector=east&cursor="+url.QueryEscape(*first.Next), ""), "422 bad_cursor")

	briefed := func(sector string) string {
		t.Helper()
		var duty Duty
		z.as(carl, "POST", "/v1/duty", `{"sectors":["`+sector+`"]}`).json(t, &duty)
		z.want(z.as(carl, "POST", "/v1/duty/"+duty.ID+"/handover", `{"to":"`+dora.ID+`"}`), "200")
		var board DutyBoard
		z.as(dora, "GET", "/v1/duty", "").json(t, &board)
		var lines []string
		for _, item := range board.Items[0].Offer.Briefing {
			if item.ID == west || item.ID == nowhere {
				lines = append(lines, item.Text)
			}
		}
		return strings.Join(lines, "\n")
	}
	if text := briefed("west"); strings.Count(text, "\n") != 1 || !strings.Contains(text, "sector west") || strings.Contains(text, "not handed over") {
		t.Errorf("the west is handed over with\n%s", text)
	}
	if text := briefed("east"); !strings.HasSuffix(text, "sector west (not handed over)") || strings.HasPrefix(text, "level 3 fence_breach") {
		t.Errorf("the east is handed over with\n%s", text)
	}
}
