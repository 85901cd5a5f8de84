package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"testzone/airspace"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/journal"
)

// snapshotServer is one over a data folder, of which only the pipeline runs: fences
// come in force.
func snapshotServer(t *testing.T, data string) *server {
	t.Helper()
	conf := defaultConfig()
	conf.DataDir, conf.HTTP.Addr, conf.Admin.Addr, conf.MAVLink = data, "127.0.0.1:0", "", nil
	s, err := newServer(t.Context(), serverConfig{config: conf, tokenHash: sha256.Sum256([]byte(testToken)), log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.pipeline.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return s
}

// decideSome makes fences, accounts and alert facts, all with requests.
func decideSome(t *testing.T, s *server, round string) {
	t.Helper()
	who := airspace.Actor{ID: "set-up", Roles: []airspace.Role{airspace.SetUp}}
	for i := range 20 {
		ctx := journal.WithRequest(t.Context(), &journal.Request{By: who.ID, Key: fmt.Sprint(round, i), SHA256: "a"})
		f, err := s.register.CreateFence(ctx, who, geofence.Fence{
			Name: round, Kind: geofence.KeepOut, Shape: geofence.Shape{Circle: &geo.Circle{Center: geo.Point{Lat: 309_000_000, Lon: 1_219_300_000}, RadiusM: 50}},
		})
		if err == nil && i%4 == 0 {
			err = s.register.DeleteFence(t.Context(), who, f.Fence.ID, f.Fence.Rev)
		}
		if err != nil {
			t.Fatal(err)
		}
		body := fmt.Sprintf(`{"type":"alert.raised","alert":{"id":"al_%s%d","type":"fence_breach","vehicle":{"id":"uav-%d"},"raised_us":1,"count":1}}`, round, i, i)
		if _, err := s.journal.Append(t.Context(), journal.Entry{ID: journal.NewID(), Kind: journal.Fact, Schema: telemetry.FactSchema, TimeUS: 1, Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.register.CreateOrganisation(t.Context(), who, airspace.Organisation{ID: round, Kind: airspace.Operator, Name: round}); err != nil {
		t.Fatal(err)
	}
}

func stateOf(t *testing.T, s *server) savedState {
	t.Helper()
	saved, err := s.state().save()
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

// TestStartFromASnapshot: a start from a snapshot and what came after it has the
// state of a start from all entries, and the audit log covers all; a snapshot that is
// damaged or of another program is not used.
func TestStartFromASnapshot(t *testing.T) {
	data := t.TempDir()
	s := snapshotServer(t, data)
	decideSome(t, s, "before")
	s.snapshotAfter(t.Context(), 1)
	head, _ := s.journal.Head()
	if s.snapped != head {
		t.Fatalf("snapshot of entry %d at entry %d", s.snapped, head)
	}
	decideSome(t, s, "after")
	s.close()

	s = snapshotServer(t, data)
	if s.snapped != head {
		t.Fatalf("started from a snapshot of entry %d, want %d", s.snapped, head)
	}
	fromSnapshot := stateOf(t, s)
	head, _ = s.journal.Head()
	if size := s.keeper.Log.Size(); size != int64(head) {
		t.Errorf("the audit log has %d of %d entries", size, head)
	}
	root, err := s.keeper.Log.Root(int64(head))
	if err != nil {
		t.Fatal(err)
	}
	s.snapshotAfter(t.Context(), 1) // from the one before and what came since
	s.close()

	s = snapshotServer(t, data)
	if s.snapped != head {
		t.Fatalf("started from a snapshot of entry %d, want %d", s.snapped, head)
	}
	fromSecond := stateOf(t, s)
	s.schema++ // another program
	st, err := s.freshState()
	if err != nil {
		t.Fatal(err)
	}
	if seq := s.loadSnapshot(st); seq != 0 {
		t.Errorf("the snapshot of another program is used: entry %d", seq)
	}
	s.close()

	names, err := filepath.Glob(filepath.Join(data, "journal", "snap-*"))
	if err != nil || len(names) != 2 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)-10] ^= 1
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = snapshotServer(t, data)
	defer s.close()
	if s.snapped != 0 {
		t.Errorf("started from a damaged snapshot of entry %d", s.snapped)
	}
	all := stateOf(t, s)
	for i := range all {
		if diff := cmp.Diff(string(all[i]), string(fromSnapshot[i])); diff != "" {
			t.Errorf("part %d (-all entries +snapshot):\n%s", i, diff)
		}
		if diff := cmp.Diff(string(all[i]), string(fromSecond[i])); diff != "" {
			t.Errorf("part %d (-all entries +second snapshot):\n%s", i, diff)
		}
	}
	if got, err := s.keeper.Log.Root(int64(head)); err != nil || got != root {
		t.Errorf("root of the audit log %v, %v; from a snapshot %v", got, err, root)
	}
}

// TestStateIsWholeOrNot: a state that is cut anywhere changes nothing.
func TestStateIsWholeOrNot(t *testing.T) {
	s := snapshotServer(t, t.TempDir())
	defer s.close()
	decideSome(t, s, "x")
	_, _, err := s.takeSnapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	snap, err := s.journal.LatestSnapshot(s.schema)
	if err != nil {
		t.Fatal(err)
	}
	cuts := [][]byte{nil, append(snap.State[:len(snap.State):len(snap.State)], 0)}
	for n := 1; n < len(snap.State); n += 97 {
		cuts = append(cuts, snap.State[:n])
	}
	for _, b := range cuts {
		st, err := s.freshState()
		if err != nil {
			t.Fatal(err)
		}
		empty, _ := st.save()
		if err := st.load(b); err == nil {
			t.Fatalf("%d of %d bytes are a state", len(b), len(snap.State))
		}
		if got, _ := st.save(); !cmp.Equal(got, empty) {
			t.Fatalf("%d of %d bytes left something", len(b), len(snap.State))
		}
	}
}

// TestStopLeavesASnapshot: after a stop the next start has little to replay.
func TestStopLeavesASnapshot(t *testing.T) {
	data := t.TempDir()
	for _, c := range []struct {
		entries int
		want    bool
	}{{10, false}, {snapshotAtStop, true}} {
		s := snapshotServer(t, data)
		batch := make([]journal.Entry, c.entries)
		for i := range batch {
			batch[i] = journal.Entry{ID: journal.NewID(), Kind: journal.Fact, Schema: 999, TimeUS: 1, Body: []byte("x")}
		}
		if _, err := s.journal.Append(t.Context(), batch...); err != nil {
			t.Fatal(err)
		}
		s.lastSnapshot(nil)
		if got := s.snapped != 0; got != c.want {
			t.Errorf("after %d entries a snapshot: %v, want %v", c.entries, got, c.want)
		}
		s.close()
	}
}
