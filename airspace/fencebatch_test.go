package airspace_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"testzone/airspace"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

func TestVersionsAndRestore(t *testing.T) {
	dir := t.TempDir()
	r := newRig(t, dir)
	f, err := r.CreateFence(t.Context(), controller, river())
	if err != nil {
		t.Fatal(err)
	}
	id := f.Fence.ID
	second := river()
	second.Name = "second"
	if _, err := r.ReplaceFence(t.Context(), controller, id, 1, second); err != nil {
		t.Fatal(err)
	}
	if err := r.DeleteFence(t.Context(), controller, id, 2); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		who          airspace.Actor
		id           string
		rev, version uint64
		want         error
	}{
		"observer":           {observer, id, 3, 1, airspace.ErrForbidden},
		"stale":              {controller, id, 2, 1, airspace.ErrStale},
		"revision 0":         {controller, id, 0, 1, airspace.ErrStale},
		"no such version":    {controller, id, 3, 9, airspace.ErrNoVersion},
		"the deletion":       {controller, id, 3, 3, airspace.ErrNoVersion},
		"a fence that never": {controller, "fn_none", 3, 1, airspace.ErrNotFound},
	} {
		if _, err := r.RestoreFence(t.Context(), tc.who, tc.id, tc.rev, tc.version); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	back, err := r.RestoreFence(t.Context(), controller, id, 3, 1)
	if err != nil || back.Fence.Rev != 4 || back.Deleted || back.Fence.Name != "river" || back.CreatedUS != f.CreatedUS {
		t.Fatalf("restored %+v, %v", back, err)
	}
	if got := r.newest(); len(got) != 1 || got[0] != id {
		t.Errorf("in force: %v", got)
	}
	was := f.Fence
	was.Rev = 4
	if diff := cmp.Diff(was, back.Fence); diff != "" {
		t.Errorf("restored fence (-version +now):\n%s", diff)
	}
	if err := r.journal.Close(); err != nil {
		t.Fatal(err)
	}
	for name, reg := range map[string]*rig{"before": r, "after a restart": newRig(t, dir)} {
		versions, err := reg.FenceVersions(id)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		for _, v := range versions {
			got += fmt.Sprintf("%d %s %v %s ", v.Fence.Rev, v.Fence.Name, v.Deleted, v.By)
		}
		if got != "4 river false ada 3 second true ada 2 second false ada 1 river false ada " {
			t.Errorf("versions %s: %s", name, got)
		}
	}
	if _, err := r.FenceVersions("fn_none"); !errors.Is(err, airspace.ErrNotFound) {
		t.Errorf("versions of nothing: %v", err)
	}
}

func TestVersionsAreBounded(t *testing.T) {
	r := newRig(t, t.TempDir())
	f, err := r.CreateFence(t.Context(), controller, river())
	for rev := uint64(1); err == nil && rev < airspace.MaxVersions+5; rev++ {
		f, err = r.ReplaceFence(t.Context(), controller, f.Fence.ID, rev, river())
	}
	if err != nil {
		t.Fatal(err)
	}
	versions, err := r.FenceVersions(f.Fence.ID)
	if err != nil || len(versions) != airspace.MaxVersions || versions[0].Fence.Rev != airspace.MaxVersions+5 || versions[len(versions)-1].Fence.Rev != 6 {
		t.Errorf("%d versions, %v", len(versions), err)
	}
}

func TestBatchIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	r := newRig(t, dir)
	a, _ := r.CreateFence(t.Context(), controller, river())
	b, err := r.CreateFence(t.Context(), controller, river())
	if err != nil {
		t.Fatal(err)
	}
	bowTie := river()
	bowTie.Shape.Polygons = []geo.Polygon{{Outer: geo.Ring{{Lat: 0, Lon: 0}, {Lat: 1000, Lon: 1000}, {Lat: 0, Lon: 1000}, {Lat: 1000, Lon: 0}}}}
	head, _ := r.journal.Head()
	_, err = r.ApplyBatch(t.Context(), controller, []airspace.Change{
		{Op: airspace.Create, Fence: river()},
		{Op: airspace.Create, Fence: bowTie},
		{Op: airspace.Replace, ID: a.Fence.ID, Rev: 9, Fence: river()},
		{Op: airspace.Delete, ID: "fn_none", Rev: 1},
		{Op: airspace.Delete, ID: b.Fence.ID, Rev: 1},
		{Op: airspace.Replace, ID: b.Fence.ID, Rev: 1, Fence: river()},
		{Op: airspace.Delete, ID: a.Fence.ID},
		{},
	})
	var batch *airspace.BatchError
	if !errors.As(err, &batch) {
		t.Fatalf("got %v", err)
	}
	var shape *geofence.ShapeError
	want := []error{1: nil, 2: airspace.ErrStale, 3: airspace.ErrNotFound, 5: airspace.ErrTwice, 6: airspace.ErrStale, 7: airspace.ErrOperation}
	indexes := ""
	for _, f := range batch.Faults {
		indexes += fmt.Sprint(f.Index)
		if f.Index == 1 && !errors.As(f.Err, &shape) || f.Index != 1 && !errors.Is(f.Err, want[f.Index]) {
			t.Errorf("change %d: %v", f.Index, f.Err)
		}
	}
	if now, _ := r.journal.Head(); indexes != "123567" || now != head || len(r.Fences()) != 2 {
		t.Errorf("faults %s, %d entries more, %d fences", indexes, now-head, len(r.Fences()))
	}
	if _, err := r.ApplyBatch(t.Context(), observer, []airspace.Change{{Op: airspace.Create, Fence: river()}}); !errors.Is(err, airspace.ErrForbidden) {
		t.Errorf("observer: %v", err)
	}

	told := len(r.changed)
	sets := len(r.sets)
	out, err := r.ApplyBatch(t.Context(), controller, []airspace.Change{
		{Op: airspace.Delete, ID: a.Fence.ID, Rev: 1},
		{Op: airspace.Replace, ID: b.Fence.ID, Rev: 1, Fence: river()},
		{Op: airspace.Create, Fence: river()},
	})
	if err != nil || len(out) != 3 || !out[0].Deleted || out[0].Fence.Rev != 2 || out[1].Fence.Rev != 2 || out[2].Fence.Rev != 1 {
		t.Fatalf("batch: %+v, %v", out, err)
	}
	if now, _ := r.journal.Head(); now != head+1 || len(r.sets) != sets+1 || len(r.changed) != told+3 {
		t.Errorf("%d entries, %d fence sets, %d told", now-head, len(r.sets)-sets, len(r.changed)-told)
	}
	before := r.Fences()
	_ = r.journal.Close()
	after := newRig(t, dir).Fences()
	if diff := cmp.Diff(before, after, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".compiled" }, cmp.Ignore())); diff != "" {
		t.Errorf("after the restart:\n%s", diff)
	}
}

