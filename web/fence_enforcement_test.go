package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"testzone/vehicles"
)

// TestFenceEnforcement holds that a fence names every vehicle that it applies to
// and cannot be enforced for, with the reason that lies in this fence, not in others.
func TestFenceEnforcement(t *testing.T) {
	z := newTestZone(t, zoneOptions{inForce: func(string) bool { return true }})
	drone := z.open(1, vehicles.UAV)
	z.report(drone, 30.905, 121.925, 50)
	eventually(t, "the drone is seen", func() bool {
		var l TrackList
		z.call(adminToken, "GET", "/v1/tracks", "").json(t, &l)
		return len(l.Items) == 1
	})
	for _, c := range []struct{ name, more, want string }{
		{"amsl", `,"ceiling":{"m":120,"datum":"amsl"}`, "1 1 [unverified quality_unknown]"},
		{"agl", `,"ceiling":{"m":120,"datum":"agl"}`, "1 1 [unverified altitude_unknown quality_unknown]"},
		{"agl, exempt by name, but unverified", `,"ceiling":{"m":120,"datum":"agl"},"applies":{"exempt_vehicles":["` + string(drone.ID) + `"]}`, "1 1 [unverified altitude_unknown quality_unknown]"},
		{"boats only", `,"applies":{"classes":["usv"]}`, "0 0"},
	} {
		f := z.fenceNow(fenceBody(c.name, square, c.more))
		var e FenceEnforcement
		z.call(observerToken, "GET", "/v1/fences/"+f.ID+"/enforcement", "").json(t, &e)
		got := fmt.Sprint(e.Applies, e.NotEnforced)
		for _, v := range e.Vehicles {
			got += fmt.Sprint(" ", v.Reasons)
		}
		if strings.TrimSpace(got) != c.want || !e.InForce {
			t.Errorf("%s: %s, in force %v; want %s", c.name, got, e.InForce, c.want)
		}
	}
	if r := z.call(observerToken, "GET", "/v1/fences/fn_none/enforcement", ""); r.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown fence answers %d", r.StatusCode)
	}
}
