package main

import (
	"crypto/sha256"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"testzone/airspace"
	"testzone/telemetry"
	"testzone/telemetry/journal"
)

// An emergency fence that the journal refused is told as a reason to be degraded.
func TestFenceNotDurableIsTold(t *testing.T) {
	conf := defaultConfig()
	conf.DataDir, conf.HTTP.Addr, conf.Admin.Addr, conf.MAVLink = t.TempDir(), "127.0.0.1:0", "", nil
	s, err := newServer(t.Context(), serverConfig{config: conf, tokenHash: sha256.Sum256([]byte(testToken)), log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s.close()
	who := airspace.Actor{ID: "ada", Roles: []airspace.Role{airspace.Controller}}
	f, err := s.register.CreateEmergencyFence(t.Context(), who, airspace.Emergency{RadiusM: 100})
	if err != nil || !f.Provisional {
		t.Fatalf("%+v, %v", f, err)
	}
	if !slices.ContainsFunc(s.health(), func(r telemetry.Reason) bool {
		return r.Code == "fence_not_durable" && strings.Contains(r.Text, f.Fence.ID)
	}) {
		t.Errorf("health says %+v", s.health())
	}
}

func TestWaitWatch(t *testing.T) {
	var w waitWatch
	at := time.Unix(1000, 0)
	for i, step := range []struct {
		after   time.Duration
		waiting int
		head    uint64
		want    time.Duration
	}{
		{0, 0, 5, 0},
		{time.Second, 3, 5, 0},
		{4 * time.Second, 3, 5, 4 * time.Second},
		{time.Second, 2, 6, 0}, // one was done: the disk answers
		{2 * time.Second, 2, 6, 2 * time.Second},
		{time.Second, 0, 6, 0},
		{time.Second, 1, 6, 0},
	} {
		at = at.Add(step.after)
		if got := w.since(at, journal.Health{Asked: step.waiting, Head: step.head}); got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}
