package web

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// rehearsedZone is a zone with a sandbox and a real operator, who have a drone each, a
// department and a controller.
type rehearsedZone struct {
	*testZone
	dev, opr, rita, ctl account
	from                time.Time
}

func newRehearsedZone(t *testing.T) *rehearsedZone {
	t.Helper()
	z := &rehearsedZone{testZone: newTestZone(t, zoneOptions{})}
	for id, kind := range map[string]string{"zone": "authority", "play": "sandbox", "acme": "operator", "authority": "department"} {
		z.organisation(id, kind)
	}
	z.dev, z.opr = z.account("dora", "play", "test_operator"), z.account("opr", "acme", "test_operator")
	z.rita, z.ctl = z.account("rita", "authority", "department_reviewer"), z.account("ctl", "zone", "controller")
	for _, v := range []struct {
		who account
		id  string
		sys int
	}{{z.dev, "uav-7", 7}, {z.opr, "uav-8", 8}} {
		body := strings.Replace(vehicleBody(v.id, v.sys), `"usv"`, `"uav"`, 1)
		if v.id == "uav-7" {
			body = strings.Replace(body, `"operator":"acme"`, `"operator":"play"`, 1)
		}
		z.want(z.as(v.who, "POST", "/v1/vehicles", body), "201")
	}
	z.from = z.clock.now().Add(5 * 24 * time.Hour).Truncate(time.Second)
	return z
}

// rehearsed is an application of the sandbox that was handed in.
func (z *rehearsedZone) rehearsed(title string) (p Permit) {
	z.t.Helper()
	r := z.as(z.dev, "POST", permitPath, application(z.t, z.from, func(a map[string]any) { a["title"] = title }))
	z.want(r, "201")
	r.json(z.t, &p)
	r = z.as(z.dev, "POST", permitPath+"/"+p.ID+"/submit", `{}`)
	z.want(r, "200")
	r.json(z.t, &p)
	return p
}

func (z *rehearsedZone) permit(id string) (p Permit) {
	z.t.Helper()
	z.as(z.dev, "GET", permitPath+"/"+id, "").json(z.t, &p)
	return p
}

// shows moves the sandbox's clock to a time and has happen what is due.
func (z *rehearsedZone) shows(at time.Time) {
	z.t.Helper()
	read := z.as(z.dev, "GET", "/v1/organisations/play/clock", "")
	z.want(z.as(z.dev, "PUT", "/v1/organisations/play/clock", fmt.Sprintf(`{"now":%q}`, at.UTC().Format(time.RFC3339)), "If-Match", read.Header.Get("ETag")), "200")
	z.tick()
}

func (z *rehearsedZone) tick() {
	z.t.Helper()
	if _, err := z.register.TickPermits(z.t.Context()); err != nil {
		z.t.Fatal(err)
	}
}

func acts(p *Permit) string {
	out := []string{}
	for _, e := range p.History {
		out = append(out, strings.TrimPrefix(e.Act, "permit."))
	}
	return strings.Join(out, " ")
}

// TestSandboxPermitJourney: by its own clock an application of a sandbox becomes
// effective and ends, and nothing of it is of the zone.
func TestSandboxPermitJourney(t *testing.T) {
	z := newRehearsedZone(t)
	p := z.rehearsed("rehearsal")
	if !p.Rehearsal || p.State != "under_review" {
		t.Fatalf("after the submission: %s, rehearsal %v", p.State, p.Rehearsal)
	}
	z.tick()
	if got := z.permit(p.ID); got.State != "under_review" || len(got.Decisions) != 0 {
		t.Errorf("it was answered at once: %s", acts(&got))
	}
	z.clock.advance(61 * time.Minute) // the clock of the sandbox goes on by itself too
	z.tick()
	if got := z.permit(p.ID); got.State != "approved" || !got.Decisions[0].Simulated || got.Decisions[0].Signer != "simulated:authority" {
		t.Errorf("an hour later: %s, %+v", got.State, got.Decisions)
	}
	z.want(z.as(z.rita, "GET", permitPath+"/"+p.ID, ""), "404 not_found")
	z.want(z.as(z.ctl, "GET", permitPath+"/"+p.ID, ""), "404 not_found")
	z.want(z.as(z.rita, "POST", permitPath+"/"+p.ID+"/revoke", `{"reason":"it is none of mine"}`), "404 not_found")
	z.shows(z.from.Add(time.Minute))
	got := z.permit(p.ID)
	if got.State != "effective" || acts(&got) != "drafted submitted reviewed override_signed effective" {
		t.Errorf("at its begin: %s: %s", got.State, acts(&got))
	}
	for i := range got.History[1:] {
		if got.History[i].At > got.History[i+1].At {
			t.Errorf("its history goes back: %+v", got.History)
		}
	}
	if at := got.History[len(got.History)-1].At; at < z.from.UTC().Format(timeFormat) || at > z.from.Add(2*time.Second).UTC().Format(timeFormat) {
		t.Errorf("effective at %s, it begins at %s", at, z.from)
	}
	z.nothingInTheZone(p.ID)
	var late Permit
	z.as(z.dev, "POST", permitPath+"?dry_run=true", application(t, z.from, nil)).json(t, &late)
	if len(late.Faults) == 0 || late.Faults[0].Item != "window" {
		t.Errorf("a begin that is past by the clock of the sandbox: %+v", late.Faults)
	}
	z.shows(z.from.Add(2 * time.Hour))
	if got := z.permit(p.ID); got.State != "expired" {
		t.Errorf("after its time: %s", got.State)
	}
}

