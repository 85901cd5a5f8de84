package airspace_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"testzone/airspace"
	"testzone/airspace/notice"
	"testzone/airspace/permit"
	"testzone/airspace/rules"
)

// noticesOf are the kinds that somebody was told, the oldest first, with the object's name.
func noticesOf(r *airspace.Register, who airspace.Actor) (out []string) {
	list, _, _ := r.Notices(who, notice.Query{Limit: 1000})
	for _, n := range slices.Backward(list) {
		out = append(out, string(n.Kind))
	}
	return out
}

func wantNotices(t *testing.T, r *airspace.Register, who airspace.Actor, want string) {
	t.Helper()
	if got := strings.Join(noticesOf(r, who), " "); got != want {
		t.Errorf("%s was told\n %s, want\n %s", who.Org, got, want)
	}
}

// TestPermitNotices: each act is told to whom it is for and to nobody else, and the same
// list, with the same ids, stands in a register that replays the journal.
func TestPermitNotices(t *testing.T) {
	r := newPermitRig(t)
	one := r.effective(r.flight(0))
	if _, err := r.HaltPermit(t.Context(), r.carl, one.ID, airspace.SuspendPermit, "a concert", false); err != nil {
		t.Fatal(err)
	}
	if _, err := r.HaltPermit(t.Context(), r.rita, one.ID, airspace.RevokePermit, "unsafe", true); err != nil {
		t.Fatal(err)
	}
	wantNotices(t, r.Register, r.anton, "permit.approved permit.effective permit.suspended permit.revoked")
	wantNotices(t, r.Register, r.rita, "permit.submitted permit.suspended permit.revoked")
	wantNotices(t, r.Register, r.carl, "permit.effective permit.suspended permit.revoked")
	wantNotices(t, r.Register, r.olaf, "")
	list, unread, _ := r.Notices(r.anton, notice.Query{Limit: 2})
	if len(list) != 2 || unread != 4 || list[0].Object != "permit:"+one.ID || list[0].Name != "trial" {
		t.Fatalf("%d unread, %+v", unread, list)
	}
	if err := r.ReadNotices(t.Context(), r.anton, list[1].ID); err != nil {
		t.Fatal(err)
	}
	if _, unread, _ := r.Notices(r.anton, notice.Query{}); unread != 1 {
		t.Errorf("%d unread after reading three of four", unread)
	}
	if _, unread, _ := r.Notices(r.anton2, notice.Query{}); unread != 4 {
		t.Errorf("a colleague has %d unread: each reads for itself", unread)
	}
	head, _ := r.journal.Head()
	if err := r.ReadNotices(t.Context(), r.anton, list[1].ID); err != nil {
		t.Fatal(err)
	}
	if now, _ := r.journal.Head(); now != head {
		t.Error("what was read is journaled again")
	}
	if err := r.ReadNotices(t.Context(), r.anton, 1<<60); err != nil {
		t.Fatal(err)
	}
	if _, _, upTo := r.Notices(r.anton, notice.Query{}); upTo != r.NewestNotice() {
		t.Errorf("read up to %d, beyond the newest %d", upTo, r.NewestNotice())
	}
	again := r.replayed()
	if a, b := fmt.Sprint(r.NoticesAfter(0, 1000)), fmt.Sprint(again.NoticesAfter(0, 1000)); a != b {
		t.Errorf("after a restart:\n%s\nwas\n%s", b, a)
	}
	if _, _, upTo := again.Notices(r.anton, notice.Query{}); upTo != r.NewestNotice() {
		t.Errorf("after a restart it is read up to %d", upTo)
	}
}

// replayed is a register of the same journal and clock.
func (r *permitRig) replayed() *airspace.Register {
	r.t.Helper()
	out, err := airspace.NewRegister(airspace.Config{
		Zone: airspace.Zone{ID: "north"}, Listeners: []string{"signed"}, Journal: r.journal, Clock: func() time.Time { return r.now },
	})
	if err != nil {
		r.t.Fatal(err)
	}
	replay(r.t, r.journal, out, 1, 1000)
	return out
}

