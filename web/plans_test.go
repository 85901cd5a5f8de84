package web

import (
	"context"
	"strings"
	"testing"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/command/onboard"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// planRig is the store of plans of every vehicle.
type planRig struct {
	*orderRig
	home   geo.Point
	stored map[vehicles.PlanKind]vehicles.Plan
	fail   error
}

// newPlans makes what knows the plans of a zone.
func (z *testZone) newPlans(leases onboard.Leases) *onboard.Plans {
	z.t.Helper()
	z.plans = &planRig{orderRig: z.wire, home: geo.Point{Lat: 309000000, Lon: 1219300000}, stored: map[vehicles.PlanKind]vehicles.Plan{}}
	p, err := onboard.New(onboard.Config{Wire: z.plans, Fleet: z.plans, Leases: leases, Engine: z.engine, Journal: z.journal, Clock: z.clock.now})
	if err != nil {
		z.t.Fatal(err)
	}
	return p
}

func (r *planRig) Home(vehicles.VehicleID) (geo.Point, bool) { return r.home, true }

func (r *planRig) ReturnM(vehicles.VehicleID) *float64 { return nil }

func (r *planRig) Upload(_ context.Context, _ vehicles.Handle, p vehicles.Plan, _ func(done, total int)) (onboard.Receipt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail == nil {
		r.stored[p.Kind] = p
	}
	return onboard.Receipt{OpaqueID: 7, Items: len(p.Items)}, r.fail
}

func (r *planRig) Read(_ context.Context, _ vehicles.Handle, k vehicles.PlanKind) (vehicles.Plan, onboard.Receipt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.stored[k]
	p.Kind = k
	return p, onboard.Receipt{OpaqueID: 7}, r.fail
}

func (r *planRig) Clear(context.Context, vehicles.Handle, vehicles.PlanKind) error { return r.fail }

func (r *planRig) Param(context.Context, vehicles.Handle, string) (float64, error) { return 0, r.fail }

func (r *planRig) EnableFence(context.Context, vehicles.Handle) error { return r.fail }

// answers sets how the vehicle answers from now on.
func (r *planRig) answers(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = err
}

// plan waits until a plan of the boat is in a state.
func (o *owners) plan(kind, state string) (p PlanAnswer) {
	o.t.Helper()
	eventually(o.t, kind+" "+state, func() bool {
		r := o.as(o.anna, "GET", "/v1/vehicles/boat-1/plans/"+kind, "")
		o.want(r, "200")
		r.json(o.t, &p)
		return p.State == state && p.Durable
	})
	return p
}

// wallBody is a keep-out north of the boat.
const wallBody = `{"name":"wall","kind":"keep_out","geometry":{"type":"Polygon","coordinates":[[[121.93,30.905],[121.94,30.905],[121.94,30.906],[121.93,30.906],[121.93,30.905]]]}}`

func TestPlans(t *testing.T) {
	const path = "/v1/vehicles/boat-1/plans"
	o := newOwners(t)
	o.want(o.as(o.anna, "GET", path, ""), "404 not_found")
	boat := o.sail(10)
	wall := o.fenceNow(wallBody).ID
	o.heard(boat, 10)

	var list PlanList
	if o.as(o.anna, "GET", path, "").json(t, &list); len(list.Items) != 3 || list.Items[1].Kind != "fence" || list.Items[1].State != "unknown" || list.Items[1].Why == "" {
		t.Errorf("before anything is known: %+v", list)
	}
	// It moves, and that has to be said; a dry run changes nothing.
	o.want(o.as(o.anna, "PUT", path+"/fence", `{"from":"zone"}`), "409 vehicle_moves")
	before := o.head()
	var tried PlanAnswer
	r := o.as(o.anna, "PUT", path+"/fence?dry_run=true", `{"from":"zone","moving":true}`)
	if r.json(t, &tried); r.StatusCode != 200 || len(tried.Contents) != 4 || len(tried.Faults) != 0 || len(tried.Parts) != 1 || tried.Parts[0].FenceID != wall || *tried.Parts[0].First != 1 || o.head() != before {
		t.Errorf("a dry run: %d %s", r.StatusCode, r.body)
	}
	o.want(o.as(o.anna, "PUT", path+"/fence", `{"from":"zone","moving":true,"enable":true,"reason":"before it sails"}`), "202")
	if p := o.plan("fence", "in_step"); !p.Known || p.Items != 4 || len(p.Contents) != 4 || p.Contents[0].Command != 5002 || p.Contents[2].Params[4] != 30.906 || p.Contents[2].Params[0] != 4 || p.Person != o.anna.ID || p.Source != "zone" {
		t.Errorf("in step: %+v", p)
	}
	eventually(t, "the fence enabled", func() bool { return o.plan("fence", "in_step").Enabled })

	// Of another operator nothing is seen, and nothing is done.
	o.want(o.as(o.hugo, "GET", path, ""), "404 not_found")
	o.want(o.as(o.hugo, "PUT", path+"/fence", `{"from":"zone"}`), "404 not_found")
	o.want(o.as(o.hugo, "DELETE", path+"/fence", ""), "404 not_found")
	o.want(o.as(o.hugo, "POST", path+"/fence/read-back", ""), "404 not_found")
	o.want(o.as(o.carl, "PUT", path+"/fence", `{"from":"zone","moving":true}`), "409 leased")

	mission := func(lat string) string {
		return `{"moving":true,"items":[{"command":16,"frame":6,"params":[0,0,0,null,30.901,121.931,0]},{"command":16,"frame":6,"params":[0,0,0,null,` + lat + `,121.931,0]},{"command":20,"frame":2,"params":[0,0,0,0,null,null,0]}]}`
	}
	r = o.as(o.anna, "PUT", path+"/mission", mission("30.91"))
	o.want(r, "409 plan_refused")
	if p := r.problem(t); len(p.Errors) == 0 || p.Errors[0].Location != "body.items[1]" || !strings.Contains(p.Errors[0].Message, `the leg from item 1 to item 2 crosses keep-out "wall"`) {
		t.Errorf("through a wall: %+v", p.Errors)
	}
	r = o.as(o.anna, "PUT", path+"/mission?dry_run=true", mission("30.91"))
	if r.json(t, &tried); r.StatusCode != 200 || len(tried.Faults) == 0 || *tried.Faults[0].Item != 2 || tried.Faults[0].Fence != wall || tried.Faults[0].Code != "leg_in_breach" {
		t.Errorf("tried through a wall: %s", r.body)
	}
	o.want(o.as(o.anna, "PUT", path+"/mission", mission("30.902")), "202")
	if p := o.plan("mission", "in_step"); len(p.Contents) != 3 || p.Contents[1].Params[4] != 30.902 || p.Contents[1].Params[3] == p.Contents[1].Params[3] || !*p.Contents[1].Autocontinue {
		t.Errorf("the mission: %+v", p)
	}
	o.plans.answers(&onboard.ItemError{Item: 2, Text: "item 2 is not for me"})
	o.want(o.as(o.anna, "PUT", path+"/mission", mission("30.903")), "202")
	if p := o.plan("mission", "failed"); *p.Item != 2 || p.Known || !strings.Contains(p.Why, "not for me") {
		t.Errorf("failed: %+v", p)
	}
	o.plans.answers(nil)
	o.want(o.as(o.anna, "POST", path+"/mission/read-back", ""), "202")
	if p := o.plan("mission", "stale"); p.Contents[1].Params[4] != 30.902 {
		t.Errorf("read back: %+v", p)
	}
	o.want(o.as(o.anna, "DELETE", path+"/mission?moving=true", ""), "202")
	if p := o.plan("mission", "none"); len(p.Contents) != 0 {
		t.Errorf("cleared: %+v", p)
	}

	for _, c := range []struct{ at, body, want string }{
		{"/mission", `{"from":"zone"}`, "422 invalid"},
		{"/fence", `{}`, "422 invalid"},
		{"/fence", `{"from":"zone","items":[{"command":5000,"frame":5,"params":[0,0,0,0,30.9,121.93,0]}]}`, "422 invalid"},
		{"/fence", `{"items":[{"command":5000,"frame":5,"params":[0,0,0,0,930.9,121.93,0]}]}`, "422 invalid"},
		{"/fence", `{"items":[{"command":5000,"frame":5,"params":[0,0,0]}]}`, "422 invalid"},
		{"/fence", `{"items":[{"command":5000,"frame":5,"params":[0,0,0,0,"30.9",121.93,0]}]}`, "422 invalid"},
		{"/songs", `{"from":"zone"}`, "422 invalid"},
	} {
		o.want(o.as(o.anna, "PUT", path+c.at, c.body), c.want)
	}
}

// What was decided about the plans of a vehicle is read by who follows events and in
// the audit, of one's own vehicles only.
func TestPlansAreEvents(t *testing.T) {
	o := newOwners(t)
	boat := o.sail(10)
	o.fenceNow(wallBody)
	o.heard(boat, 10)
	o.want(o.as(o.anna, "PUT", "/v1/vehicles/boat-1/plans/fence", `{"from":"zone","moving":true,"reason":"drill"}`), "202")
	o.plan("fence", "in_step")
	var records []journal.Record
	if err := o.journal.Replay(1, func(rec journal.Record) error { records = append(records, rec); return nil }); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		view telemetry.View
		sees bool
	}{{telemetry.WholeZone(), true}, {telemetry.OfOperator("acme"), true}, {telemetry.OfOperator("harbour"), false}} {
		var types []string
		for i := range records {
			e, visible := eventOf(&records[i], false)
			if e.Plan != nil && visible && o.server.shows(&e, c.view) {
				types = append(types, e.Type+" "+e.Plan.State+" "+e.Plan.VehicleID)
			}
		}
		if got := strings.Join(types, ", "); (got == "plan.uploading uploading boat-1, plan.in_step in_step boat-1") != c.sees {
			t.Errorf("events: %s", got)
		}
	}
}
