package activity

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

func packOf(t *testing.T, key string) *rules.Pack {
	t.Helper()
	set, err := rules.Load(rules.Packs())
	if err != nil {
		t.Fatal(err)
	}
	p, err := set.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const shanghai = "cn-shanghai-2026@1"

func us(t testing.TB, at string) int64 {
	t.Helper()
	x, err := time.Parse(time.RFC3339, at)
	if err != nil {
		t.Fatal(err)
	}
	return x.UnixMicro()
}

func ring(text string) geofence.Shape {
	return geofence.Shape{Polygons: []geo.Polygon{{Outer: geo.MustRing(text)}}}
}

func volume(s geofence.Shape, ceilingMM int32) permit.Volume {
	v := permit.Volume{Floor: &permit.Height{MM: 0, Datum: "agl"}, Ceiling: &permit.Height{MM: ceilingMM, Datum: "agl"}}
	v.SetShape(s)
	return v
}

// standing is a permit in force for the winter.
func standing(t *testing.T, kind string) *permit.Permit {
	t.Helper()
	var signed []permit.Decision
	for _, dept := range []string{"atm", "third_party", "experts", "econ_info", "transport", "police", "cyber", "plate_office"} {
		for _, step := range []string{"intake", "first_review", "vehicle_check", "expert_review", "compliance_review"} {
			signed = append(signed, permit.Decision{Step: step, Department: dept, Verdict: permit.Pass})
		}
		signed = append(signed, permit.Decision{Step: "sign_off", Department: dept, Verdict: permit.Approve}, permit.Decision{Step: "plate", Department: dept, Verdict: permit.Pass})
	}
	from, to := us(t, "2026-11-01T00:00:00+08:00"), us(t, "2027-03-15T00:00:00+08:00")
	return &permit.Permit{
		ID: "pm_1", Org: "acme", State: rules.Effective, Pack: shanghai, Decisions: signed, Domain: strings.Split(kind, ".")[0], Rev: 7,
		Application: permit.Application{
			Kind: kind, Subtype: "first", FromUS: from, ToUS: to, Vehicles: []vehicles.VehicleID{"uav-1", "uav-2"},
			People: []permit.Crewman{{Ref: "crew-1", Role: "remote_pilot", Licence: "L-1", LicenceUS: us(t, "2027-01-31T00:00:00+08:00")}, {Ref: "crew-2", Role: "observer"}},
			Insurance: []permit.Policy{{Kind: "uav_liability", FromUS: from, ToUS: to, PerVehicleCNY: 10_000_000}, {Kind: "icv_mandatory", FromUS: from, ToUS: to, PerVehicleCNY: 10_000_000},
				{Kind: "icv_liability", FromUS: from, ToUS: to, PerVehicleCNY: 10_000_000}},
			Volumes: []permit.Volume{volume(ring("30.90,121.90 30.90,121.95 30.95,121.95 30.95,121.90"), 100_000)},
			Facts:   map[string]any{"uav.mtow_kg": 6.0, "uav.empty_kg": 3.0},
		},
		ApprovedToUS: to, FromUS: from, ToUS: to, EffectiveUS: from, PublishedUS: from, Override: &permit.Override{By: "p_c", AtUS: from, Reason: "trial", Pack: shanghai},
	}
}

func holder(at int64) permit.Act {
	return permit.Act{By: permit.Signer{Person: "p_a", Org: "acme"}, AtUS: at}
}

func authority(at int64) permit.Act {
	return permit.Act{By: permit.Signer{Person: "p_z", Org: "atm", Department: "atm"}, AtUS: at, Reason: "seen"}
}

func planOf(fromUS int64) Plan {
	return Plan{Title: "sortie", FromUS: fromUS, ToUS: fromUS + time.Hour.Microseconds(), Vehicles: []vehicles.VehicleID{"uav-1"}, People: []string{"crew-1"}}
}

func faults(err error) string {
	var e *permit.RulesError
	if !errors.As(err, &e) {
		return fmt.Sprint(err)
	}
	var out []string
	for _, f := range e.Faults {
		out = append(out, strings.TrimSpace(f.Code+" "+f.Item+" "+f.Passes))
	}
	return strings.Join(out, "; ")
}

// TestPlanClocks: the plan of a day is due by noon of the day before in the pack's
// zone, whatever day that is; one that is late is refused with what would pass.
func TestPlanClocks(t *testing.T) {
	pack := packOf(t, shanghai)
	for _, c := range []struct{ name, now, from, want string }{
		{"in time, to the second", "2026-11-23T12:00:00+08:00", "2026-11-24T09:00:00+08:00", ""},
		{"a second late", "2026-11-23T12:00:01+08:00", "2026-11-24T09:00:00+08:00", "clock from a begin at 2026-11-25T09:00:00+08:00"},
		{"after midnight it is the day before in Shanghai, not in UTC", "2026-11-23T11:59:00+08:00", "2026-11-24T00:30:00+08:00", ""},
		{"late for half past midnight", "2026-11-23T12:30:00+08:00", "2026-11-24T00:30:00+08:00", "clock from a begin at 2026-11-25T00:30:00+08:00"},
		{"over the end of a month", "2027-02-28T12:00:00+08:00", "2027-03-01T06:00:00+08:00", "licence"},
		{"late over the end of a year, which is a holiday", "2026-12-31T13:00:00+08:00", "2027-01-01T10:00:00+08:00", "clock from a begin at 2027-01-02T10:00:00+08:00"},
		{"nothing later within the permit", "2027-03-13T13:00:00+08:00", "2027-03-14T10:00:00+08:00", "licence"},
		{"past", "2026-11-23T10:00:00+08:00", "2026-11-23T09:00:00+08:00", "invalid"},
	} {
		_, err := New("ac_1", holder(us(t, c.now)), standing(t, "uav.standing"), pack, planOf(us(t, c.from)), nil)
		if got := faults(err); c.want == "" && err != nil || !strings.HasPrefix(got, c.want) && c.want != "" {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestEmergencyClocks: those of a rescue take a plan half an hour before.
func TestEmergencyClocks(t *testing.T) {
	pack, p := packOf(t, shanghai), standing(t, "uav.standing")
	p.Application.Emergency = true
	from := us(t, "2026-11-24T09:00:00+08:00")
	x, err := New("ac_1", holder(us(t, "2026-11-24T08:30:00+08:00")), p, pack, planOf(from), nil)
	if err != nil {
		t.Fatal(faults(err))
	}
	if c := x.clock(stepConfirm); c == nil || c.DueUS != us(t, "2026-11-24T08:50:00+08:00") || c.Missed != "escalate" {
		t.Errorf("the answer: %+v", c)
	}
	_, err = New("ac_1", holder(us(t, "2026-11-24T08:31:00+08:00")), p, pack, planOf(from), nil)
	if got := faults(err); got != "clock from a begin at 2026-11-24T09:02:00+08:00" {
		t.Errorf("a minute late: %s", got)
	}
}

// TestPlanIsWithinThePermit: everything that does not belong to it is said at once.
func TestPlanIsWithinThePermit(t *testing.T) {
	pack, p, now := packOf(t, shanghai), standing(t, "uav.standing"), us(t, "2026-11-20T10:00:00+08:00")
	from := us(t, "2026-11-24T09:00:00+08:00")
	for _, c := range []struct {
		name  string
		spoil func(*Plan)
		want  string
	}{
		{"as it is", func(*Plan) {}, "<nil>"},
		{"somebody else's vehicle", func(x *Plan) { x.Vehicles = []vehicles.VehicleID{"uav-1", "uav-9"} }, "vehicle vehicles/1"},
		{"a vehicle twice", func(x *Plan) { x.Vehicles = []vehicles.VehicleID{"uav-1", "uav-1"} }, "vehicle vehicles/1"},
		{"nobody, nothing", func(x *Plan) { x.Vehicles, x.People = nil, nil }, "missing vehicles; missing people"},
		{"a stranger", func(x *Plan) { x.People = []string{"crew-1", "crew-9"} }, "licence people/1"},
		{"no pilot", func(x *Plan) { x.People = []string{"crew-2"} }, "licence people"},
		{"a part of the area", func(x *Plan) {
			x.Volumes = []permit.Volume{volume(ring("30.91,121.91 30.91,121.92 30.92,121.92 30.92,121.91"), 50_000)}
		}, "<nil>"},
		{"all of the area", func(x *Plan) { x.Volumes = []permit.Volume{volume(p.Application.Volumes[0].Shape(), 100_000)} }, "<nil>"},
		{"along its edge", func(x *Plan) {
			x.Volumes = []permit.Volume{volume(ring("30.90,121.91 30.90,121.92 30.92,121.92 30.92,121.91"), 50_000)}
		}, "<nil>"},
		{"beyond its edge", func(x *Plan) {
			x.Volumes = []permit.Volume{volume(ring("30.89,121.91 30.89,121.92 30.92,121.92 30.92,121.91"), 50_000)}
		}, "fence volumes/0"},
		{"above its ceiling", func(x *Plan) {
			x.Volumes = []permit.Volume{volume(ring("30.91,121.91 30.91,121.92 30.92,121.92 30.92,121.91"), 100_001)}
		}, "fence volumes/0"},
		{"a circle within", func(x *Plan) {
			x.Volumes = []permit.Volume{volume(geofence.Shape{Circle: &geo.Circle{Center: geo.MustRing("30.92,121.92 30.93,121.92 30.93,121.93")[0], RadiusM: 500}}, 50_000)}
		}, "<nil>"},
		{"a circle across", func(x *Plan) {
			x.Volumes = []permit.Volume{volume(geofence.Shape{Circle: &geo.Circle{Center: geo.MustRing("30.92,121.92 30.93,121.92 30.93,121.93")[0], RadiusM: 5000}}, 50_000)}
		}, "fence volumes/0"},
		{"after the permit", func(x *Plan) { x.FromUS = p.ToUS - 1; x.ToUS = p.ToUS + 1 }, "licence"},
	} {
		plan := planOf(from)
		c.spoil(&plan)
		_, err := New("ac_1", holder(now), p, pack, plan, nil)
		if got := faults(err); !strings.HasPrefix(got, c.want) || c.want == "<nil>" && err != nil {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestWithinANotch: an edge between two corners that leads over what is cut out.
func TestWithinANotch(t *testing.T) {
	u := ring("30.90,121.90 30.90,121.96 30.96,121.96 30.96,121.94 30.92,121.94 30.92,121.92 30.96,121.92 30.96,121.90")
	over := ring("30.91,121.91 30.91,121.95 30.96,121.94 30.96,121.92")
	if within(over, u) {
		t.Error("it leads over the notch")
	}
	if !within(ring("30.90,121.90 30.90,121.96 30.92,121.96 30.92,121.90"), u) {
		t.Error("the foot of it is within")
	}
	hole := u
	hole.Polygons = []geo.Polygon{{Outer: geo.MustRing("30.90,121.90 30.90,121.96 30.96,121.96 30.96,121.90"), Holes: []geo.Ring{geo.MustRing("30.92,121.92 30.92,121.93 30.93,121.93 30.93,121.92")}}}
	if within(ring("30.91,121.91 30.91,121.95 30.95,121.95 30.95,121.91"), hole) {
		t.Error("it has the hole within")
	}
}

// life is an activity that was confirmed, for nine o'clock.
func life(t *testing.T, p *permit.Permit, pack *rules.Pack) Activity {
	t.Helper()
	x, err := New("ac_1", holder(us(t, "2026-11-23T11:00:00+08:00")), p, pack, planOf(us(t, "2026-11-24T09:00:00+08:00")), nil)
	if err == nil {
		x, err = x.Confirm(authority(us(t, "2026-11-23T20:00:00+08:00")))
	}
	if err == nil {
		x, err = x.Readied(holder(us(t, "2026-11-24T08:00:00+08:00")), p, pack, 0, []vehicles.VehicleID{"uav-1"})
	}
	if err == nil {
		x, err = x.Confirm(authority(us(t, "2026-11-24T08:30:00+08:00")))
	}
	if err != nil {
		t.Fatal(faults(err))
	}
	return x
}

// TestLife: planned, answered, reported, confirmed, activated, outside and back, ended
// and closed; the clocks of the steps are met.
func TestLife(t *testing.T) {
	pack, p := packOf(t, shanghai), standing(t, "uav.standing")
	x := life(t, p, pack)
	if x.State != Confirmed || x.Day != "2026-11-24" {
		t.Fatalf("%s on %s", x.State, x.Day)
	}
	for _, c := range x.Clocks {
		if c.State != permit.ClockMet {
			t.Errorf("clock %s of %s is %s", c.ID, c.Step, c.State)
		}
	}
	nine := us(t, "2026-11-24T09:00:00+08:00")
	_, err := x.Activate(holder(nine-1), p, pack, []permit.Fault{{Code: "zone"}})
	if got := faults(err); got != "invalid from at 2026-11-24T09:00:00+08:00; zone" {
		t.Errorf("too early, and the zone is closed: %s", got)
	}
	x, err = x.Activate(holder(nine), p, pack, nil)
	if err != nil {
		t.Fatal(faults(err))
	}
	minute := time.Minute.Microseconds()
	seen := func(at int64, s Seen, want State, changes bool) {
		t.Helper()
		y, changed := x.Observe(s, p, pack, at)
		if y.State != want || changed != changes {
			t.Errorf("at %d min: %s, changed %v", (at-nine)/minute, y.State, changed)
		}
		x = y
	}
	seen(nine+minute, Seen{}, Activated, false)
	out := Seen{Outside: []vehicles.VehicleID{"uav-1"}}
	seen(nine+2*minute, out, Nonconforming, true)
	seen(nine+2*minute+1, out, Nonconforming, false)
	if y, changed := x.Tick(p, pack, nine+2*minute+59e6); changed {
		t.Errorf("a minute was not over: %s", y.State)
	}
	seen(nine+3*minute-1, Seen{}, Activated, true)
	seen(nine+4*minute, out, Nonconforming, true)
	y, _ := x.Tick(p, pack, nine+5*minute)
	if y.State != Contingent || x.Left != 2 {
		t.Errorf("outside for a minute: %s, left %d times", y.State, x.Left)
	}
	if z, changed := y.Observe(Seen{}, p, pack, nine+6*minute); changed {
		t.Errorf("what is contingent comes to its end, and not back: %s", z.State)
	}
	end := nine + 30*minute
	if x, err = y.End(holder(end), p, pack); err != nil {
		t.Fatal(err)
	}
	if c := x.clock(stepClose); c == nil || c.DueUS != end+24*60*minute {
		t.Errorf("the report is due: %+v", c)
	}
	if _, err := x.Close(holder(end+1), EndReport{BegunUS: nine, EndedUS: end, Incidents: true}); !errors.Is(err, ErrReport) {
		t.Errorf("an incident without a word: %v", err)
	}
	late, changed := x.Tick(p, pack, end+24*60*minute+1e6)
	if !changed || !late.Overdue(end+24*60*minute+1e6) {
		t.Error("the report is not overdue")
	}
	x, err = late.Close(holder(end+25*60*minute), EndReport{BegunUS: nine, EndedUS: end, Takeovers: 1})
	if err != nil || x.State != Closed || !x.Report.Late {
		t.Errorf("a late report: %v %s %+v", err, x.State, x.Report)
	}
}

// TestReportIsRefused: late, and not complete: all at once, with what would pass.
func TestReportIsRefused(t *testing.T) {
	pack, p := packOf(t, shanghai), standing(t, "uav.standing")
	x, err := New("ac_1", holder(us(t, "2026-11-23T11:00:00+08:00")), p, pack, planOf(us(t, "2026-11-24T09:00:00+08:00")), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = x.Readied(holder(us(t, "2026-11-24T08:00:01+08:00")), p, pack, 0, nil)
	if got := faults(err); got != "missing checked; clock expected an expected begin at 2026-11-24T09:01:00+08:00" {
		t.Errorf("%s", got)
	}
	y, err := x.Readied(holder(us(t, "2026-11-24T08:00:01+08:00")), p, pack, us(t, "2026-11-24T09:01:00+08:00"), []vehicles.VehicleID{"uav-1"})
	if err != nil || y.State != Reported {
		t.Errorf("with what would pass: %s", faults(err))
	}
	z, changed := x.Tick(p, pack, us(t, "2026-11-24T08:00:01+08:00"))
	if !changed || z.State != Missed {
		t.Errorf("nobody reported: %s", z.State)
	}
	if _, err := z.Readied(holder(us(t, "2026-11-24T08:10:00+08:00")), p, pack, 0, []vehicles.VehicleID{"uav-1"}); !errors.Is(err, ErrState) {
		t.Errorf("what was missed is reported: %v", err)
	}
}

// TestWhoConfirms: not who planned it, not its organisation, not nobody.
func TestWhoConfirms(t *testing.T) {
	pack, p := packOf(t, shanghai), standing(t, "uav.standing")
	x, err := New("ac_1", holder(us(t, "2026-11-23T11:00:00+08:00")), p, pack, planOf(us(t, "2026-11-24T09:00:00+08:00")), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, by := range map[string]permit.Signer{
		"the holder's organisation": {Person: "p_b", Org: "acme"}, "who planned it, for another": {Person: "p_a", Org: "atm"}, "a token": {Org: "atm"},
	} {
		if _, err := x.Confirm(permit.Act{By: by, AtUS: x.CreatedUS + 1}); !errors.Is(err, permit.ErrFourEyes) {
			t.Errorf("%s confirms: %v", name, err)
		}
	}
	if _, err := x.Refuse(permit.Act{By: permit.Signer{Person: "p_z", Org: "atm"}, AtUS: x.CreatedUS + 1}); !errors.Is(err, ErrReport) {
		t.Errorf("refused without a reason: %v", err)
	}
}

// TestActivationAsksThePermit: suspended, uninsured, under a pack that is not in force.
func TestActivationAsksThePermit(t *testing.T) {
	pack := packOf(t, shanghai)
	nine := us(t, "2026-11-24T09:00:00+08:00")
	for name, spoil := range map[string]func(p *permit.Permit){
		"suspended":   func(p *permit.Permit) { p.State = rules.Suspended },
		"no override": func(p *permit.Permit) { p.Override = nil },
		"uninsured":   func(p *permit.Permit) { p.Application.Insurance = nil },
		"insured until half past nine": func(p *permit.Permit) {
			p.Application.Insurance = []permit.Policy{{Kind: "uav_liability", FromUS: p.FromUS, ToUS: nine + 30*60e6, PerVehicleCNY: 10_000_000}}
		},
		"it ends": func(p *permit.Permit) { p.ToUS = nine + 30*60e6 },
	} {
		p := standing(t, "uav.standing")
		x := life(t, p, pack)
		spoil(p)
		if _, err := x.Activate(holder(nine), p, pack, nil); faults(err) != "permit permit" {
			t.Errorf("%s: %s", name, faults(err))
		}
	}
	p := standing(t, "uav.standing")
	x := life(t, p, pack)
	p.Terms = &permit.Terms{Vehicles: []vehicles.VehicleID{"uav-2"}}
	if _, err := x.Activate(holder(nine), p, pack, nil); faults(err) != "vehicle vehicles" {
		t.Errorf("a vehicle was taken out: %s", faults(err))
	}
}

// TestStepsAreThePacks: a drive is not reported or confirmed, since no clock says so.
func TestStepsAreThePacks(t *testing.T) {
	pack, p := packOf(t, shanghai), standing(t, "icv.road_test")
	nine := us(t, "2026-11-24T09:00:00+08:00")
	x, err := New("ac_1", holder(nine-60e6), p, pack, planOf(nine), nil)
	if err == nil {
		_, err = x.Activate(holder(nine), p, pack, nil)
	}
	if err != nil {
		t.Errorf("a drive: %s %v", faults(err), err)
	}
	p = standing(t, "uav.standing")
	if x, err = New("ac_1", holder(nine-24*3600e6), p, pack, planOf(nine), nil); err == nil {
		_, err = x.Activate(holder(nine), p, pack, nil)
	}
	if got := faults(err); got != "clock state" {
		t.Errorf("a flight that nobody confirmed: %s", got)
	}
}

// TestEnds: what has not begun ends with its time or its permit; what runs ends when it
// is over and at rest.
func TestEnds(t *testing.T) {
	pack, p := packOf(t, shanghai), standing(t, "uav.standing")
	x := life(t, p, pack)
	y, _ := x.Tick(p, nil, x.ToUS)
	if y.State != Missed || y.Holds() {
		t.Errorf("after its time: %s", y.State)
	}
	p.State = rules.Revoked
	if y, _ := x.Tick(p, pack, x.FromUS-1); y.State != Cancelled {
		t.Errorf("after its permit: %s", y.State)
	}
	p.State = rules.Effective
	x, err := x.Activate(holder(x.FromUS), p, pack, nil)
	if err != nil {
		t.Fatal(err)
	}
	if y, _ := x.Observe(Seen{}, p, pack, x.ToUS); y.State != Nonconforming {
		t.Errorf("it flies on after its time: %s", y.State)
	}
	if y, _ := x.Observe(Seen{AtRest: true}, p, pack, x.ToUS); y.State != Ended || y.clock(stepClose) == nil {
		t.Errorf("at rest after its time: %s", y.State)
	}
	if y, _ := x.Observe(Seen{AtRest: true}, p, pack, x.ToUS-1); y.State != Activated {
		t.Errorf("a stop is no end: %s", y.State)
	}
	if y, _ := x.Observe(Seen{Lost: []vehicles.VehicleID{"uav-1"}}, p, pack, x.ToUS-1); y.State != Contingent || y.Why != "link lost: uav-1" {
		t.Errorf("lost: %s %s", y.State, y.Why)
	}
}

// TestBook: what Put took is listed, by permit and vehicle, and after a snapshot.
func TestBook(t *testing.T) {
	pack, p := packOf(t, shanghai), standing(t, "uav.standing")
	x := life(t, p, pack)
	b := NewBook()
	b.Put(x)
	gone, err := x.Cancel(holder(x.FromUS - 1))
	if err != nil {
		t.Fatal(err)
	}
	gone.ID = "ac_2"
	b.Put(gone)
	state, err := b.SaveState()
	if err != nil {
		t.Fatal(err)
	}
	c, err := LoadState(state)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []*Book{b, c} {
		all := b.List("pm_1", func(*Activity) bool { return true })
		if len(all) != 2 || len(b.Of("uav-1")) != 1 || len(b.Open()) != 1 || b.Holding("pm_1") != 1 {
			t.Errorf("%d of the permit, %d of the vehicle, %d open", len(all), len(b.Of("uav-1")), len(b.Open()))
		}
	}
	if !slices.EqualFunc(b.Open(), c.Open(), func(x, y Activity) bool { return x.Rev == y.Rev && x.ID == y.ID }) {
		t.Error("another after the snapshot")
	}
	if id, ok := OfVolume(x.Volumes4D("uav")[0].ID); !ok || id != "ac_1" {
		t.Errorf("volume of %q", id)
	}
}
