package telemetry

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// fleetOf is n vehicles of an operator.
func fleetOf(n int, verified bool) []*vehicles.Identity {
	out := ghosts(n)
	for _, id := range out {
		id.Verified, id.Class, id.Operator = verified, vehicles.UAV, "op"
	}
	return out
}

// spot is a place so far north of another one.
func spot(km float64) geo.Point {
	return geo.Moved(geo.Point{Lat: 310_000_000, Lon: 1_210_000_000}, km*1000, 0)
}

func (r *bookRig) signs(id *vehicles.Identity, s vehicles.Signs, km float64) {
	r.publish(&SignalChange{Vehicle: id, Signs: s, At: spot(km)})
}

func (r *bookRig) jump(id *vehicles.Identity, km float64) {
	j := &Jump{Vehicle: id}
	j.ReceivedUS, j.After.Point = time.Now().UnixMicro(), spot(km)
	r.publish(j)
}

// areas is what the alerts of interference say: "vehicles:signs ...", by the time
// they were raised.
func (r *bookRig) areas() string {
	var out []string
	for _, a := range r.Alerts(WholeZone(), true) {
		if a.Type != GNSSInterference {
			continue
		}
		var in []string
		for _, v := range a.Area.Vehicles {
			in = append(in, strings.TrimPrefix(string(v.ID), "unverified-")+":"+strings.Join(v.Signs, "+"))
		}
		out = append(out, strings.Join(in, " ")+map[bool]string{true: " over"}[a.ClearedUS != 0])
	}
	return strings.Join(out, "; ")
}

func TestInterferenceIsOneAlarm(t *testing.T) {
	const jammed, noFix = vehicles.SignJammed, vehicles.SignNoFix
	for _, tc := range []struct {
		name string
		do   func(r *bookRig, v []*vehicles.Identity)
		want string
	}{
		{"two vehicles have two troubles", func(r *bookRig, v []*vehicles.Identity) {
			r.signs(v[0], jammed, 0)
			r.signs(v[1], jammed, 0)
		}, ""},
		{"three at once have one", func(r *bookRig, v []*vehicles.Identity) {
			r.signs(v[0], jammed, 0)
			r.signs(v[1], noFix, 2)
			r.signs(v[2], vehicles.SignEstimator, 4)
		}, "0:jamming 1:no_fix 2:estimator"},
		{"too far apart", func(r *bookRig, v []*vehicles.Identity) {
			r.signs(v[0], jammed, 0)
			r.signs(v[1], jammed, 6)
			r.signs(v[2], jammed, 12)
		}, ""},
		{"too long apart", func(r *bookRig, v []*vehicles.Identity) {
			r.signs(v[0], jammed, 0)
			time.Sleep(6 * time.Second)
			r.signs(v[1], jammed, 0)
			time.Sleep(6 * time.Second)
			r.signs(v[2], jammed, 0)
		}, ""},
		{"one with three signs is one", func(r *bookRig, v []*vehicles.Identity) {
			r.signs(v[0], jammed, 0)
			r.signs(v[0], jammed|noFix, 0)
			r.signs(v[0], jammed|noFix|vehicles.SignEstimator, 0)
		}, ""},
		{"the end of a sign is none", func(r *bookRig, v []*vehicles.Identity) {
			for _, id := range v[:3] {
				r.signs(id, 0, 0)
			}
		}, ""},
		{"jumps", func(r *bookRig, v []*vehicles.Identity) {
			for _, id := range v[:3] {
				r.jump(id, 0)
			}
		}, "0:jump 1:jump 2:jump"},
		{"a fourth joins, and a new sign", func(r *bookRig, v []*vehicles.Identity) {
			for _, id := range v {
				r.signs(id, jammed, 0)
			}
			r.signs(v[0], jammed|noFix, 0)
			second()
		}, "0:no_fix+jamming 1:jamming 2:jamming 3:jamming"},
		{"it ends when all have been quiet for long", func(r *bookRig, v []*vehicles.Identity) {
			for _, id := range v[:3] {
				r.signs(id, jammed, 0)
			}
			time.Sleep(2 * interferedQuiet)
			for _, id := range v[:3] {
				r.signs(id, 0, 0)
			}
			time.Sleep(interferedQuiet + 2*time.Second)
		}, "0:jamming 1:jamming 2:jamming over"},
		{"it holds while one shows a sign", func(r *bookRig, v []*vehicles.Identity) {
			for _, id := range v[:3] {
				r.signs(id, jammed, 0)
			}
			r.signs(v[0], 0, 0)
			r.signs(v[1], 0, 0)
			time.Sleep(3 * interferedQuiet)
		}, "0:jamming 1:jamming 2:jamming"},
		{"it ends when they are gone", func(r *bookRig, v []*vehicles.Identity) {
			for _, id := range v[:3] {
				r.signs(id, jammed, 0)
			}
			for _, id := range v[:3] {
				r.publish(&Gone{Vehicle: id})
			}
			time.Sleep(interferedQuiet + 2*time.Second)
		}, "0:jamming 1:jamming 2:jamming over"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, &memory{})
			defer r.stop(t)
			tc.do(r, fleetOf(4, true))
			synctest.Wait()
			if got := r.areas(); got != tc.want {
				t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
			}
		})
	}
}

