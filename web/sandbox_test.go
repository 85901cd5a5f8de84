package web

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"testzone/telemetry"
)

// rehearsal is a zone with a sandbox of a developer and an observer.
type rehearsal struct {
	*testZone
	carl, dev, eye, hugo account
	auditor              string
}

const clockPath = "/v1/organisations/play/clock"

func newRehearsal(t *testing.T) *rehearsal {
	t.Helper()
	z, carl, auditor := auditedZone(t)
	r := &rehearsal{testZone: z, carl: carl, auditor: auditor}
	z.organisation("play", "sandbox")
	z.organisation("harbour", "operator")
	r.dev, r.eye, r.hugo = z.account("dora", "play", "test_operator"), z.account("egon", "play", "observer"), z.account("hugo", "harbour", "test_operator")
	return r
}

// to moves the clock to a time from now, against a revision.
func (r *rehearsal) to(who account, ahead time.Duration, rev int) reply {
	r.t.Helper()
	return r.as(who, "PUT", clockPath, fmt.Sprintf(`{"now":%q}`, time.Now().Add(ahead).UTC().Format(time.RFC3339Nano)), "If-Match", fmt.Sprintf("%q", fmt.Sprint(rev)))
}

func TestMoveClock(t *testing.T) {
	r := newRehearsal(t)
	read := r.as(r.eye, "GET", clockPath, "")
	var c OrganisationClock
	read.json(t, &c)
	if read.Header.Get("ETag") != `"1"` || c.AheadS != 0 || c.Now != c.ServerNow {
		t.Errorf("unmoved: %s %s", read.Header.Get("ETag"), read.body)
	}
	moved := r.to(r.dev, 90*time.Minute, 1)
	r.want(moved, "200")
	moved.json(t, &c)
	if moved.Header.Get("ETag") != `"2"` || c.AheadS < 5000 || c.AheadS > 5401 {
		t.Errorf("moved: %s %s", moved.Header.Get("ETag"), moved.body)
	}
	r.want(r.to(r.dev, time.Hour, 2), "422 invalid")
	r.want(r.to(r.dev, 2*time.Hour, 1), "412 stale")
	r.want(r.as(r.dev, "PUT", clockPath, `{"now":"2100-01-01T00:00:00Z"}`), "428 if_match_required")
	r.want(r.to(r.eye, 2*time.Hour, 2), "403 forbidden")
	r.want(r.to(r.carl, 2*time.Hour, 2), "403 forbidden")
	r.want(r.to(r.hugo, 2*time.Hour, 2), "404 not_found")
	r.want(r.as(r.hugo, "GET", clockPath, ""), "404 not_found")
	r.want(r.call(adminToken, "PUT", "/v1/organisations/harbour/clock", `{"now":"2100-01-01T00:00:00Z"}`, "If-Match", `"1"`), "422 invalid")

	// What the clock shows in whole seconds is a change that an administrator can write back.
	o := r.call(adminToken, "PUT", "/v1/organisations/play", fmt.Sprintf(`{"name":"play","disabled":false,"clock_ahead_s":%d}`, c.AheadS), "If-Match", `"2"`)
	r.want(o, "200")
	eventually(t, "the entry", func() bool {
		return len(r.found(r.auditor, "&what=organisation.clock&object=organisation:play&who="+r.dev.ID)) == 1
	})
}

