package airspace_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"testzone/airspace"
	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// permitRig is a zone with an applicant, a department, a controller and a drone.
type permitRig struct {
	*fleetRig
	anton, anton2, rita, rita2, olaf airspace.Actor // of acme, twice; of the department, twice; of harbour
	pack                             *rules.Pack
}

func newPermitRig(t *testing.T) *permitRig {
	t.Helper()
	f := newFleetRig(t)
	f.now = time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)
	f.organisation("authority", airspace.Department)
	f.organisation("forestry", airspace.Department)
	r := &permitRig{fleetRig: f}
	r.anton, r.anton2, r.olaf = f.actor(f.person("acme", airspace.Applicant)), f.actor(f.person("acme", airspace.Applicant)), f.actor(f.person("harbour", airspace.Applicant))
	r.rita, r.rita2 = f.actor(f.person("authority", airspace.Reviewer)), f.actor(f.person("authority", airspace.Reviewer))
	drone := boat("uav-1", 7)
	drone.Class = "uav"
	f.registered(drone)
	var err error
	if _, r.pack, err = f.RulePacks(); err != nil {
		t.Fatal(err)
	}
	return r
}

// flight is an application for an hour in five days, east of a place by lon degE7.
func (r *permitRig) flight(lon int32) permit.Application {
	from := r.now.Add(5 * 24 * time.Hour)
	return flightOf(r.pack, from, lon)
}

func flightOf(pack *rules.Pack, from time.Time, lon int32) permit.Application {
	to := from.Add(time.Hour).UnixMicro()
	a := permit.Application{
		Kind: "uav.flight", Subtype: "first", Title: "trial", Scenario: "delivery", FromUS: from.UnixMicro(), ToUS: to,
		Vehicles: []vehicles.VehicleID{"uav-1"}, People: []permit.Crewman{{Ref: "crew-1", Role: "remote_pilot", Licence: "1", LicenceUS: to}},
		Insurance: []permit.Policy{{Kind: "liability", Insurer: "PICC", Number: "1", FromUS: from.UnixMicro() - 1, ToUS: to, PerVehicleCNY: 10_000_000}},
		Items:     map[string]permit.Item{}, Checklist: map[string]permit.Answer{}, Disclosure: map[string]string{},
		Facts: map[string]any{
			"uav.empty_kg": 3.0, "uav.mtow_kg": 6.0, "uav.max_speed_kmh": 72.0, "uav.airspace_keeping": true, "uav.reliable_surveillance": true, "uav.manual_override": true,
			"uav.micro_power_radio": false, "uav.distributed_or_swarm": false, "uav.over_crowd": false, "uav.dangerous_or_drop": false, "uav.beyond_line_of_sight": false,
			"uav.relay": false, "uav.from_moving_vehicle": false, "airspace.controlled": false, "airspace.suitable": true, "road.public": false,
			"carries.people": false, "data.biometric": false, "data.important": false,
		},
	}
	v := permit.Volume{Floor: &permit.Height{MM: 0, Datum: "amsl"}, Ceiling: &permit.Height{MM: 100_000, Datum: "amsl"}}
	v.SetShape(geofence.Shape{Circle: &geo.Circle{Center: geo.Point{Lat: 309_000_000, Lon: 1_219_000_000 + lon}, RadiusM: 200}})
	a.Volumes = []permit.Volume{v}
	k := pack.Kinds[a.Kind]
	must, _ := k.ItemsOf("first", "")
	for _, id := range must {
		a.Items[id] = permit.Item{Text: "as stated"}
		if doc := pack.Items[id].Document; len(doc.Types) > 0 {
			a.Items[id] = permit.Item{Text: "enclosed", Documents: []permit.Document{{SHA256: strings.Repeat("a", 64), Type: doc.Types[0], Bytes: 10}}}
		}
	}
	for _, tier := range pack.Tiers {
		for _, line := range tier.Treatment.Checklist {
			a.Checklist[line.ID] = permit.Answer{Text: "see the plan", Evidence: "plan, 3"}
		}
		for _, name := range tier.Treatment.Disclosure {
			a.Disclosure[name] = "stated"
		}
	}
	return a
}

