package main

import (
	"testing"
	"time"

	"testzone/telemetry/journal"
)

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