// nothingInTheZone holds that a rehearsal that is in force allows nothing, takes no room
// and is told to nobody but its sandbox.
func (z *rehearsedZone) nothingInTheZone(id string) {
	z.t.Helper()
	if g := z.register.Grants(); len(g) != 0 {
		z.t.Errorf("it allows %+v", g)
	}
	for _, path := range []string{permitPath, permitPath + "?queue=true", "/v1/disclosures", "/v1/reviews", "/v1/notifications"} {
		for _, who := range []account{z.rita, z.ctl, z.opr} {
			if r := z.as(who, "GET", path, ""); r.StatusCode == 200 && strings.Contains(string(r.body), id) {
				z.t.Errorf("%s shows it to somebody else: %s", path, r.body)
			}
		}
	}
	if r := z.as(z.dev, "GET", "/v1/notifications", ""); !strings.Contains(string(r.body), "[simulated]") {
		z.t.Errorf("the sandbox is told: %s", r.body)
	}
	var p Permit
	r := z.as(z.opr, "POST", permitPath+"?dry_run=true", application(z.t, z.from, func(a map[string]any) { a["vehicles"] = []string{"uav-8"} }))
	z.want(r, "200")
	if r.json(z.t, &p); len(p.Faults) != 0 || p.Rehearsal {
		z.t.Errorf("against the same of an operator speaks: %+v", p.Faults)
	}
}

// TestSandboxTriggers: words in the title say what simulated departments do.
func TestSandboxTriggers(t *testing.T) {
	z := newRehearsedZone(t)
	titles := map[string]struct{ state, acts string }{
		"plain":                        {"effective", "drafted submitted reviewed override_signed effective"},
		"sim:return":                   {"information_requested", "drafted submitted reviewed"},
		"fog sim:reject@authority":     {"refused", "drafted submitted reviewed"},
		"sim:reject@forestry":          {"effective", "drafted submitted reviewed override_signed effective"},
		"sim:conditions":               {"effective", "drafted submitted reviewed override_signed effective"},
		"sim:silent":                   {"under_review", "drafted submitted"},
		"sim:revoke":                   {"revoked", "drafted submitted reviewed override_signed effective revoked"},
		"sim:returned is no such word": {"effective", "drafted submitted reviewed override_signed effective"},
	}
	ids := map[string]string{}
	for title := range titles {
		ids[title] = z.rehearsed(title).ID
	}
	z.shows(z.from.Add(59 * time.Minute))
	for title, want := range titles {
		got := z.permit(ids[title])
		told := acts(&got)
		for _, clock := range []string{" clock_warned", " clock_missed"} { // the pack's
			told = strings.ReplaceAll(told, clock, "")
		}
		if got.State != want.state || told != want.acts {
			t.Errorf("%s: %s: %s, want %s: %s", title, got.State, told, want.state, want.acts)
		}
		if title == "sim:conditions" && (got.Conditions == nil || !got.Conditions.Observer) {
			t.Errorf("its conditions: %+v", got.Conditions)
		}
	}
}

// TestSandboxReturnIsAnswered: what was returned is asked for once.
func TestSandboxReturnIsAnswered(t *testing.T) {
	z := newRehearsedZone(t)
	p := z.rehearsed("sim:return")
	z.shows(z.clock.now().Add(2 * time.Hour))
	got := z.as(z.dev, "PUT", permitPath+"/"+p.ID, application(t, z.from, func(a map[string]any) {
		a["title"] = "sim:return"
		a["items"].(map[string]any)["comms"] = map[string]any{"text": "two channels"}
	}), "If-Match", fmt.Sprintf("%q", fmt.Sprint(z.permit(p.ID).Rev)))
	z.want(got, "200")
	z.want(z.as(z.dev, "POST", permitPath+"/"+p.ID+"/submit", `{}`), "200")
	z.shows(z.from.Add(time.Minute))
	if p := z.permit(p.ID); p.State != "effective" {
		t.Errorf("%s: %s", p.State, acts(&p))
	}
}