// TestSandboxSeesItsTime: of a fence that comes into force in an hour a sandbox two
// hours ahead sees that it was, and nobody else does, nor is it enforced.
func TestSandboxSeesItsTime(t *testing.T) {
	r := newRehearsal(t)
	from := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	until := from.Add(45 * time.Minute)
	timed := fenceBody("timed", square, fmt.Sprintf(`,"schedule":{"windows":[{"from":%q,"to":%q}]}`, from.Format(time.RFC3339), until.Format(time.RFC3339)))
	made := r.as(r.carl, "POST", "/v1/fences", timed)
	r.want(made, "201")
	var fence Fence
	made.json(t, &fence)
	var hour NewKey
	r.as(r.dev, "POST", "/v1/keys", fmt.Sprintf(`{"label":"hour","scopes":["zone.read"],"expires_at":%q}`, until.Format(time.RFC3339))).json(t, &hour)
	r.want(r.call(hour.Secret, "GET", "/v1/zone", ""), "200")

	seen := func(who account) string {
		var one Fence
		r.as(who, "GET", "/v1/fences/"+fence.ID, "").json(t, &one)
		var list FenceList
		r.as(who, "GET", "/v1/fences", "").json(t, &list)
		for _, f := range list.Items {
			if f.ID == fence.ID && (f.InForce != one.InForce || *f.ChangesAt != *one.ChangesAt) {
				t.Errorf("in the list %v until %s, alone %v until %s", f.InForce, *f.ChangesAt, one.InForce, *one.ChangesAt)
			}
		}
		return fmt.Sprint(one.InForce, " until ", *one.ChangesAt)
	}
	before, during := "false until "+from.Format(timeFormat), "true until "+until.Format(timeFormat)
	if got := seen(r.dev); got != before {
		t.Errorf("unmoved, the sandbox sees %s, want %s", got, before)
	}
	r.want(r.to(r.dev, 80*time.Minute, 1), "200")
	if got := seen(r.dev); got != during {
		t.Errorf("the sandbox sees %s, want %s", got, during)
	}
	for _, who := range []account{r.carl, r.hugo} {
		if got := seen(who); got != before {
			t.Errorf("somebody else sees %s, want %s", got, before)
		}
	}
	r.want(r.call(hour.Secret, "GET", "/v1/zone", ""), "200")
	r.want(r.to(r.dev, 2*time.Hour, 2), "200")
	r.want(r.call(hour.Secret, "GET", "/v1/zone", ""), "401 bad_token")
	r.notEnforced(fence.ID)
}

// notEnforced holds that a fence which a sandbox sees in force stops none of its
// vehicles: of a vehicle in it and in another fence there is one alert, of the other.
func (r *rehearsal) notEnforced(fence string) {
	r.t.Helper()
	if r.engine.InForce(fence) {
		r.t.Error("the engine has the fence in force")
	}
	var other Fence
	r.as(r.carl, "POST", "/v1/fences", fenceBody("always", square, "")).json(r.t, &other)
	v := r.operated(9, "play")
	r.report(v, 30.905, 121.925, 50)
	r.alertOf(v)
	for _, a := range r.book.Alerts(telemetry.WholeZone(), false) {
		if a.Vehicle.ID == v.ID && a.Fence.ID != other.ID {
			r.t.Errorf("an alert of %+v", a.Fence)
		}
	}
	var e FenceEnforcement
	r.as(r.dev, "GET", "/v1/fences/"+fence+"/enforcement", "").json(r.t, &e)
	if e.InForce {
		r.t.Error("the sandbox is told that the fence is enforced")
	}
}

// TestSandboxLive: a change of a fence is told to each by its own clock.
func TestSandboxLive(t *testing.T) {
	r := newRehearsal(t)
	r.want(r.to(r.dev, 2*time.Hour, 1), "200")
	clients := map[*liveClient]bool{r.live("Cookie", r.dev.cookie): false, r.live("Cookie", r.carl.cookie): true}
	for c := range clients {
		c.hello()
		c.send(wholeZone)
		c.until("health", func() bool { return c.last["health"] != nil })
	}
	now := time.Now().UTC()
	r.want(r.as(r.carl, "POST", "/v1/fences", fenceBody("timed", square,
		fmt.Sprintf(`,"schedule":{"windows":[{"from":%q,"to":%q}]}`, now.Add(-time.Hour).Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339)))), "201")
	for c, want := range clients {
		c.until("the fence", func() bool { return len(c.control) > 0 && c.control[len(c.control)-1].T == "fence" })
		var f Fence
		if err := json.Unmarshal(c.control[len(c.control)-1].Fence, &f); err != nil || f.InForce != want || (f.ChangesAt != nil) != want {
			t.Errorf("in force %v until %v, want %v: %v", f.InForce, f.ChangesAt, want, err)
		}
	}
}
