package onboard

import (
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/command"
	"testzone/vehicles"
)

// codes are faults in short: code, item and fence.
func codes(faults []Fault) string {
	var out []string
	for _, f := range faults {
		text := f.Code
		if f.Item > 0 {
			text += " " + string(rune('0'+f.Item))
		}
		if f.Fence != "" {
			text += " " + f.Fence
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func vertex(command uint16, r geo.Ring) (out []vehicles.PlanItem) {
	for _, v := range r {
		out = append(out, vehicles.PlanItem{Command: command, Frame: vehicles.FrameGlobalInt, Params: [4]float32{float32(len(r))}, X: v.Lat, Y: v.Lon})
	}
	return out
}

// TestWhatIsNotSent: SAFETY 5. Every reason names the item and the fence.
func TestWhatIsNotSent(t *testing.T) {
	north := func(m float64) geo.Point { return geo.Moved(base, m, 0) }
	banded := fence("wall", geofence.KeepOut, square(north(500), 50))
	banded.Ceiling = geo.Altitude{MM: 60_000, Datum: geo.AMSL}
	agl := banded
	agl.Ceiling.Datum = geo.AGL
	wall := fence("wall", geofence.KeepOut, square(north(500), 50))
	side := fence("side", geofence.KeepOut, square(geo.Moved(base, 500, 500), 60))
	over := func(m float32) []vehicles.PlanItem { return []vehicles.PlanItem{waypoint(north(1000), m)} }
	around := []vehicles.PlanItem{waypoint(geo.Moved(base, 500, 300), 40), waypoint(north(1000), 40), waypoint(geo.Moved(base, 500, 300), 40)}
	cmd := func(id uint16, p1 float32) vehicles.PlanItem {
		return vehicles.PlanItem{Command: id, Frame: vehicles.FrameMission, Params: [4]float32{p1}}
	}
	land := vehicles.PlanItem{Command: 21, Frame: vehicles.FrameRelativeInt, X: north(300).Lat, Y: north(300).Lon}
	up := vehicles.PlanItem{Command: 22, Frame: vehicles.FrameRelativeInt, Z: 80}
	thirty := 30.0
	in := func(halfM float64) []vehicles.PlanItem { return vertex(5001, ring(base, halfM)) }
	for _, c := range []struct {
		name   string
		fences []geofence.Fence
		kind   vehicles.PlanKind
		items  []vehicles.PlanItem
		change func(w *world, q *Request)
		want   string
	}{
		{"a mission", []geofence.Fence{plane, wall}, vehicles.PlanMission, []vehicles.PlanItem{waypoint(north(300), 40), cmd(20, 0)}, nil, ""},
		{"through a wall", []geofence.Fence{plane, wall}, vehicles.PlanMission, over(40), nil, "leg_in_breach 1 wall, return_in_breach 1 wall"},
		{"around it, and home through it", []geofence.Fence{plane, wall}, vehicles.PlanMission, around, nil, "return_in_breach 2 wall"},
		{"ends in it", []geofence.Fence{plane, wall}, vehicles.PlanMission, []vehicles.PlanItem{waypoint(north(200), 40), waypoint(north(500), 40)}, nil, "leg_in_breach 2 wall"},
		{"over it", []geofence.Fence{banded}, vehicles.PlanMission, []vehicles.PlanItem{up, waypoint(north(1000), 80)}, nil, ""},
		{"rises over it too late", []geofence.Fence{banded}, vehicles.PlanMission, over(80), nil, "leg_in_breach 1 wall"},
		{"over it, above the sea", []geofence.Fence{banded}, vehicles.PlanMission, []vehicles.PlanItem{up, {Command: 16, X: north(1000).Lat, Y: north(1000).Lon, Z: 61}}, nil, ""},
		{"sinks behind it", []geofence.Fence{banded}, vehicles.PlanMission, []vehicles.PlanItem{up, {Command: 16, X: north(1000).Lat, Y: north(1000).Lon, Z: 59}}, nil, "return_in_breach 2 wall"},
		{"over a wall above a ground that is not known", []geofence.Fence{agl}, vehicles.PlanMission, []vehicles.PlanItem{up, waypoint(north(1000), 80)}, nil, "leg_in_breach 2 wall, return_in_breach 2 wall"},
		{"home as high as it returns", []geofence.Fence{banded}, vehicles.PlanMission, []vehicles.PlanItem{waypoint(geo.Moved(base, 500, 300), 30), waypoint(north(1000), 30), waypoint(geo.Moved(base, 500, -300), 30)}, func(w *world, _ *Request) { w.returnM = &thirty }, "return_in_breach 2 wall"},
		{"home above it", []geofence.Fence{banded}, vehicles.PlanMission, []vehicles.PlanItem{waypoint(geo.Moved(base, 500, 300), 30), waypoint(north(1000), 30), waypoint(geo.Moved(base, 500, -300), 30)}, func(w *world, _ *Request) { high := 90.0; w.returnM = &high }, ""},
		{"leaves the zone", []geofence.Fence{plane}, vehicles.PlanMission, []vehicles.PlanItem{waypoint(north(1000), 40), waypoint(north(5000), 40)}, nil, "leg_in_breach 2 plane"},
		{"a jump through a wall", []geofence.Fence{wall}, vehicles.PlanMission, []vehicles.PlanItem{waypoint(geo.Moved(base, 100, 0), 40), waypoint(geo.Moved(base, 500, 300), 40), waypoint(geo.Moved(base, 1000, 300), 40), waypoint(geo.Moved(base, 1000, 10), 40), cmd(177, 1)},
			func(w *world, _ *Request) {
				w.home = pointOr(geo.Moved(base, 1000, 600), true)
				w.at = high(*w.home, 0)
			}, "leg_in_breach 5 wall"},
		{"a jump to nowhere", nil, vehicles.PlanMission, []vehicles.PlanItem{waypoint(north(100), 40), cmd(177, 9)}, nil, "item 2"},
		{"a jump to no number", nil, vehicles.PlanMission, []vehicles.PlanItem{waypoint(north(100), 40), cmd(177, float32(math.NaN()))}, nil, "item 2"},
		{"lands and stands", []geofence.Fence{wall}, vehicles.PlanMission, []vehicles.PlanItem{up, land}, nil, ""},
		{"ends the flight", nil, vehicles.PlanMission, []vehicles.PlanItem{waypoint(north(300), 40), cmd(185, 1), cmd(400, 0)}, nil, "item 2, item 3"},
		{"switches the fence off", nil, vehicles.PlanMission, []vehicles.PlanItem{cmd(207, 0), cmd(207, 1), cmd(178, 5), cmd(93, 9)}, nil, "item 1"},
		{"flies somewhere", nil, vehicles.PlanMission, []vehicles.PlanItem{{Command: 33, Frame: 6, X: base.Lat, Y: base.Lon}}, nil, "item 1"},
		{"in a local frame", nil, vehicles.PlanMission, []vehicles.PlanItem{{Command: 16, Frame: 1, X: base.Lat, Y: base.Lon}}, nil, "item 1"},
		{"half a polygon", nil, vehicles.PlanFence, in(300)[:3], nil, "item 3"},

		{"starts in breach", []geofence.Fence{fence("here", geofence.KeepOut, square(base, 20))}, vehicles.PlanMission, over(40), nil, "vehicle_in_breach here, home_in_breach here"},
		{"home in breach", []geofence.Fence{fence("there", geofence.KeepOut, square(base, 20))}, vehicles.PlanMission, over(40), func(w *world, _ *Request) { w.at = high(north(200), 0) }, "home_in_breach there"},
		{"no position", nil, vehicles.PlanMission, over(40), func(w *world, _ *Request) { w.noFix = true }, "no_position"},
		{"no home", nil, vehicles.PlanMission, over(40), func(w *world, _ *Request) { w.home = nil }, "no_home"},

		{"a fence", nil, vehicles.PlanFence, append(in(300), vertex(5002, ring(north(200), 20))...), nil, ""},
		{"outside its inclusion", nil, vehicles.PlanFence, in(300), func(w *world, _ *Request) { w.at = high(north(400), 0) }, "vehicle_in_breach item 1"},
		{"on its edge", nil, vehicles.PlanFence, in(300), func(w *world, _ *Request) { w.at = high(geo.Point{Lat: ring(base, 300)[2].Lat, Lon: base.Lon}, 0) }, "vehicle_in_breach item 1"},
		{"within an exclusion", nil, vehicles.PlanFence, append(in(300), vehicles.PlanItem{Command: 5004, Frame: 5, X: north(10).Lat, Y: base.Lon, Params: [4]float32{15}}), nil, "vehicle_in_breach item 5, home_in_breach item 5"},
		{"its way back through an exclusion", nil, vehicles.PlanFence, vertex(5002, ring(north(200), 20)), func(w *world, _ *Request) { w.at = high(north(400), 0) }, "return_in_breach item 1"},
		{"the return point in an exclusion", nil, vehicles.PlanFence, append(vertex(5002, ring(north(200), 20)), vehicles.PlanItem{Command: 5000, Frame: 6, X: north(200).Lat, Y: base.Lon}), nil, "return_in_breach 5 item 1"},
		{"two inclusions, the vehicle takes both", nil, vehicles.PlanFence, append(in(300), vertex(5001, ring(north(5000), 300))...), func(w *world, q *Request) { q.Union = true }, "inclusions"},
		{"two inclusions, it takes any", nil, vehicles.PlanFence, append(in(300), vertex(5001, ring(north(5000), 300))...), func(w *world, q *Request) { w.options, q.Union = 3, true }, ""},
		{"two inclusions, who knows", nil, vehicles.PlanFence, append(in(300), in(200)...), func(w *world, _ *Request) { w.answer = ErrSilent }, "inclusions"},
		{"of the zone", []geofence.Fence{plane, wall}, vehicles.PlanFence, nil, func(_ *world, q *Request) { q.FromZone = true }, ""},
		{"of the zone, flying over a wall", []geofence.Fence{plane, banded}, vehicles.PlanFence, nil, func(w *world, q *Request) { q.FromZone = true; w.at = high(north(500), 80) }, "vehicle_in_breach item 5"},
		{"none of the zone", []geofence.Fence{agl}, vehicles.PlanFence, nil, func(w *world, q *Request) { q.FromZone = true; w.id.Class = vehicles.ICV; w.id.Operator = "" }, ""},
		{"of a zone without fences", nil, vehicles.PlanFence, nil, func(_ *world, q *Request) { q.FromZone = true }, "nothing_to_carry"},

		{"rally points", []geofence.Fence{wall}, vehicles.PlanRally, []vehicles.PlanItem{{Command: 5100, Frame: 6, X: north(200).Lat, Y: base.Lon, Z: 30}}, nil, ""},
		{"a rally point in a wall", []geofence.Fence{wall}, vehicles.PlanRally, []vehicles.PlanItem{{Command: 5100, Frame: 6, X: north(200).Lat, Y: base.Lon, Z: 30}, {Command: 5100, Frame: 6, X: north(500).Lat, Y: base.Lon, Z: 30}}, nil, "rally_in_breach 2 wall"},
		{"the way to it through a wall", []geofence.Fence{wall, side}, vehicles.PlanRally, []vehicles.PlanItem{{Command: 5100, Frame: 6, X: north(900).Lat, Y: base.Lon, Z: 30}}, nil, "return_in_breach wall"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, c.fences...)
			q := Request{Vehicle: "uav-7", Kind: c.kind, Items: c.items, By: anna, Try: true}
			if c.change != nil {
				c.change(w, &q)
			}
			_, faults, err := w.p.Upload(t.Context(), q)
			if got := codes(faults); got != c.want || err != nil {
				t.Errorf("%s: %q, want %q; %v %+v", c.name, got, c.want, err, faults)
			}
			q.Try = false
			_, again, err := w.p.Upload(t.Context(), q)
			if (err == nil) != (c.want == "") || len(again) != len(faults) || c.want != "" && !errors.Is(err, ErrRefused) {
				t.Errorf("%s: not as tried: %v", c.name, err)
			}
			synctest.Wait()
			if w.mu.Lock(); w.uploads > 0 && c.want != "" {
				t.Errorf("%s: it was sent", c.name)
			}
			w.mu.Unlock()
		})
	}
}

// TestWhoMayChangeWhatAVehicleCarries: SAFETY 2 and 5.
func TestWhoMayChangeWhatAVehicleCarries(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *world, q *Request)
		want   error
	}{
		{"its operator", func(*world, *Request) {}, nil},
		{"nobody is followed", func(_ *world, q *Request) { q.Vehicle = "uav-8" }, command.ErrUnreachable},
		{"it proved nothing", func(w *world, _ *Request) { w.id.Verified = false }, command.ErrUnverified},
		{"its link is lost", func(w *world, _ *Request) { w.lost = true }, command.ErrUnreachable},
		{"it flies", func(w *world, _ *Request) { w.flying = true }, ErrMoves},
		{"it flies, and that is said", func(w *world, q *Request) { w.flying, q.Moving = true, true }, nil},
		{"somebody else has it", func(w *world, _ *Request) { w.leased.Holder = "carl" }, command.ErrLeased},
		{"it is taken over", func(w *world, q *Request) { w.leased.Holder, q.TakeOver = "carl", true }, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, plane)
			q := Request{Vehicle: "uav-7", Kind: vehicles.PlanFence, FromZone: true, By: anna}
			c.change(w, &q)
			for _, try := range []bool{true, false} {
				q.Try = try
				if _, _, err := w.p.Upload(t.Context(), q); !errors.Is(err, c.want) {
					t.Errorf("%s: %v, want %v", c.name, err, c.want)
				}
			}
			synctest.Wait()
			if _, err := w.p.Clear(t.Context(), q); !errors.Is(err, c.want) {
				t.Errorf("%s, to clear: %v, want %v", c.name, err, c.want)
			}
		})
	}
}