// submitted is an application of acme's that was handed in.
func (r *permitRig) submitted(a permit.Application) permit.Permit {
	r.t.Helper()
	p, _, err := r.DraftPermit(r.t.Context(), r.anton, a)
	if err == nil {
		p, err = r.SubmitPermit(r.t.Context(), r.anton, p.ID)
	}
	if err != nil {
		r.t.Fatalf("%v", err)
	}
	return p
}

func (r *permitRig) approve(p permit.Permit) (permit.Permit, error) {
	for p.State != rules.Approved {
		verdict := permit.Approve
		if p.Step != "sign_off" {
			verdict = permit.Pass
		}
		var err error
		p, err = r.ReviewPermit(r.t.Context(), r.rita, p.ID, "fine", permit.Review{Verdict: verdict, DocHash: p.DocHash,
			Judgements: map[string]bool{"necessary": true, "appropriate": true, "controllable": true}})
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

func faultsOf(err error) string {
	var e *permit.RulesError
	if !errors.As(err, &e) {
		return fmt.Sprint(err)
	}
	out := ""
	for _, f := range e.Faults {
		out += fmt.Sprintf("%s %s %.0f m %.0f min: %s; ", f.Code, f.Item, f.Metres, f.Minutes, f.Message)
	}
	return out
}

// TestPermitLife: from the draft to the end, a replay makes the same of it, and so
// does a snapshot.
func TestPermitLife(t *testing.T) {
	r := newPermitRig(t)
	var told []string
	p := r.submitted(r.flight(0))
	p, err := r.approve(p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.SignOverride(t.Context(), r.rita, p.ID, "trial"); !errors.Is(err, airspace.ErrForbidden) {
		t.Errorf("a reviewer overrides a pack: %v", err)
	}
	if _, err := r.SignOverride(t.Context(), r.carl, p.ID, "trial"); err != nil {
		t.Fatal(err)
	}
	if len(r.Grants()) != 0 {
		t.Error("it allows something before its begin")
	}
	r.now = time.UnixMicro(p.FromUS)
	if _, err := r.TickPermits(t.Context()); err != nil {
		t.Fatal(err)
	}
	grants := r.Grants()
	if len(grants) != 1 || !grants[0].Allows("uav-1", r.now) || grants[0].Holder != "acme" {
		t.Fatalf("at its begin: %+v", grants)
	}
	if p, err = r.HaltPermit(t.Context(), r.rita, p.ID, airspace.SuspendPermit, "a concert", true); err != nil || p.State != rules.Suspended {
		t.Fatal(p.State, err)
	}
	if _, err = r.HaltPermit(t.Context(), r.carl, p.ID, airspace.ResumePermit, "over", false); !errors.Is(err, airspace.ErrForbidden) {
		t.Errorf("a controller resumes: %v", err)
	}
	if p, err = r.HaltPermit(t.Context(), r.rita2, p.ID, airspace.ResumePermit, "over", false); err != nil {
		t.Fatal(err)
	}
	replayed := newReplayed(t, r.journal)
	replay(t, r.journal, replayed, 1, 1000)
	state, err := replayed.SaveState()
	if err != nil {
		t.Fatal(err)
	}
	loaded := newReplayed(t, r.journal)
	install, err := loaded.LoadState(state)
	if err != nil {
		t.Fatal(err)
	}
	install()
	for name, x := range map[string]*airspace.Register{"a replay": replayed, "a snapshot": loaded} {
		if got, err := x.PermitOf(r.rita, p.ID); err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%s makes\n%+v of\n%+v: %v", name, got, p, err)
		}
	}
	r.now = time.UnixMicro(p.ToUS)
	if _, err := r.TickPermits(t.Context()); err != nil {
		t.Fatal(err)
	}
	if g := r.Grants(); len(g) != 1 || g[0].State != permit.GrantEnding {
		t.Errorf("at its end: %+v", g)
	}
	for _, e := range p.History {
		told = append(told, e.Act)
	}
	if got := strings.Join(told, " "); !strings.Contains(got, "permit.submitted") || !strings.Contains(got, "permit.effective permit.suspended permit.resumed") {
		t.Errorf("history: %s", got)
	}
}

func TestPermitOfOthers(t *testing.T) {
	r := newPermitRig(t)
	draft, _, err := r.DraftPermit(t.Context(), r.anton, r.flight(0))
	if err != nil {
		t.Fatal(err)
	}
	rev := draft.Rev
	forester := r.actor(r.person("forestry", airspace.Reviewer))
	for _, c := range []struct {
		name string
		err  error
		want error
	}{
		{"another organisation reads", second(r.PermitOf(r.olaf, draft.ID)), airspace.ErrNotFound},
		{"a department reads a draft", second(r.PermitOf(r.rita, draft.ID)), airspace.ErrNotFound},
		{"another organisation edits", second(r.EditPermit(t.Context(), r.olaf, draft.ID, rev, r.flight(0))), airspace.ErrNotFound},
		{"another organisation submits", second(r.SubmitPermit(t.Context(), r.olaf, draft.ID)), airspace.ErrNotFound},
		{"an observer applies", third(r.DraftPermit(t.Context(), observer, r.flight(0))), airspace.ErrForbidden},
		{"a token without a person applies", third(r.DraftPermit(t.Context(), airspace.Actor{ID: "ci", Org: "acme", Roles: []airspace.Role{airspace.Applicant}}, r.flight(0))), airspace.ErrNoPerson},
		{"an edit of an old revision", second(r.EditPermit(t.Context(), r.anton, draft.ID, rev+1, r.flight(0))), airspace.ErrStale},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v", c.name, c.err)
		}
	}
	p := r.submitted(r.flight(0))
	v := permit.Review{Verdict: permit.Approve, DocHash: p.DocHash, Judgements: map[string]bool{"necessary": true, "appropriate": true, "controllable": true}}
	for _, c := range []struct {
		name string
		who  airspace.Actor
		want error
	}{
		{"its applicant", r.anton, airspace.ErrForbidden},
		{"another of its organisation", r.anton2, airspace.ErrForbidden},
		{"another organisation", r.olaf, airspace.ErrNotFound},
		{"a controller", r.carl, airspace.ErrForbidden},
		{"a department that is not asked", forester, permit.ErrNotAsked},
	} {
		if _, err := r.ReviewPermit(t.Context(), c.who, p.ID, "fine", v); !errors.Is(err, c.want) {
			t.Errorf("%s approves: %v, want %v", c.name, err, c.want)
		}
	}
	if got, _ := r.PermitOf(r.rita, p.ID); got.Rev != p.Rev {
		t.Error("a refused approval changed the permit")
	}
	if queue := r.Permits(r.rita, airspace.PermitFilter{Queue: true}); len(queue) != 1 || queue[0].ID != p.ID {
		t.Errorf("the department's queue: %d", len(queue))
	}
	if queue := r.Permits(forester, airspace.PermitFilter{Queue: true}); len(queue) != 0 {
		t.Errorf("the queue of one that is not asked: %d", len(queue))
	}
	if list := r.Permits(r.olaf, airspace.PermitFilter{}); len(list) != 0 {
		t.Errorf("another organisation lists %d", len(list))
	}
}

func third[A, B any](_ A, _ B, err error) error { return err }

func TestZoneFaults(t *testing.T) {
	r := newPermitRig(t)
	fence := river()
	fence.Shape = geofence.Shape{Circle: &geo.Circle{Center: geo.Point{Lat: 309_000_000, Lon: 1_219_000_000 + 30_000}, RadiusM: 150}}
	f, err := r.CreateFence(t.Context(), r.carl, fence)
	if err != nil {
		t.Fatal(err)
	}
	try := func(a permit.Application) string {
		_, faults, err := r.DraftPermit(airspace.Rehearsal(t.Context()), r.anton, a)
		if err != nil {
			t.Fatal(err)
		}
		if len(faults) == 0 {
			return ""
		}
		return faultsOf(&permit.RulesError{Faults: faults})
	}
	if got := try(r.flight(0)); !strings.Contains(got, "fence volumes/0 ") || !strings.Contains(got, f.Fence.ID) || strings.Contains(got, " 0 m") {
		t.Errorf("within a fence: %s", got)
	}
	offered := func(a permit.Application) permit.Offer {
		_, faults, err := r.DraftPermit(airspace.Rehearsal(t.Context()), r.anton, a)
		if err != nil || len(faults) == 0 || faults[0].Offer == nil {
			t.Fatalf("nothing is offered: %v, %v", faults, err)
		}
		return *faults[0].Offer
	}
	exempt := r.flight(0)
	exempt.ExemptFences = []string{offered(exempt).ExemptFence}
	above := r.flight(0)
	above.Volumes[0].Floor.MM, above.Volumes[0].Ceiling.MM = 120_000, 200_000
	for name, a := range map[string]permit.Application{"exempt": exempt, "beside": r.flight(-300_000), "above": above} {
		if got := try(a); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	aside := fence
	aside.Shape = geofence.Shape{Circle: &geo.Circle{Center: geo.Point{Lat: 309_000_000, Lon: 1_219_000_000 - 270_000}, RadiusM: 150}}
	if _, err := r.ReplaceFence(t.Context(), r.carl, f.Fence.ID, 1, aside); err != nil {
		t.Fatal(err)
	}
	if here, there := try(r.flight(0)), try(r.flight(-300_000)); here != "" || !strings.Contains(there, f.Fence.ID) {
		t.Errorf("the fence was put elsewhere: where it was: %q, where it is: %q", here, there)
	}
	if err := r.DeleteFence(t.Context(), r.carl, f.Fence.ID, 2); err != nil {
		t.Fatal(err)
	}
	if got := try(r.flight(-300_000)); got != "" {
		t.Errorf("after the fence was deleted: %s", got)
	}
	strange := r.flight(0)
	strange.Vehicles = []vehicles.VehicleID{"uav-1", "uav-9"}
	if got := try(strange); !strings.Contains(got, "vehicle vehicles/1") {
		t.Errorf("a vehicle that nobody knows: %s", got)
	}
	if _, err := r.approve(r.submitted(r.flight(0))); err != nil {
		t.Fatal(err)
	}
	if got := try(r.flight(1000)); !strings.Contains(got, "conflict volumes/0") || !strings.Contains(got, "60 min") {
		t.Errorf("in room that is taken: %s", got)
	}
	later := r.flight(0)
	by := offered(r.flight(1000)).ShiftUS
	later.FromUS += by
	later.ToUS += by
	later.Insurance[0].ToUS, later.People[0].LicenceUS = later.ToUS, later.ToUS
	if got := try(later); got != "" {
		t.Errorf("%d s later, as offered: %s", by/1e6, got)
	}
}

// TestDoubleApprovals is the figure permit/double_approvals: of those that want the
// same room and are approved at the same time, one is.
func TestDoubleApprovals(t *testing.T) {
	r := newPermitRig(t)
	sets, each := 3, 15
	if *figures {
		sets, each = 10, 100
	}
	double, tried := 0, 0
	begin := time.Now()
	for set := range sets {
		var list []permit.Permit
		for i := range each { // each reaches into all others of its set
			list = append(list, r.submitted(r.flight(int32(set)*100_000+int32(i)*10)))
		}
		submitted := time.Since(begin)
		if approved := r.approveAtOnce(list); approved != 1 {
			t.Errorf("%d of %d on the same room were approved", approved, each)
			double += max(0, approved-1)
		}
		if tried += each; set == 0 && *figures {
			fmt.Fprintf(os.Stderr, "permit/double_approvals: %.0f submissions a second\n", float64(each)/submitted.Seconds())
		}
	}
	if *figures {
		fmt.Printf("permit/double_approvals %d permits\n", double)
		fmt.Fprintf(os.Stderr, "permit/double_approvals: %d approvals, %d at a time on the same room; goal 0\n", tried, each)
	}
}

// approveAtOnce has all approved at the same time and says how many were.
func (r *permitRig) approveAtOnce(list []permit.Permit) (approved int) {
	var wg sync.WaitGroup
	errs := make([]error, len(list))
	for i := range list {
		wg.Go(func() { _, errs[i] = r.approve(list[i]) })
	}
	wg.Wait()
	for _, err := range errs {
		switch {
		case err == nil:
			approved++
		case !errors.Is(err, permit.ErrRules):
			r.t.Error(err)
		}
	}
	return approved
}

// TestPermitRepeated: the same request again has the first answer, and happens once.
func TestPermitRepeated(t *testing.T) {
	r := newPermitRig(t)
	ctx := journal.WithRequest(context.Background(), &journal.Request{By: r.anton.ID, Key: "k1", SHA256: "a"})
	first, _, err := r.DraftPermit(ctx, r.anton, r.flight(0))
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := r.DraftPermit(ctx, r.anton, r.flight(0))
	if err != nil || again.ID != first.ID || len(r.Permits(r.anton, airspace.PermitFilter{})) != 1 {
		t.Errorf("the second time: %s and %s, %v", first.ID, again.ID, err)
	}
}
