package airspace_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"testzone/airspace"
	"testzone/airspace/site"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/journal"
)

var figures = flag.Bool("figures", false, "measure and print the figures of make bench-permits that are of the register")

// square is a site of 100 m x 100 m, n of them to the east.
func square(n int32) site.Site {
	lat, lon := int32(309_000_000), 1_219_300_000+n*20_000
	ring := geo.Ring{{Lat: lat, Lon: lon}, {Lat: lat, Lon: lon + 10_000}, {Lat: lat + 10_000, Lon: lon + 10_000}, {Lat: lat + 10_000, Lon: lon}}
	return site.Site{
		Name: fmt.Sprint("pad ", n), Kind: site.Pad, Shape: geofence.Shape{Polygons: []geo.Polygon{{Outer: ring}}}, Space: true, Capacity: 1,
		MaxUS: (4 * time.Hour).Microseconds(), AheadUS: (30 * 24 * time.Hour).Microseconds(), NoShowUS: (15 * time.Minute).Microseconds(),
	}
}

// siteRig has a site, an operator of two and the owner of a site.
type siteRig struct {
	*fleetRig
	site          airspace.Site
	first, second airspace.Actor
	owner         airspace.Actor
}

func newSiteRig(t *testing.T, change func(*site.Site)) *siteRig {
	t.Helper()
	r := &siteRig{fleetRig: newFleetRig(t)}
	r.organisation("port", airspace.Operator)
	r.first, r.second, r.owner = r.anna, r.hugo, r.actor(r.person("port", airspace.TestOperator))
	s := square(0)
	s.Owner = "port"
	if change != nil {
		change(&s)
	}
	var err error
	if r.site, err = r.CreateSite(t.Context(), r.carl, s); err != nil {
		t.Fatal(err)
	}
	return r
}

// in asks for a booking of a site some minutes from now.
func (r *siteRig) in(from, length int) airspace.BookingRequest {
	at := r.now.Add(time.Duration(from) * time.Minute)
	return airspace.BookingRequest{Site: r.site.ID, FromUS: at.UnixMicro(), ToUS: at.Add(time.Duration(length) * time.Minute).UnixMicro()}
}

func (r *siteRig) book(t *testing.T, who airspace.Actor, q airspace.BookingRequest) airspace.Booking {
	t.Helper()
	b, err := r.Book(t.Context(), who, q)
	if err != nil {
		t.Fatal(err)
	}
	return b[0]
}

