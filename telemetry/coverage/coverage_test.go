package coverage

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/journal"
	"testzone/telemetry/live"
	"testzone/telemetry/watchdog"
	"testzone/vehicles"
)

// book is a journal in memory; while it fails it takes nothing.
type book struct {
	records []journal.Record
	fails   error
}

func (b *book) Append(_ context.Context, batch ...journal.Entry) (seqs []uint64, err error) {
	if b.fails != nil {
		return nil, b.fails
	}
	for _, e := range batch {
		b.records = append(b.records, journal.Record{Seq: uint64(len(b.records)) + 1, Entry: e})
		seqs = append(seqs, uint64(len(b.records)))
	}
	return seqs, nil
}

var (
	uav   = &vehicles.Identity{ID: "uav-1", Handle: 1, Class: vehicles.UAV, Operator: "skyline", Verified: true}
	boat  = &vehicles.Identity{ID: "usv-1", Handle: 2, Class: vehicles.USV, Operator: "harbour", Verified: true}
	guest = &vehicles.Identity{ID: "open-1", Handle: 3, Class: vehicles.UAV, Operator: "skyline"}
	zone  = live.BBox{West: 0, South: 0, East: 32_000, North: 32_000}
)

// rig is a ledger that is told once a second.
type rig struct {
	*Ledger
	t     *testing.T
	disk  *book
	bus   *telemetry.Bus
	began time.Time
	end   func()
}

