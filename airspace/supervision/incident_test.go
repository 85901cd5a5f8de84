package supervision_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/airspace/supervision"
)

func shanghai(t *testing.T) *rules.Pack {
	t.Helper()
	set, err := rules.Load(rules.Packs())
	if err != nil {
		t.Fatal(err)
	}
	pack, err := set.Get("cn-shanghai-2026@1")
	if err != nil {
		t.Fatal(err)
	}
	return pack
}

func act(at time.Time, reason string) permit.Act {
	return permit.Act{By: permit.Signer{Person: "p1", Org: "acme"}, AtUS: at.UnixMicro(), Reason: reason}
}

func at(t *testing.T, pack *rules.Pack, when string) time.Time {
	t.Helper()
	x, err := time.ParseInLocation("2006-01-02 15:04:05", when, pack.Location())
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestDeadlinesOfIncidents: by the pack, in the zone's time and its working days.
func TestDeadlinesOfIncidents(t *testing.T) {
	pack := shanghai(t)
	for _, c := range []struct{ name, class, domain, occurred, landed, want string }{
		{"from the landing", "uav.event", "uav", "2026-11-24 09:00:00", "2026-11-24 09:30:00", "first 2026-11-25 09:30"},
		{"landing not known: from when it happened", "uav.event", "uav", "2026-11-24 09:00:00", "", "first 2026-11-25 09:00"},
		{"severe: a day, then three working days over a weekend", "icv.severe", "icv", "2026-11-27 23:59:59", "", "first 2026-11-28 23:59 written 2026-12-03 00:00"},
		{"over the national holiday", "icv.accident", "icv", "2026-09-30 08:00:00", "", "first 2026-10-11 00:00"},
	} {
		f := supervision.First{Class: c.class, OccurredUS: at(t, pack, c.occurred).UnixMicro(), Permit: "pm_1", Text: "x"}
		if c.landed != "" {
			f.LandedUS = at(t, pack, c.landed).UnixMicro()
		}
		x, err := supervision.Report("in_1", "acme", c.domain, act(at(t, pack, c.occurred).Add(time.Hour), ""), pack, f)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for _, k := range x.Clocks {
			got = append(got, k.Step+" "+time.UnixMicro(k.DueUS).In(pack.Location()).Format("2006-01-02 15:04"))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %s, want %s", c.name, s, c.want)
		}
	}
}

// TestInvestigationCountsFromFinding: its clock begins with the first finding, is
// warned of, missed once, and what comes late is marked.
func TestInvestigationCountsFromFinding(t *testing.T) {
	pack := shanghai(t)
	now := at(t, pack, "2026-11-27 10:00:00") // a Friday
	x, err := supervision.Report("in_1", "acme", "icv", act(now, ""), pack, supervision.First{Class: "icv.accident", OccurredUS: now.UnixMicro(), Permit: "pm_1", Text: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Clocks) != 1 || x.Clocks[0].State != permit.ClockMet {
		t.Fatalf("%+v", x.Clocks)
	}
	if x, err = x.Say(act(now, ""), pack, supervision.Finding, "brakes", ""); err != nil {
		t.Fatal(err)
	}
	due := at(t, pack, "2026-12-05 00:00:00")
	if got := time.UnixMicro(x.Clocks[1].DueUS); !got.Equal(due) {
		t.Fatalf("due %v", got)
	}
	if x, err = x.Say(act(now.Add(time.Hour), ""), pack, supervision.Finding, "both brakes", ""); err != nil || len(x.Clocks) != 2 {
		t.Fatalf("a second finding begins another clock: %+v %v", x.Clocks, err)
	}
	for _, c := range []struct {
		at   time.Time
		want string
	}{{now.Add(time.Hour), ""}, {time.UnixMicro(x.Clocks[1].WarnUS), "incident.clock_warned"}, {due, ""}, {due.Add(time.Second), "incident.clock_missed"}, {due.Add(time.Hour), ""}} {
		y, changed := x.Tick(c.at.UnixMicro())
		if changed != (c.want != "") || changed && y.History[len(y.History)-1].Act != c.want {
			t.Fatalf("%v: %v %+v", c.at, changed, y.History)
		}
		if changed && x.Due() > c.at.UnixMicro() {
			t.Errorf("%v: not due before %v", c.at, time.UnixMicro(x.Due()))
		}
		if changed {
			x = y
		}
	}
	if got := x.Overdue(due.Add(time.Hour).UnixMicro()); !slices.Equal(got, []string{"investigation"}) {
		t.Errorf("overdue: %v", got)
	}
	if _, err = x.Close(act(due, "done")); !errors.Is(err, supervision.ErrState) {
		t.Errorf("closed without its papers: %v", err)
	}
	if x, err = x.Say(act(due.Add(2*time.Hour), ""), pack, supervision.Investigation, "papers", strings.Repeat("a", 64)); err != nil {
		t.Fatal(err)
	}
	if last := x.Statements[len(x.Statements)-1]; !last.Late || x.Clocks[1].State != permit.ClockMissed || len(x.Overdue(due.Add(time.Hour).UnixMicro())) != 0 {
		t.Errorf("%+v %+v", last, x.Clocks)
	}
	if x, err = x.Close(act(due, "brakes changed")); err != nil {
		t.Fatal(err)
	}
	if _, err = x.Say(act(due, ""), pack, supervision.Written, "more", ""); !errors.Is(err, supervision.ErrState) {
		t.Errorf("said after the end: %v", err)
	}
	if _, err = x.Say(act(due, ""), pack, supervision.Amendment, "more", ""); err != nil {
		t.Errorf("nothing can be amended any more: %v", err)
	}
}

// TestMonthlyIsDue: working days behind the last day of the month.
func TestMonthlyIsDue(t *testing.T) {
	pack := shanghai(t)
	for month, want := range map[string]string{"2026-11": "2026-12-08 00:00:00", "2026-09": "2026-10-14 00:00:00"} {
		due, asked, err := supervision.DueOf(pack, month)
		if err != nil || !asked || !due.Equal(at(t, pack, want)) {
			t.Errorf("%s: %v %v %v", month, due, asked, err)
		}
	}
	if _, _, err := supervision.DueOf(pack, "2026-13"); err == nil {
		t.Error("a year has 13 months")
	}
}