// TestBookingLife: made, refused beside another with its facts, moved, cancelled,
// used, released; a replay and a snapshot make the same of it.
func TestBookingLife(t *testing.T) {
	r := newSiteRig(t, nil)
	a := r.book(t, r.first, r.in(60, 60))
	_, err := r.Book(t.Context(), r.second, r.in(90, 60))
	var conflict *airspace.ConflictError
	if !errors.As(err, &conflict) || len(conflict.Faults) != 1 || conflict.Faults[0].ByUS != (30*time.Minute).Microseconds() || conflict.Faults[0].Mine {
		t.Fatalf("beside another: %v", err)
	}
	if free := r.Free(r.in(90, 60), 2); len(free) != 2 || free[0].FromUS != a.ToUS || free[1].ToUS != a.FromUS {
		t.Errorf("free: %v beside %d..%d", free, a.FromUS, a.ToUS)
	}
	if _, err := r.Booking(r.second, false, a.ID); !errors.Is(err, airspace.ErrNotFound) {
		t.Errorf("another's booking: %v", err)
	}
	if got := r.Bookings(r.second, false, airspace.BookingQuery{}); len(got) != 0 {
		t.Errorf("others' bookings: %+v", got)
	}
	if got := r.Bookings(r.owner, false, airspace.BookingQuery{}); len(got) != 1 {
		t.Errorf("the site's owner sees %+v", got)
	}
	later := func(b *site.Booking) { b.FromUS, b.ToUS = b.FromUS+60e6, b.ToUS+60e6 }
	if _, err := r.MoveBooking(t.Context(), r.second, a.ID, 1, later); !errors.Is(err, airspace.ErrNotFound) {
		t.Errorf("moved by another: %v", err)
	}
	if _, err := r.MoveBooking(t.Context(), r.first, a.ID, 9, later); !errors.Is(err, airspace.ErrStale) {
		t.Errorf("moved on another revision: %v", err)
	}
	moved, err := r.MoveBooking(t.Context(), r.first, a.ID, 1, later)
	if err != nil || moved.FromUS != a.FromUS+60e6 || moved.Rev != 2 {
		t.Fatalf("moved: %+v %v", moved, err)
	}
	c := r.book(t, r.second, r.in(150, 30))
	if gone, err := r.CancelBooking(t.Context(), r.second, c.ID, 1, "rain", false); err != nil || gone[0].State != site.Cancelled {
		t.Errorf("cancelled: %+v %v", gone, err)
	}
	again := r.book(t, r.first, r.in(150, 30))
	if _, err := r.Arrive(t.Context(), r.first, a.ID, 2); !errors.Is(err, airspace.ErrBooking) {
		t.Errorf("arrived an hour early: %v", err)
	}
	r.now = r.now.Add(62 * time.Minute)
	if in, err := r.Arrive(t.Context(), r.first, a.ID, 2); err != nil || in.State != site.InUse {
		t.Errorf("arrived: %+v %v", in, err)
	}
	r.now = r.now.Add(88*time.Minute + 14*time.Minute)
	if n, err := r.ReleaseNoShows(t.Context()); n != 0 || err != nil {
		t.Errorf("released early: %d %v", n, err)
	}
	r.now = r.now.Add(time.Minute)
	if n, err := r.ReleaseNoShows(t.Context()); n != 1 || err != nil {
		t.Errorf("released %d %v", n, err)
	}
	if b, _ := r.Booking(r.first, false, again.ID); b.State != site.NoShow {
		t.Errorf("nobody came, and it is %s", b.State)
	}
	r.sameAfterReplay(t)
}

// sameAfterReplay: the journal, and a snapshot, make the same sites and bookings, and
// the same is refused after.
func (r *siteRig) sameAfterReplay(t *testing.T) {
	t.Helper()
	want := string(saved(t, r.Register))
	replayed, loaded := r.fresh(t), r.fresh(t)
	if err := r.journal.Replay(1, replayed.Replay); err != nil {
		t.Fatal(err)
	}
	if got := string(saved(t, replayed)); got != want {
		t.Errorf("replayed:\n%s\nwant\n%s", got, want)
	}
	install, err := loaded.LoadState([]byte(want))
	if err != nil {
		t.Fatal(err)
	}
	install()
	for name, other := range map[string]*airspace.Register{"replayed": replayed, "loaded": loaded} {
		for _, b := range r.Bookings(r.carl, true, airspace.BookingQuery{}) {
			taken, err := other.Taken(b.Site, b.FromUS, b.ToUS)
			if err != nil || len(taken) == 0 {
				t.Errorf("%s: booking %s takes nothing: %v", name, b.ID, err)
			}
		}
	}
}