// tickTo moves the clock step by step and looks at every step, with a restart in the
// middle: x follows the journal.
func (r *permitRig) tickTo(x *airspace.Register, to time.Time, step time.Duration) {
	r.t.Helper()
	for r.now.Before(to) {
		if r.now = r.now.Add(step); r.now.After(to) {
			r.now = to
		}
		if _, err := x.TickPermits(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
		if err := x.TickNotices(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
	}
}

// TestDeadlineNotices: a deadline is near, is missed and escalated to department, zone
// and applicant, each once, over the end of a month and a restart in between. A clock of
// the day before the start is no call.
func TestDeadlineNotices(t *testing.T) {
	r := newPermitRig(t)
	zone := r.pack.Location()
	r.now = time.Date(2026, 11, 28, 10, 0, 0, 0, zone)
	a := flightOf(r.pack, time.Date(2026, 12, 1, 9, 0, 0, 0, zone), 0)
	p := r.submitted(a)
	var decide permit.Clock
	for _, c := range p.Clocks {
		if c.Step != "" {
			decide = c
		}
	}
	if decide.DueUS == 0 {
		t.Fatal("the generic pack has no clock of a step")
	}
	r.tickTo(r.Register, time.UnixMicro(decide.DueUS), 37*time.Minute)
	wantNotices(t, r.Register, r.rita, "permit.submitted permit.clock_warned")
	again := r.replayed()
	r.tickTo(again, time.UnixMicro(decide.DueUS).Add(3*time.Hour), 37*time.Minute)
	wantNotices(t, again, r.rita, "permit.submitted permit.clock_warned permit.clock_missed")
	wantNotices(t, again, r.carl, "permit.clock_missed")
	wantNotices(t, again, r.anton, "permit.clock_missed")
	list, _, _ := again.Notices(r.rita, notice.Query{Limit: 1})
	if list[0].What != decide.ID || list[0].DueUS != decide.DueUS {
		t.Errorf("the escalation does not say which clock: %+v", list[0])
	}
	missed := again.MissedClocks()
	if len(missed) != 1 || missed[0].Permit.ID != p.ID || missed[0].Clock.ID != decide.ID || !slices.Contains(missed[0].Asked, r.rita.Org) || missed[0].Urgent {
		t.Errorf("missed and open: %+v", missed)
	}
	if calls := again.Escalations(); len(calls) != 0 {
		t.Errorf("somebody has to be called: %+v", calls)
	}
	if _, err := again.WithdrawPermit(t.Context(), r.anton, p.ID, "no more"); err != nil {
		t.Fatal(err)
	}
	if missed := again.MissedClocks(); len(missed) != 0 {
		t.Errorf("missed for what was withdrawn: %+v", missed)
	}
}

// TestEndsAreTold: permit and insurance, 7 days, one day and an hour before, each once;
// not for what is shorter than that, and what was slept over is told once, not thrice.
func TestEndsAreTold(t *testing.T) {
	for _, c := range []struct {
		name    string
		asleep  time.Duration
		ends    int
		restart bool
	}{{"looked at all the time", 0, 3, true}, {"asleep until two hours before its end", 28*24*time.Hour - 2*time.Hour, 2, false}} {
		r := newPermitRig(t)
		a := r.flight(0)
		a.ToUS = a.FromUS + (28 * 24 * time.Hour).Microseconds()
		a.Insurance[0].ToUS = a.ToUS
		a.People[0].LicenceUS = a.ToUS
		p := r.effective(a)
		r.now = time.UnixMicro(p.FromUS).Add(c.asleep)
		x := r.Register
		r.tickTo(x, time.UnixMicro(p.ToUS).Add(-90*time.Minute), 11*time.Hour)
		if c.restart {
			x = r.replayed()
		}
		r.tickTo(x, time.UnixMicro(p.ToUS).Add(time.Hour), 13*time.Minute)
		got := noticesOf(x, r.anton)
		if n := len(slices.DeleteFunc(slices.Clone(got), func(s string) bool { return s != "permit.ends_soon" })); n != c.ends {
			t.Errorf("%s: %d warnings before the end: %v", c.name, n, got)
		}
		if got[len(got)-1] != "permit.expired" {
			t.Errorf("%s: %v", c.name, got)
		}
		if slices.Contains(noticesOf(x, r.olaf), "permit.ends_soon") {
			t.Errorf("%s: another operator is told", c.name)
		}
	}
}

// TestInsuranceEnds before the permit does: told 30, 7 and 1 days before.
func TestInsuranceEnds(t *testing.T) {
	r := newPermitRig(t)
	a := r.flight(0)
	a.ToUS = a.FromUS + (60 * 24 * time.Hour).Microseconds()
	a.People[0].LicenceUS = a.ToUS
	second := a.Insurance[0]
	a.Insurance[0].ToUS = a.FromUS + (50 * 24 * time.Hour).Microseconds()
	second.FromUS, second.ToUS = a.Insurance[0].ToUS, a.ToUS-time.Hour.Microseconds()
	p := r.effective(a)
	count := func() (n int) {
		for _, k := range noticesOf(r.Register, r.anton) {
			if k == "permit.insurance_ends" {
				n++
			}
		}
		return n
	}
	r.now = time.UnixMicro(p.FromUS)
	ends := time.UnixMicro(a.Insurance[0].ToUS)
	if p.ToUS != a.Insurance[0].ToUS {
		t.Fatalf("the permit does not end with its insurance: %d", p.ToUS)
	}
	r.tickTo(r.Register, ends.Add(time.Hour), 5*time.Hour)
	if n := count(); n != 3 {
		t.Errorf("%d warnings of an insurance that cuts the permit", n)
	}
}

// TestUnacknowledgedIsTold to the zone and to whom it is for, once for each notice.
func TestUnacknowledgedIsTold(t *testing.T) {
	r, q := restrictRig(t)
	made, err := r.Restrict(t.Context(), r.carl, q)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.AcknowledgeRestriction(t.Context(), r.anna, made.ID, 1, "", ""); err != nil {
		t.Fatal(err)
	}
	tick := func() {
		t.Helper()
		for range 2 {
			if err := r.TickNotices(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	tick()
	wantNotices(t, r.Register, r.second, "restriction.published")
	r.now = time.UnixMicro(made.Told[0].DueUS)
	tick()
	wantNotices(t, r.Register, r.second, "restriction.published restriction.unacknowledged")
	wantNotices(t, r.Register, r.carl, "restriction.unacknowledged")
	wantNotices(t, r.Register, r.anna, "restriction.published")
	wantNotices(t, r.Register, r.owner, "")
	if _, err := r.EndRestriction(t.Context(), r.carl, made.ID, 2, "over"); err != nil {
		t.Fatal(err)
	}
	wantNotices(t, r.Register, r.second, "restriction.published restriction.unacknowledged restriction.ended")
}

// TestPackEndsIsTold to zone and departments when no other follows it, and not before.
func TestPackEndsIsTold(t *testing.T) {
	generic, err := fs.ReadFile(rules.Packs(), "generic-1.json")
	if err != nil {
		t.Fatal(err)
	}
	ends := bytes.Replace(generic, []byte(`"valid_to": null`), []byte(`"valid_to": "2026-12-31"`), 1)
	next := bytes.Replace(generic, []byte(`"version": 1`), []byte(`"version": 2`), 1)
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  int
	}{
		"nothing follows": {fstest.MapFS{"generic-1.json": {Data: ends}}, 3},
		"another follows": {fstest.MapFS{"generic-1.json": {Data: ends}, "generic-2.json": {Data: validFrom(next, "2026-12-01")}}, 0},
	} {
		set, err := rules.Load(c.files)
		if err != nil {
			t.Fatal(err)
		}
		r := newPermitRig(t)
		x, err := airspace.NewRegister(airspace.Config{Zone: airspace.Zone{ID: "north", TZ: "Asia/Shanghai"}, Listeners: []string{"signed"}, Journal: r.journal, Rules: set, Clock: func() time.Time { return r.now }})
		if err != nil {
			t.Fatal(err)
		}
		replay(t, r.journal, x, 1, 1000)
		r.tickTo(x, time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC), 7*time.Hour)
		for _, who := range []airspace.Actor{r.rita, r.carl} {
			if got := noticesOf(x, who); len(got) != c.want {
				t.Errorf("%s: %s was told %v", name, who.Org, got)
			}
		}
		wantNotices(t, x, r.anton, "")
	}
}

// validFrom is a pack that begins on another date.
func validFrom(pack []byte, date string) []byte {
	return regexp.MustCompile(`"valid_from": "[^"]*"`).ReplaceAll(pack, []byte(`"valid_from": "`+date+`"`))
}
