package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestStuckStageIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		st := startStage(func() {}, t.Context(), func(context.Context) error { <-release; return nil })
		begin := time.Now()
		if st.end(time.After(stopTime)) {
			t.Error("a stage that does not end was said to have ended")
		}
		if took := time.Since(begin); took != stopTime {
			t.Errorf("waited %v", took)
		}
		close(release)
	})
}

func TestStageOutlivesItsContextAndTellsOfFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		broken := errors.New("broken")
		failed := false
		fail := make(chan struct{})
		st := startStage(func() { failed = true }, ctx,
			func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			func(context.Context) error { <-fail; return broken })
		cancel()
		synctest.Wait()
		if failed {
			t.Error("ended with its context: what is in flight would be lost")
		}
		close(fail)
		synctest.Wait()
		if !failed {
			t.Error("one run failed and nobody was told")
		}
		if !st.end(nil) || !errors.Is(st.err(), broken) {
			t.Errorf("got %v", st.err())
		}
	})
}

func TestLossIsShownForAMinute(t *testing.T) {
	var w lossWatch
	now := time.Unix(1000, 0)
	at := func(after time.Duration, count uint64) int {
		return len(w.rising(now.Add(after), []loss{{"drops", count, "%d"}}))
	}
	for _, tc := range []struct {
		after time.Duration
		count uint64
		want  int
	}{{0, 0, 0}, {time.Second, 5, 1}, {30 * time.Second, 5, 1}, {61 * time.Second, 5, 0}, {62 * time.Second, 6, 1}} {
		if got := at(tc.after, tc.count); got != tc.want {
			t.Errorf("after %v with %d: %d shown, want %d", tc.after, tc.count, got, tc.want)
		}
	}
}