// A large batch is several entries of one append, and told as one change.
func TestLargeBatch(t *testing.T) {
	dir := t.TempDir()
	r := newRig(t, dir)
	changes := make([]airspace.Change, 3000)
	for i := range changes {
		f := river()
		f.Shape.Polygons = triangle(309_000_000+int32(i)*20_000, 1_219_300_000)
		changes[i] = airspace.Change{Op: airspace.Create, Fence: f}
	}
	out, err := r.ApplyBatch(t.Context(), controller, changes)
	if err != nil {
		t.Fatal(err)
	}
	for i := range out {
		if out[i].Fence.Shape.Polygons[0].Outer[0].Lat != 309_000_000+int32(i)*20_000 {
			t.Fatalf("record %d is of another change", i)
		}
	}
	head, _ := r.journal.Head()
	if len(r.sets) != 2 || len(r.changed) != 1 || r.changed[0].Fence.ID != "" || head < 12 || head > 30 {
		t.Errorf("%d sets, told %d, %d entries", len(r.sets), len(r.changed), head)
	}
	if _, err := r.ReplaceFence(t.Context(), controller, out[2999].Fence.ID, 1, river()); err != nil {
		t.Errorf("a change after the batch: %v", err)
	}
	_ = r.journal.Close()
	if n := len(newRig(t, dir).Fences()); n != 3000 {
		t.Errorf("%d fences after the restart", n)
	}
}

// racing is a journal in which another node decides at the same time.
type racing struct {
	*journal.Journal
	before func()
}

func (r *racing) Append(ctx context.Context, batch ...journal.Entry) ([]uint64, error) {
	r.before()
	return r.Journal.Append(ctx, batch...)
}

func TestEmergencyFence(t *testing.T) {
	j, err := journal.Open(journal.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	now := time.UnixMicro(1_900_000_000_123_456)
	other := func() {
		_, err := j.Append(t.Context(), journal.Entry{
			ID: journal.NewID(), Kind: journal.Decision, Schema: 99, Body: []byte("x"), Expect: []journal.Expect{{Agg: "airspace:north", Any: true}},
		})
		if err != nil {
			t.Error(err)
		}
	}
	r, err := airspace.NewRegister(airspace.Config{
		Zone: airspace.Zone{ID: "north"}, Journal: &racing{j, other}, Clock: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.CreateFence(t.Context(), controller, river()); !errors.Is(err, journal.ErrConflict) {
		t.Fatalf("an ordinary fence must meet the conflict: %v", err)
	}
	e := airspace.Emergency{Center: geo.Point{Lat: 309_000_000, Lon: 1_219_300_000}, RadiusM: 300, Classes: vehicles.ClassSet(vehicles.UAV), For: 5 * time.Minute}
	if _, err := r.CreateEmergencyFence(t.Context(), observer, e); !errors.Is(err, airspace.ErrForbidden) {
		t.Errorf("observer: %v", err)
	}
	if _, err := r.CreateEmergencyFence(t.Context(), controller, airspace.Emergency{Center: e.Center}); !errors.Is(err, airspace.ErrDefinition) {
		t.Errorf("a radius of 0: %v", err)
	}
	got, err := r.CreateEmergencyFence(t.Context(), controller, e)
	if err != nil {
		t.Fatal(err)
	}
	from := int64(1_900_000_000_123_000)
	want := geofence.Fence{
		ID: got.Fence.ID, Name: "Emergency", Kind: geofence.KeepOut, Response: geofence.Warn, Rev: 1, Origin: geofence.Origin{Kind: airspace.ManualOrigin},
		Shape: geofence.Shape{Circle: &geo.Circle{Center: e.Center, RadiusM: 300}}, Classes: e.Classes,
		Schedule: geofence.Schedule{Windows: []geofence.Window{{FromUS: from, ToUS: from + 300_000_000}}},
	}
	if diff := cmp.Diff(want, got.Fence); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var urgent []bool
	_ = j.Replay(1, func(rec journal.Record) error {
		if rec.Schema == airspace.DecisionSchema && bytes.Contains(rec.Body, []byte("Emergency")) {
			for _, x := range rec.Expect {
				urgent = append(urgent, x.Any)
			}
		}
		return nil
	})
	if fmt.Sprint(urgent) != "[false true]" {
		t.Errorf("aggregates without compare: %v", urgent)
	}
}