func start(t *testing.T, disk *book) *rig {
	t.Helper()
	r := &rig{t: t, disk: disk, bus: telemetry.NewBus(nil), began: time.Now()}
	var err error
	if r.Ledger, err = New(Config{Journal: disk, Bus: r.bus, Box: zone}); err != nil {
		t.Fatal(err)
	}
	for _, rec := range disk.records {
		if err := r.Replay(rec); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	r.end = func() { cancel(); <-done }
	return r
}

func of(v *vehicles.Identity, armed bool, why telemetry.Lack) telemetry.EnforcementLook {
	return telemetry.EnforcementLook{Vehicle: v, Armed: armed, Why: why, HasFix: true, At: geo.Point{Lon: 1500, Lat: 500}}
}

// seconds tells the ledger the same for n seconds.
func (r *rig) seconds(n int, looks ...telemetry.EnforcementLook) {
	for range n {
		r.Look(time.Since(r.began).Microseconds()+1, looks)
		time.Sleep(time.Second) // of the bubble
		synctest.Wait()
	}
}

// sums are those of everybody, as text.
func (r *rig) sums() string {
	var out []string
	for _, m := range r.Between(telemetry.WholeZone(), 0, 1<<62) {
		text := fmt.Sprintf("%s %d/%d", m.Vehicle, m.EnforcedMS/1000, m.NotEnforcedMS/1000)
		for _, why := range []string{"stale", "estimator_bad", "link_lost", SupervisionLost} {
			if ms := m.WhyMS[why]; ms > 0 {
				text += fmt.Sprintf(" %s %d", why, ms/1000)
			}
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

func TestCounts(t *testing.T) {
	stale, bad := telemetry.LacksFreshness, telemetry.LacksFreshness|telemetry.LacksGoodQuality
	lost := of(uav, true, 0)
	lost.LinkLost = true
	for _, c := range []struct {
		name string
		does func(*rig)
		want string
	}{
		{"armed and enforced", func(r *rig) { r.seconds(61, of(uav, true, 0)) }, "uav-1 60/0"},
		{"disarmed counts nothing", func(r *rig) { r.seconds(60, of(uav, false, stale)) }, ""},
		{"unverified counts nothing", func(r *rig) { r.seconds(60, of(guest, true, telemetry.LacksIdentity)) }, ""},
		{"two looks are no change", func(r *rig) {
			r.seconds(10, of(uav, true, 0))
			r.seconds(2, of(uav, true, stale))
			r.seconds(9, of(uav, true, 0))
		}, "uav-1 20/0"},
		{"the third look changes, and back", func(r *rig) {
			r.seconds(10, of(uav, true, 0))
			r.seconds(10, of(uav, true, stale)) // two of them still count as before
			r.seconds(11, of(uav, true, 0))
		}, "uav-1 20/10 stale 10"},
		{"reasons hold at once", func(r *rig) { r.seconds(11, of(uav, true, bad)) }, "uav-1 0/10 stale 10 estimator_bad 10"},
		{"a lost link is not enforced", func(r *rig) { r.seconds(11, lost) }, "uav-1 0/10 link_lost 10"},
		{"looks that failed", func(r *rig) {
			r.seconds(1, of(uav, true, 0))
			time.Sleep(30 * time.Second)
			r.seconds(1, of(uav, true, 0))
		}, "uav-1 0/31 supervision_lost 31"},
		{"two vehicles", func(r *rig) { r.seconds(11, of(uav, true, 0), of(boat, true, stale)) }, "uav-1 10/0; usv-1 0/10 stale 10"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := start(t, &book{})
			c.does(r)
			if got := r.sums(); got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
			before := r.sums()
			r.end()
			next := start(t, r.disk)
			defer next.end()
			if got := next.sums(); got != before {
				t.Errorf("%s: after a restart %q, want %q", c.name, got, before)
			}
		})
	}
}

// TestRestart: what nobody supervised counts against those that were armed before
// and after, and against nobody else.
func TestRestart(t *testing.T) {
	for _, c := range []struct {
		name    string
		crash   bool // what was counted since the last fact is gone
		away    time.Duration
		first   []telemetry.EnforcementLook
		between func(*rig) // before the vehicle comes back
		want    string
	}{
		{"armed before and after", false, time.Minute, []telemetry.EnforcementLook{of(uav, true, 0)}, nil, "uav-1 20/60 supervision_lost 60"},
		{"landed meanwhile", false, time.Minute, []telemetry.EnforcementLook{of(uav, false, 0)}, nil, "uav-1 20/0"},
		{"another one", false, time.Minute, []telemetry.EnforcementLook{of(boat, true, 0)}, nil, "uav-1 20/0"},
		{"it comes late", false, time.Minute, []telemetry.EnforcementLook{of(uav, true, 0)},
			func(r *rig) { r.seconds(600, of(boat, true, 0)) }, "uav-1 20/660 supervision_lost 660; usv-1 599/0"},
		{"a day later it is another flight", false, 25 * time.Hour, []telemetry.EnforcementLook{of(uav, true, 0)}, nil, "uav-1 20/0"},
		{"a crash", true, time.Minute, []telemetry.EnforcementLook{of(uav, true, 0)}, nil, "uav-1 10/70 supervision_lost 70"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := start(t, &book{})
			r.seconds(21, of(uav, true, 0)) // the first fact is after ten seconds: somebody is armed
			kept := *r.disk
			kept.records = kept.records[:1:1]
			time.Sleep(-time.Since(r.began) + 20*time.Second)
			r.end()
			if !c.crash {
				kept = *r.disk
			}
			time.Sleep(c.away)
			next := start(t, &kept)
			defer next.end()
			if c.between != nil {
				c.between(next)
			}
			next.seconds(1, c.first...)
			if got := next.sums(); !about(got, c.want) {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		})
	}
}

// about compares sums within a second: who is told when within a second is not said.
func about(got, want string) bool {
	g, w := strings.FieldsFunc(got, split), strings.FieldsFunc(want, split)
	if len(g) != len(w) {
		return false
	}
	for i := range g {
		var a, b int
		if _, err := fmt.Sscan(g[i], &a); err == nil {
			if _, err := fmt.Sscan(w[i], &b); err != nil || a-b > 1 || b-a > 1 {
				return false
			}
		} else if g[i] != w[i] {
			return false
		}
	}
	return true
}

func split(r rune) bool { return r == ' ' || r == '/' || r == ';' }

func TestFactsGoOnAfterADiskThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &book{fails: errors.New("the disk is full")}
		r := start(t, disk)
		r.seconds(320, of(uav, true, 0))
		if h := r.Health(); len(h) != 1 || h[0].Code != "coverage_not_durable" {
			t.Errorf("health while the disk fails: %v", h)
		}
		disk.fails = nil
		r.seconds(320, of(uav, true, 0))
		if h := r.Health(); len(h) != 0 {
			t.Errorf("health after: %v", h)
		}
		r.end()
		next := start(t, disk)
		defer next.end()
		if got := next.sums(); got != "uav-1 639/0" {
			t.Errorf("after the disk was mended: %q", got)
		}
	})
}

func TestWhoSeesWhat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &book{})
		defer r.end()
		sub, _ := r.bus.Subscribe(telemetry.SubscribeConfig{Name: "test"})
		r.seconds(10, of(uav, true, telemetry.LacksFreshness), of(boat, true, 0), of(guest, true, telemetry.LacksIdentity))
		for _, c := range []struct {
			view    telemetry.View
			count   telemetry.CoverageCount
			now     int
			minutes int
			places  string
		}{
			{telemetry.WholeZone(), telemetry.CoverageCount{Armed: 2, NotEnforced: 1, Unverified: 1}, 3, 2, "map[1:9000]"},
			{telemetry.OfOperator("skyline"), telemetry.CoverageCount{Armed: 1, NotEnforced: 1, Unverified: 1}, 2, 1, "map[1:9000]"},
			{telemetry.OfOperator("harbour"), telemetry.CoverageCount{Armed: 1}, 1, 1, "map[]"},
			{telemetry.View{}, telemetry.CoverageCount{}, 0, 0, "map[]"},
		} {
			if got := r.Count(c.view); got != c.count {
				t.Errorf("%+v: count %+v, want %+v", c.view, got, c.count)
			}
			if now, min := len(r.Now(c.view)), len(r.Between(c.view, 0, 1<<62)); now != c.now || min != c.minutes {
				t.Errorf("%+v: %d vehicles and %d sums", c.view, now, min)
			}
			if got := fmt.Sprint(r.Places(c.view, 0)); got != c.places {
				t.Errorf("%+v: places %s, want %s", c.view, got, c.places)
			}
		}
		events, err := sub.Take()
		if err != nil || len(events) != 1 {
			t.Fatalf("%d events about one change, %v", len(events), err)
		}
		if got := events[0].Body.(*telemetry.CoverageChange).Of(telemetry.OfOperator("skyline")); got.NotEnforced != 1 || got.Armed != 1 {
			t.Errorf("told %+v", got)
		}
		time.Sleep(10 * time.Second)
		r.seconds(3) // the shard looks and finds nobody
		r.Look(time.Since(r.began).Microseconds(), []telemetry.EnforcementLook{of(boat, true, 0)})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if now := r.Now(telemetry.WholeZone()); len(now) != 1 {
			t.Errorf("%d are still there", len(now))
		}
	})
}

func TestHoursAndGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &book{})
		defer r.end()
		began := time.Now()
		r.seconds(2*3600+1, of(uav, true, 0))
		from := began.Add(30 * time.Minute).UnixMicro()
		got := r.Between(telemetry.WholeZone(), from, 1<<62)
		if len(got) != 1 || got[0].EnforcedMS != 3_600_000 && got[0].EnforcedMS != 3_601_000 {
			t.Errorf("of the hours that begin after the first half hour: %+v", got)
		}
		r.NoteGap(&watchdog.Gap{FromUS: 10, ToUS: 20, After: watchdog.AfterCrash})
		if g := r.Gaps(15, 100); len(g) != 1 || g[0].Armed != 1 || g[0].After != "crash" {
			t.Errorf("gaps %+v", g)
		}
		if g := r.Gaps(21, 100); len(g) != 0 {
			t.Errorf("gaps of another time: %+v", g)
		}
	})
}

// TestManyVehicles: one fact has a bound, and several say the same.
func TestManyVehicles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &book{})
		var looks []telemetry.EnforcementLook
		for i := range 1200 {
			looks = append(looks, of(&vehicles.Identity{ID: vehicles.VehicleID(fmt.Sprintf("v-%04d", i)), Verified: true}, true, telemetry.LacksFreshness))
		}
		r.seconds(3, looks...)
		r.end()
		if n := len(r.disk.records); n != 3 {
			t.Errorf("%d entries", n)
		}
		next := start(t, r.disk)
		defer next.end()
		if got := len(next.Between(telemetry.WholeZone(), 0, 1<<62)); got != 1200 || len(next.armed) != 1200 {
			t.Errorf("%d sums, %d armed", got, len(next.armed))
		}
	})
}

// TestEveryFieldIsSavedOrNoState: whoever adds state adds it to SaveState, LoadState
// and this list; else it would be gone after a start from a snapshot.
func TestEveryFieldIsSavedOrNoState(t *testing.T) {
	saved, not := "kept toUS armed gaps", "cfg mu open began now steady told uncovered total wrote err"
	have := map[string]bool{}
	typ := reflect.TypeFor[Ledger]()
	for i := range typ.NumField() {
		have[typ.Field(i).Name] = true
	}
	for _, name := range strings.Fields(saved + " " + not) {
		if !have[name] {
			t.Errorf("Ledger has no field %s", name)
		}
		delete(have, name)
	}
	for name := range have {
		t.Errorf("field %s: is it state that Replay builds? Then SaveState must write and LoadState read it", name)
	}
}

func FuzzReplay(f *testing.F) {
	f.Add(uint16(Schema), []byte(`{"type":"coverage.minutes","from_us":1,"to_us":9,"rows":[{"hour":1,"vehicle":"v","operator":"o","enforced_ms":5,"not_enforced_ms":6,"why_ms":{"stale":6}}],"places":[{"hour":1,"cell":3,"ms":6}],"armed":[{"vehicle":"v"}]}`))
	f.Add(uint16(watchdog.Schema), []byte(`{"type":"supervision_gap","from_us":1,"to_us":2,"after":"crash"}`))
	f.Add(uint16(Schema), []byte(`{"rows":[{"hour":-9223372036854775808}],"to_us":9223372036854775807}`))
	f.Fuzz(func(t *testing.T, schema uint16, body []byte) {
		l, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		if l.Replay(journal.Record{Seq: 1, Entry: journal.Entry{Schema: schema, Body: body}}) != nil {
			return
		}
		saved, err := l.SaveState()
		if err != nil {
			t.Fatal(err)
		}
		next, _ := New(Config{})
		install, err := next.LoadState(saved)
		if err != nil {
			t.Fatalf("%v: %s", err, saved)
		}
		install()
		if again, err := next.SaveState(); err != nil || string(again) != string(saved) {
			t.Fatalf("%v\n%s\n%s", err, saved, again)
		}
	})
}