func (r *siteRig) fresh(t *testing.T, change ...func(*airspace.Config)) *airspace.Register {
	t.Helper()
	cfg := airspace.Config{Zone: r.Zone(), Journal: r.journal, Clock: func() time.Time { return r.now }}
	for _, f := range change {
		f(&cfg)
	}
	other, err := airspace.NewRegister(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return other
}

func TestApprovalBySomebodyElse(t *testing.T) {
	r := newSiteRig(t, func(s *site.Site) { s.Approval = true })
	a := r.book(t, r.first, r.in(60, 60))
	if a.State != site.Requested {
		t.Fatalf("it is %s", a.State)
	}
	if _, err := r.Book(t.Context(), r.second, r.in(60, 60)); !errors.Is(err, airspace.ErrTaken) {
		t.Errorf("what waits for approval keeps its slot: %v", err)
	}
	if _, err := r.ApproveBooking(t.Context(), r.first, a.ID, 1, true, ""); !errors.Is(err, airspace.ErrForbidden) {
		t.Errorf("approved by itself: %v", err)
	}
	ok, err := r.ApproveBooking(t.Context(), r.owner, a.ID, 1, true, "")
	if err != nil || ok.State != site.Confirmed {
		t.Errorf("approved: %+v %v", ok, err)
	}
	if own := r.book(t, r.owner, r.in(150, 30)); own.State != site.Confirmed {
		t.Errorf("the owner's own is %s", own.State)
	}
	waits := r.book(t, r.first, r.in(200, 30))
	if _, err := r.ApproveBooking(t.Context(), r.owner, waits.ID, 1, false, ""); !errors.Is(err, airspace.ErrBooking) {
		t.Errorf("refused without a reason: %v", err)
	}
	r.now = r.now.Add(200 * time.Minute)
	if n, err := r.ReleaseNoShows(t.Context()); n == 0 || err != nil {
		t.Errorf("what nobody approved before it began: %d %v", n, err)
	}
}

// A series is all or none, and each of it has the same time of day.
func TestSeries(t *testing.T) {
	r := newSiteRig(t, nil)
	q := r.in(60, 60)
	q.Weeks = 3
	made, err := r.Book(t.Context(), r.first, q)
	if err != nil || len(made) != 3 || made[2].FromUS-made[0].FromUS != (14*24*time.Hour).Microseconds() || made[0].Series == "" {
		t.Fatalf("%+v %v", made, err)
	}
	q.FromUS, q.ToUS, q.Weeks = q.FromUS-(7*24-3)*60*60e6, q.ToUS-(7*24-3)*60*60e6, 2
	if _, err := r.Book(t.Context(), r.second, q); !errors.Is(err, airspace.ErrTaken) {
		t.Errorf("one of a series in the past: %v", err)
	}
	gone, err := r.CancelBooking(t.Context(), r.first, made[1].ID, 1, "", true)
	if err != nil || len(gone) != 2 {
		t.Errorf("the rest of the series: %+v %v", gone, err)
	}
}

// One that has the base for itself keeps others off the pads in it, and they it.
func TestSitesThatShareSpace(t *testing.T) {
	r := newSiteRig(t, nil)
	base := square(0)
	base.Name, base.Kind, base.Capacity = "base", site.TestBase, 5
	b, err := r.CreateSite(t.Context(), r.carl, base)
	if err != nil {
		t.Fatal(err)
	}
	pad := r.book(t, r.first, r.in(60, 60))
	q := r.in(60, 60)
	q.Site = b.ID
	if _, err := r.Book(t.Context(), r.second, q); err != nil {
		t.Errorf("shared with a pad in it: %v", err)
	}
	q.Exclusive = true
	_, err = r.Book(t.Context(), r.first, q)
	var conflict *airspace.ConflictError
	if !errors.As(err, &conflict) || !slices.ContainsFunc(conflict.Faults, func(f airspace.Fault) bool {
		return f.Rule == site.Space && f.With == pad.ID && f.Metres > 50
	}) {
		t.Errorf("alone in the base: %v", err)
	}
	q.Priority, q.Displace = 2, true
	if _, err := r.Book(t.Context(), r.first, q); !errors.Is(err, airspace.ErrForbidden) {
		t.Errorf("priority by an operator: %v", err)
	}
	made, err := r.Book(t.Context(), r.carl, q)
	if err != nil || len(made) != 3 || made[1].State != site.Displaced || made[2].State != site.Displaced {
		t.Errorf("displaced: %+v %v", made, err)
	}
	r.sameAfterReplay(t)
}

func TestSiteRights(t *testing.T) {
	r := newSiteRig(t, nil)
	if _, err := r.CreateSite(t.Context(), r.owner, square(1)); !errors.Is(err, airspace.ErrForbidden) {
		t.Errorf("created by an operator: %v", err)
	}
	s := r.site.Site
	s.Contact = "harbour office"
	if _, err := r.ReplaceSite(t.Context(), r.first, 1, s); !errors.Is(err, airspace.ErrForbidden) {
		t.Errorf("changed by another: %v", err)
	}
	if _, err := r.ReplaceSite(t.Context(), r.owner, 1, s); err != nil {
		t.Errorf("changed by its owner: %v", err)
	}
	s.Shape = square(3).Shape
	if _, err := r.ReplaceSite(t.Context(), r.owner, 2, s); !errors.Is(err, airspace.ErrForbidden) {
		t.Errorf("moved by its owner: %v", err)
	}
	r.book(t, r.first, r.in(60, 60))
	if _, err := r.ReplaceSite(t.Context(), r.carl, 2, s); !errors.Is(err, airspace.ErrSiteBooked) {
		t.Errorf("moved while it is booked: %v", err)
	}
	if _, err := r.DeleteSite(t.Context(), r.carl, s.ID, 2); !errors.Is(err, airspace.ErrSiteBooked) {
		t.Errorf("deleted while it is booked: %v", err)
	}
	trial, err := r.Book(airspace.Rehearsal(t.Context()), r.first, r.in(200, 60))
	if err != nil || trial[0].ID != "" || len(r.Bookings(r.carl, true, airspace.BookingQuery{})) != 1 {
		t.Errorf("a trial: %+v %v", trial, err)
	}
}

// TestBookingFigures: many ask for the same slots at once, and nobody gets what another
// has; and what a check costs beside 10,000 bookings.
func TestBookingFigures(t *testing.T) {
	r := newSiteRig(t, func(s *site.Site) { s.Capacity = 3 })
	askers, bookings := 60, 400
	if *figures {
		askers, bookings = 1000, 10_000
	}
	fmt.Printf("booking/double_bookings %d bookings\n", r.overbooked(t, askers))
	took := r.checks(t, bookings)
	slices.Sort(took)
	fmt.Printf("booking/check_p99_us_10k %.0f us\n", float64(took[len(took)*99/100].Nanoseconds())/1e3)
	fmt.Fprintf(os.Stderr, "# %d who asked for one slot at once; a check beside %d bookings of 40 sites, median %v\n", askers, bookings, took[len(took)/2])
}

// overbooked lets many ask for one slot of three units, half of them through a site that
// is in the same place, and counts how many have more than there is.
func (r *siteRig) overbooked(t *testing.T, askers int) (over int) {
	t.Helper()
	alone, err := r.CreateSite(t.Context(), r.carl, square(0))
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for i := range askers {
		wait.Go(func() {
			who := r.first
			who.ID = fmt.Sprint("p", i)
			q := r.in(60+i%7, 30)
			if i%5 == 0 {
				q.Site, q.Exclusive = alone.ID, true
			}
			ctx := journal.WithRequest(t.Context(), &journal.Request{By: who.ID, Key: fmt.Sprint("key-", i), SHA256: "a"})
			if _, err := r.Book(ctx, who, q); err != nil && !errors.Is(err, airspace.ErrTaken) {
				t.Errorf("asker %d: %v", i, err)
			}
		})
	}
	wait.Wait()
	all := r.Bookings(r.carl, true, airspace.BookingQuery{})
	if len(all) == 0 {
		t.Fatal("nobody got anything")
	}
	for _, b := range all {
		here, elsewhere := 0, 0
		for _, o := range all {
			switch at := b.FromUS; {
			case o.FromUS > at || at >= o.ToUS:
			case o.Site == b.Site:
				here++
			default:
				elsewhere++
			}
		}
		if here > map[bool]int{true: 1, false: 3}[b.Exclusive] || elsewhere > 0 {
			over++
		}
	}
	if over > 0 {
		t.Errorf("%d bookings have what others have", over)
	}
	return over
}

// checks fills 40 sites and has bookings tried in the way of them.
func (r *siteRig) checks(t *testing.T, bookings int) (took []time.Duration) {
	t.Helper()
	var ids []string
	for n := range 40 {
		s, err := r.CreateSite(t.Context(), r.carl, square(int32(n+10)))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, s.ID)
	}
	slot := func(i, wide int) airspace.BookingRequest {
		q := r.in(60+i/40*90, wide)
		q.Site = ids[i%40]
		return q
	}
	var wait sync.WaitGroup
	queue := make(chan int)
	for range 16 {
		wait.Go(func() {
			for i := range queue {
				if _, err := r.Book(t.Context(), r.first, slot(i, 80)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range bookings {
		queue <- i
	}
	close(queue)
	wait.Wait()
	ctx := airspace.Rehearsal(t.Context())
	for i := range 2000 {
		q := slot(i*bookings/2000, 120)
		begin := time.Now()
		_, err := r.Book(ctx, r.first, q)
		took = append(took, time.Since(begin))
		if !errors.Is(err, airspace.ErrTaken) {
			t.Fatalf("in the way of another: %v", err)
		}
	}
	return took
}

// TestARunningBookingIsMadeLonger: to the site's longest, and on a site whose owner
// approves by a controller only; it never ends by being asked for longer.
func TestARunningBookingIsMadeLonger(t *testing.T) {
	for _, approval := range []bool{false, true} {
		r := newSiteRig(t, func(s *site.Site) { s.Approval = approval })
		b := r.book(t, r.first, r.in(10, 60))
		if approval {
			var err error
			if b, err = r.ApproveBooking(t.Context(), r.owner, b.ID, b.Rev, true, ""); err != nil {
				t.Fatal(err)
			}
		}
		r.now = r.now.Add(20 * time.Minute)
		b, err := r.Arrive(t.Context(), r.first, b.ID, b.Rev)
		if err != nil {
			t.Fatal(err)
		}
		to := func(minutes int) func(*site.Booking) {
			return func(x *site.Booking) { x.ToUS = b.FromUS + int64(minutes)*60e6 }
		}
		if _, err := r.MoveBooking(t.Context(), r.first, b.ID, b.Rev, to(241)); !errors.Is(err, airspace.ErrBooking) {
			t.Errorf("approval %v: past the site's longest: %v", approval, err)
		}
		who := r.first
		if approval {
			if _, err := r.MoveBooking(t.Context(), r.first, b.ID, b.Rev, to(120)); !errors.Is(err, airspace.ErrBooking) {
				t.Errorf("made longer without a controller: %v", err)
			}
			who = r.carl
		}
		longer, err := r.MoveBooking(t.Context(), who, b.ID, b.Rev, to(120))
		if err != nil || longer.State != site.InUse || longer.ToUS != b.FromUS+120*60e6 {
			t.Errorf("approval %v: made longer: %+v %v", approval, longer, err)
		}
		if _, err := r.ReleaseNoShows(t.Context()); err != nil {
			t.Fatal(err)
		}
		if still, _ := r.Booking(r.first, false, b.ID); still.State != site.InUse {
			t.Errorf("approval %v: it is %s", approval, still.State)
		}
	}
}

// TestASiteThatTheIndexRefuses: a site whose bookings could be no volumes is refused
// when it is made, not by the first booking or the next start.
func TestASiteThatTheIndexRefuses(t *testing.T) {
	r := newSiteRig(t, nil)
	wide := square(1)
	ring := geo.Ring{{Lat: 300_000_000, Lon: 1_100_000_000}, {Lat: 300_000_000, Lon: 1_215_000_000}, {Lat: 310_000_000, Lon: 1_215_000_000}, {Lat: 310_000_000, Lon: 1_100_000_000}}
	wide.Shape = geofence.Shape{Polygons: []geo.Polygon{{Outer: ring}}}
	if _, err := r.CreateSite(t.Context(), r.carl, wide); !errors.Is(err, site.ErrSite) {
		t.Errorf("11.5 degrees wide: %v", err)
	}
}