// TestInterferenceGroups: jumps of its vehicles raise no more alerts, breaches do
// and say where they belong.
func TestInterferenceGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &memory{})
		defer r.stop(t)
		v := fleetOf(6, true)
		for _, id := range v[:5] {
			r.jump(id, 0)
		}
		r.publish(crossing(geofence.Entered, v[3], time.Now().UnixMicro()))
		r.publish(crossing(geofence.Entered, v[5], time.Now().UnixMicro()))
		var area string
		var told []string
		all := r.Alerts(WholeZone(), true)
		for _, a := range all {
			if a.Type == GNSSInterference {
				area = a.ID
			}
		}
		for i := range all {
			if a := &all[i]; a.ID != area {
				told = append(told, fmt.Sprintf("%s of %s %v", a.Type, a.Vehicle.ID, a.Under == area))
			}
		}
		want := "position_jump of unverified-0 true, position_jump of unverified-1 true, fence_breach of unverified-3 true, fence_breach of unverified-5 false"
		if got := strings.Join(told, ", "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// TestInterferenceOfClaims: what unverified vehicles claim silences no verified one.
func TestInterferenceOfClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &memory{})
		defer r.stop(t)
		for _, id := range fleetOf(3, false) {
			r.jump(id, 0)
		}
		r.jump(drone, 0)
		jumps := count(r.Alerts(WholeZone(), true), func(a *Alert) bool { return a.Type == PositionJump && a.Vehicle.ID == drone.ID })
		if jumps != 1 {
			t.Errorf("%d alerts of the verified vehicle", jumps)
		}
		for _, a := range r.Alerts(WholeZone(), true) {
			if a.Type == GNSSInterference && a.Vehicle.Verified {
				t.Error("a claim is shown as verified")
			}
		}
	})
}

func TestInterferenceInViews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := &memory{}
		r := newRig(t, kept)
		v := fleetOf(3, true)
		v[2].Operator = "harbour"
		for _, id := range v {
			r.signs(id, vehicles.SignJammed, 0)
		}
		if mine := r.Alerts(OfOperator("harbour"), true); len(mine) != 1 || len(mine[0].Area.Vehicles) != 1 || mine[0].Area.Vehicles[0].ID != v[2].ID {
			t.Errorf("its own: %+v", mine)
		}
		if others := r.Alerts(OfOperator("nobody"), true); len(others) != 0 {
			t.Errorf("nobody of theirs: %+v", others)
		}
		r.stop(t)
		r = newRig(t, kept) // an interference that goes on is found again
		defer r.stop(t)
		synctest.Wait()
		if all := r.Alerts(WholeZone(), true); len(all) != 1 || all[0].Cause != "server_restarted" {
			t.Errorf("after a restart: %+v", all)
		}
	})
}

// TestSignsOfATrack: the shard tells each change once, and what is interfered with
// is not enforced.
func TestSignsOfATrack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBreachRig(t, vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut})
		defer r.stop()
		signs := func() string {
			events, _ := r.heard.Take()
			var out []string
			for _, e := range events {
				if c, ok := e.Body.(*SignalChange); ok {
					out = append(out, "["+strings.Join(c.Signs.Names(), " ")+"]")
				}
			}
			return strings.Join(out, " ")
		}
		spoil := func(seconds int, change func(q *vehicles.Report)) string {
			change(&r.quality)
			for range 10 * seconds {
				r.Reports([]vehicles.Report{heartbeatOf(r.id.Handle)})
				r.at(-50)
			}
			return signs()
		}
		for _, tc := range []struct {
			name   string
			change func(q *vehicles.Report)
			want   string
		}{
			{"well", func(*vehicles.Report) {}, ""},
			{"jammed", func(q *vehicles.Report) {
				q.Has |= vehicles.HasSignal
				q.Jamming = vehicles.InterferenceCritical
			}, "[jamming]"},
			{"the fix goes too", func(q *vehicles.Report) { q.FixType = 1 }, "[no_fix jamming]"},
			{"well again", func(q *vehicles.Report) { q.Jamming, q.FixType = vehicles.InterferenceOK, 3 }, "[]"},
			{"it copes with spoofing", func(q *vehicles.Report) { q.Spoofing = vehicles.InterferenceWarning }, "[spoofing]"},
			{"the receiver says no more of it", func(q *vehicles.Report) { q.Has &^= vehicles.HasSignal }, "[]"},
			{"the estimator", func(q *vehicles.Report) {
				q.Has |= vehicles.HasEstimator
				q.Estimator = vehicles.EstimatorFaulty
			}, "[estimator]"},
		} {
			if got := spoil(7, tc.change); got != tc.want {
				t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
			}
			if tc.name == "jammed" {
				a := r.only(t)
				if a.Type != NotEnforced || strings.Join(a.Evidence.Lacks, " ") != "gnss_interference" {
					t.Errorf("alert %s lacks %v", a.Type, a.Evidence.Lacks)
				}
			}
		}
	})
}
