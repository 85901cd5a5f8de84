package permit

import (
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"testzone/airspace/rules"
)

func clock(p *Permit, id string) Clock {
	for _, c := range p.Clocks {
		if c.ID == id {
			return c
		}
	}
	return Clock{}
}

// The vectors of the law, in a process of each zone.
func TestClockVectors(t *testing.T) {
	const child = "TESTZONE_PERMIT_CLOCKS"
	if os.Getenv(child) == "" {
		for _, tz := range []string{"UTC", "America/New_York", "Asia/Shanghai"} {
			cmd := exec.Command(os.Args[0], "-test.run=^TestClockVectors$")
			cmd.Env = append(os.Environ(), child+"=1", "TZ="+tz)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("TZ=%s: %v\n%s", tz, err, out)
			}
		}
		return
	}
	pack := packOf(t, shanghai)
	for _, v := range []struct{ start, apply, decide, report, emergency, answer string }{
		{"2026-11-24T09:00:00+08:00", "2026-11-23T12:00:00+08:00", "2026-11-23T21:00:00+08:00", "2026-11-24T08:00:00+08:00", "2026-11-24T08:30:00+08:00", "2026-11-24T08:50:00+08:00"},
		{"2026-11-23T16:30:00Z", "2026-11-23T12:00:00+08:00", "2026-11-23T21:00:00+08:00", "2026-11-23T23:30:00+08:00", "2026-11-24T00:00:00+08:00", "2026-11-24T00:20:00+08:00"},
		{"2026-03-01T06:00:00+08:00", "2026-02-28T12:00:00+08:00", "2026-02-28T21:00:00+08:00", "2026-03-01T05:00:00+08:00", "2026-03-01T05:30:00+08:00", "2026-03-01T05:50:00+08:00"},
		{"2027-01-01T10:00:00+08:00", "2026-12-31T12:00:00+08:00", "2026-12-31T21:00:00+08:00", "2027-01-01T09:00:00+08:00", "2027-01-01T09:30:00+08:00", "2027-01-01T09:50:00+08:00"},
	} {
		from := us(t, v.start)
		app := complete(pack, "uav.flight", "", from, from+3600_000_000)
		ask := func(at int64, emergency bool) (Permit, error) {
			app := app
			app.Emergency = emergency
			p, err := Draft("pm_1", "acme", byApplicant(at), app, pack)
			if err != nil {
				t.Fatal(err)
			}
			return p.Submit(byApplicant(at), pack, nil)
		}
		p, err := ask(us(t, v.apply), false) // in time to the second
		if err != nil {
			t.Fatalf("%s: %v", v.start, err)
		}
		for id, want := range map[string]string{"uav.apply": v.apply, "uav.decide": v.decide, "uav.report": v.report} {
			if got := clock(&p, id).DueUS; got != us(t, want) {
				t.Errorf("%s: %s is due %s, want %s", v.start, id, time.UnixMicro(got).UTC(), want)
			}
		}
		var e *RulesError
		if _, err := ask(us(t, v.apply)+1_000_000, false); !errors.As(err, &e) || e.Faults[0].Code != "clock" || e.Faults[0].Passes == "" {
			t.Errorf("%s: a second late: %v", v.start, err)
		}
		p, err = ask(us(t, v.emergency), true)
		if err != nil || clock(&p, "uav.emg.apply").DueUS != us(t, v.emergency) || clock(&p, "uav.emg.decide").DueUS != us(t, v.answer) {
			t.Errorf("%s: emergency: %v %+v", v.start, err, p.Clocks)
		}
		if _, err := ask(us(t, v.emergency)+1_000_000, true); !errors.Is(err, ErrRules) {
			t.Errorf("%s: an emergency a second late: %v", v.start, err)
		}
	}
}

func TestStartMovesTheClocks(t *testing.T) {
	pack := packOf(t, shanghai)
	from := us(t, "2026-11-25T09:00:00+08:00")
	app := complete(pack, "uav.flight", "", from, from+3600_000_000)
	ask := us(t, "2026-11-23T14:00:00+08:00")
	p, err := Draft("pm_1", "acme", byApplicant(ask), app, pack)
	if err == nil {
		p, err = p.Submit(byApplicant(ask), pack, nil)
	}
	if err == nil {
		p, err = p.Review(by("atm", ask), pack, Review{Verdict: Return, DocHash: p.DocHash})
	}
	if err != nil {
		t.Fatal(err)
	}
	edited := func(start string) error {
		from := us(t, start)
		q, err := p.Edit(byApplicant(ask+1), complete(pack, "uav.flight", "", from, from+3600_000_000))
		if err == nil {
			q, err = q.Submit(byApplicant(ask+2), pack, nil)
		}
		if err == nil && clock(&q, "uav.decide").DueUS != us(t, start)-12*3600_000_000 {
			t.Errorf("start %s: to be decided by %s", start, time.UnixMicro(clock(&q, "uav.decide").DueUS))
		}
		return err
	}
	if err := edited("2026-11-26T09:00:00+08:00"); err != nil {
		t.Errorf("a later start: %v", err)
	}
	if err := edited("2026-11-24T09:00:00+08:00"); !errors.Is(err, ErrRules) {
		t.Errorf("a start moved back to a day that was missed: %v", err)
	}
}

func TestMissedClockEscalatesAndApprovesNothing(t *testing.T) {
	pack := packOf(t, shanghai)
	from := us(t, "2026-11-24T09:00:00+08:00")
	p := submitted(t, pack, complete(pack, "uav.flight", "", from, from+3600_000_000))
	c := clock(&p, "uav.decide")
	if want := noon + (c.DueUS-noon)*8/10; c.WarnUS/1e6 != want/1e6 {
		t.Errorf("it warns at %s", time.UnixMicro(c.WarnUS))
	}
	if _, changed := p.Tick(pack, c.WarnUS-1); changed {
		t.Error("the clock did something before it warns")
	}
	p, changed := p.Tick(pack, c.WarnUS)
	if !changed || !clock(&p, "uav.decide").Warned || p.Due() != c.DueUS+1 {
		t.Errorf("no warning: %+v", clock(&p, "uav.decide"))
	}
	p, _ = p.Tick(pack, c.DueUS+1_000_000)
	if clock(&p, "uav.decide").State != ClockMissed || p.State != rules.UnderReview {
		t.Errorf("missed: %+v, the permit is %s", clock(&p, "uav.decide"), p.State)
	}
	if p, _ = p.Tick(pack, from+1); p.State != rules.UnderReview {
		t.Errorf("silence made it %s", p.State)
	}
}
