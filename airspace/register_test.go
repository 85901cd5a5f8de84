package airspace_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"testzone/airspace"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

var (
	controller = airspace.Actor{ID: "ada", Roles: []airspace.Role{airspace.Controller}}
	observer   = airspace.Actor{ID: "bob", Roles: []airspace.Role{airspace.Observer}}
)

func triangle(lat, lon int32) []geo.Polygon {
	return []geo.Polygon{{Outer: geo.Ring{{Lat: lat, Lon: lon}, {Lat: lat, Lon: lon + 10_000}, {Lat: lat + 10_000, Lon: lon}}}}
}

func river() geofence.Fence {
	return geofence.Fence{
		Name: "river", Kind: geofence.KeepOut, Shape: geofence.Shape{Polygons: triangle(309_000_000, 1_219_300_000)},
		Ceiling: geo.Altitude{MM: 120_000, Datum: geo.AMSL}, Classes: vehicles.ClassSet(vehicles.UAV),
	}
}

// rig is a register over a real journal, with the fence sets that it published.
type rig struct {
	*airspace.Register
	journal *journal.Journal

	mu      sync.Mutex // guards the fields below
	sets    [][]string
	changed []airspace.FenceRecord
}

func newRig(t *testing.T, dir string) *rig {
	t.Helper()
	j, err := journal.Open(journal.Config{Dir: dir, Group: "north"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	r := &rig{journal: j}
	r.Register, err = airspace.NewRegister(airspace.Config{
		Zone: airspace.Zone{ID: "north"}, Journal: j,
		Clock: func() time.Time { return time.UnixMicro(1_700_000_000_000_000) },
		SetFences: func(_ context.Context, set []*geofence.Compiled) error {
			var ids []string
			for _, c := range set {
				ids = append(ids, c.Fence.ID)
			}
			slices.Sort(ids)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.sets = append(r.sets, ids)
			return nil
		},
		FenceChanged: func(f airspace.FenceRecord) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.changed = append(r.changed, f)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Replay(1, r.Replay); err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) newest() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sets[len(r.sets)-1]
}

func TestFenceLivesThroughARestart(t *testing.T) {
	dir := t.TempDir()
	r := newRig(t, dir)
	f, err := r.CreateFence(t.Context(), controller, river())
	if err != nil {
		t.Fatal(err)
	}
	if f.Fence.Rev != 1 || f.Fence.Response != geofence.Warn || f.Fence.Origin.Kind != airspace.ManualOrigin || f.UpdatedBy != "ada" {
		t.Errorf("created %+v", f)
	}
	if got := r.newest(); len(got) != 1 || got[0] != f.Fence.ID {
		t.Errorf("in force when it is answered: %v", got)
	}
	circle := river()
	circle.Shape = geofence.Shape{Circle: &geo.Circle{Center: geo.Point{Lat: 309_000_000, Lon: 1_219_300_000}, RadiusM: 150}}
	circle.Floor = geo.Altitude{MM: 0, Datum: geo.Takeoff}
	changed, err := r.ReplaceFence(t.Context(), controller, f.Fence.ID, 1, circle)
	if err != nil || changed.Fence.Rev != 2 || changed.CreatedUS != f.CreatedUS {
		t.Fatalf("replaced %+v, %v", changed, err)
	}
	gone, err := r.CreateFence(t.Context(), controller, river())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.DeleteFence(t.Context(), controller, gone.Fence.ID, 1); err != nil {
		t.Fatal(err)
	}
	before := r.Fences()
	if err := r.journal.Close(); err != nil {
		t.Fatal(err)
	}

	again := newRig(t, dir)
	after := again.Fences()
	if diff := cmp.Diff(before, after, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".compiled" }, cmp.Ignore())); diff != "" {
		t.Errorf("state after the restart (-before +after):\n%s", diff)
	}
	if got := again.newest(); len(got) != 1 || got[0] != f.Fence.ID {
		t.Errorf("in force after the restart: %v", got)
	}
	tomb, err := again.Fence(gone.Fence.ID)
	if err != nil || !tomb.Deleted || tomb.Fence.Rev != 2 {
		t.Errorf("tombstone %+v, %v", tomb, err)
	}
}

func TestRefusals(t *testing.T) {
	r := newRig(t, t.TempDir())
	f, err := r.CreateFence(t.Context(), controller, river())
	if err != nil {
		t.Fatal(err)
	}
	permit := `{"type":"fence.put","fence":{"id":"pm_1","name":"p","kind":"keep_in","response":"warn","origin":"permit","origin_id":"7","rev":1,
		"circle":{"center":[1219300000,309000000],"radius_m":100}},"by":"x","at_us":1}`
	if err := r.Replay(journal.Record{Seq: 2, Entry: journal.Entry{Schema: airspace.DecisionSchema, Body: []byte(permit)}}); err != nil {
		t.Fatal(err)
	}
	bowTie := river()
	bowTie.Shape.Polygons = []geo.Polygon{{Outer: geo.Ring{{Lat: 0, Lon: 0}, {Lat: 1000, Lon: 1000}, {Lat: 0, Lon: 1000}, {Lat: 1000, Lon: 0}}}}
	head, _ := r.journal.Head()
	tests := []struct {
		name string
		do   func() error
		want error
	}{
		{"observer creates", func() error { _, err := r.CreateFence(t.Context(), observer, river()); return err }, airspace.ErrForbidden},
		{"observer replaces", func() error { _, err := r.ReplaceFence(t.Context(), observer, f.Fence.ID, 1, river()); return err }, airspace.ErrForbidden},
		{"observer deletes", func() error { return r.DeleteFence(t.Context(), observer, f.Fence.ID, 1) }, airspace.ErrForbidden},
		{"unknown fence", func() error { _, err := r.ReplaceFence(t.Context(), controller, "fn_none", 1, river()); return err }, airspace.ErrNotFound},
		{"older revision", func() error { _, err := r.ReplaceFence(t.Context(), controller, f.Fence.ID, 7, river()); return err }, airspace.ErrStale},
		{"revision 0 of a fence that is not there", func() error { _, err := r.ReplaceFence(t.Context(), controller, "fn_mine", 0, river()); return err }, airspace.ErrStale},
		{"deletion of revision 0", func() error { return r.DeleteFence(t.Context(), controller, "fn_mine", 0) }, airspace.ErrStale},
		{"replaces a permit's fence", func() error { _, err := r.ReplaceFence(t.Context(), controller, "pm_1", 1, river()); return err }, airspace.ErrNotManual},
		{"deletes a permit's fence", func() error { return r.DeleteFence(t.Context(), controller, "pm_1", 1) }, airspace.ErrNotManual},
		{"bow-tie", func() error { _, err := r.CreateFence(t.Context(), controller, bowTie); return err }, nil},
	}
	for _, tc := range tests {
		err := tc.do()
		if err == nil || tc.want != nil && !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
	if now, _ := r.journal.Head(); now != head {
		t.Errorf("refused decisions left %d entries in the journal", now-head)
	}
	var stale *airspace.StaleError
	if _, err := r.ReplaceFence(t.Context(), controller, f.Fence.ID, 7, river()); !errors.As(err, &stale) || stale.Current != 1 {
		t.Errorf("a stale change must say the current revision: %v", err)
	}
}

func TestOfManyChangesOnOneRevisionOneWins(t *testing.T) {
	r := newRig(t, t.TempDir())
	f, err := r.CreateFence(t.Context(), controller, river())
	if err != nil {
		t.Fatal(err)
	}
	const n = 50
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { _, errs[i] = r.ReplaceFence(t.Context(), controller, f.Fence.ID, 1, river()) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, airspace.ErrStale):
			t.Errorf("a loser got %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d won", won, n)
	}
}

// A client that hangs up must not leave the journal and the state apart.
func TestCancelledRequestStaysConsistent(t *testing.T) {
	r := newRig(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = r.CreateFence(ctx, controller, river())
	head, _ := r.journal.Head()
	if got := len(r.Fences()); uint64(got) != head {
		t.Errorf("%d fences, %d journal entries", got, head)
	}
	if _, err := r.CreateFence(t.Context(), controller, river()); err != nil {
		t.Errorf("the next decision: %v", err)
	}
}

// hangUp is a journal during whose append the client hangs up.
type hangUp struct {
	cancel context.CancelFunc
	seq    uint64
}

func (h *hangUp) Append(ctx context.Context, batch ...journal.Entry) ([]uint64, error) {
	h.cancel()
	if ctx.Err() != nil {
		return nil, ctx.Err() // outcome unknown
	}
	h.seq++
	return []uint64{h.seq}, nil
}

func TestDecisionIsFollowedToItsEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	inForce := false
	r, err := airspace.NewRegister(airspace.Config{
		Journal:   &hangUp{cancel: cancel},
		SetFences: func(context.Context, []*geofence.Compiled) error { inForce = true; return nil },
		FenceChanged: func(airspace.FenceRecord) {
			if !inForce {
				t.Error("the change was told before it was in force")
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.CreateFence(ctx, controller, river()); err != nil || len(r.Fences()) != 1 || !inForce {
		t.Errorf("durable, but the state has %d fences, in force %v, %v", len(r.Fences()), inForce, err)
	}
}

// refusing is a journal whose disk is full.
type refusing struct{}

func (refusing) Append(context.Context, ...journal.Entry) ([]uint64, error) {
	return nil, journal.ErrReadOnly
}

func TestDecisionWithoutJournalChangesNothing(t *testing.T) {
	r, err := airspace.NewRegister(airspace.Config{Journal: refusing{}, SetFences: func(context.Context, []*geofence.Compiled) error {
		t.Error("a fence came in force that is not durable")
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.CreateFence(t.Context(), controller, river()); !errors.Is(err, journal.ErrReadOnly) {
		t.Errorf("got %v", err)
	}
	if got := r.Fences(); len(got) != 0 {
		t.Errorf("fences %v", got)
	}
}

func TestJournalEntriesThatDoNotFitAreRefused(t *testing.T) {
	r := newRig(t, t.TempDir())
	for _, body := range []string{
		`{`, `{}`, `{"type":"fence.moved"}`, `{"type":"fence.deleted","id":"fn_none","rev":2}`,
		`{"type":"fence.put","fence":{"id":"a","kind":"wall"}}`,
		`{"type":"fence.put","fence":{"id":"a","kind":"keep_out","polygons":[[]]}}`,
		`{"type":"fence.put","fence":{"id":"a","kind":"keep_out","classes":["ship"]}}`,
		`{"type":"fence.put","fence":{"id":"a","kind":"keep_out","floor":{"mm":1,"datum":"home"}}}`,
	} {
		if err := r.Replay(journal.Record{Seq: 9, Entry: journal.Entry{Schema: airspace.DecisionSchema, Body: []byte(body)}}); err == nil {
			t.Errorf("accepted %s", body)
		}
	}
	if err := r.Replay(journal.Record{Entry: journal.Entry{Schema: 99, Body: []byte("x")}}); err != nil {
		t.Errorf("an entry of another package: %v", err)
	}
}
