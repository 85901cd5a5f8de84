package ladder

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence"
	"testzone/telemetry/command"
)

// fastest first, and they come home apart; who waits to return holds.
func TestSafetyOneChangeHitsMany(t *testing.T) {
	for _, response := range []geofence.Response{geofence.Hold, geofence.Return} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, response)
			fence := w.fences
			w.fences = nil
			for i := range 10 {
				f := w.add()
				f.set(func() { f.speed = int16(300 + 100*i) })
			}
			w.start()
			defer w.stop()
			w.fly(35 * time.Second)
			if err := w.pipeline.SetFences(t.Context(), fence); err != nil {
				t.Fatal(err)
			}
			w.fly(10 * time.Second)
			w.fly(25 * time.Second)
			var at []int64
			for i, f := range w.all {
				steps := w.ladder(f).Steps
				last := steps[len(steps)-1]
				if last.Kind != command.Kind(response) || last.EffectUS == 0 {
					t.Fatalf("%s: %+v", f.id, steps)
				}
				if response == geofence.Return && i < 8 && (len(steps) != 2 || !steps[0].Until || steps[0].AskedUS-steps[0].EvidenceUS > us(2*time.Second)) {
					t.Errorf("%s waits to return, and does: %+v", f.id, steps)
				}
				at = append(at, last.AskedUS)
			}
			apart := us(orderEvery)
			if response == geofence.Return {
				apart = us(homeEvery)
			}
			for i := range at[1:] {
				if at[i]-at[i+1] < apart {
					t.Errorf("%s: of %d m/s at %d, of %d m/s at %d ms", response, 3+i, (at[i]-at[9])/1000, 4+i, (at[i+1]-at[9])/1000)
				}
			}
		})
	}
}

// SAFETY 5: a single breach never waits for those whom a change hit.
func TestSafetyASingleBreachNeverWaits(t *testing.T) {
	in(t, geofence.Return, func(t *testing.T, w *world, f *flier) {
		w.e.mu.Lock()
		w.e.pace.nextUS, w.e.pace.homeUS = time.Now().Add(time.Hour).UnixMicro(), time.Now().Add(time.Hour).UnixMicro()
		w.e.mu.Unlock()
		w.fly(12 * time.Second)
		if f.told() != "return" {
			t.Errorf("told %q: %+v", f.told(), w.ladder(f))
		}
	})
}

// SAFETY 5: who does not want its turn any more keeps nobody back.
func TestSafetyATurnThatIsNotWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, geofence.Return)
		fence := w.fences
		w.fences = nil
		for i := range 4 {
			f := w.add()
			f.set(func() { f.speed = int16(300 + 100*i) })
		}
		w.start()
		defer w.stop()
		w.fly(35 * time.Second)
		if err := w.pipeline.SetFences(t.Context(), fence); err != nil {
			t.Fatal(err)
		}
		w.fly(2 * time.Second)
		w.by(w.all[2], command.Hold, ann) // the next one
		w.fly(15 * time.Second)
		for i, f := range w.all {
			if told := f.told(); strings.HasSuffix(told, "return") == (i == 2) {
				t.Errorf("%s was told %q: %+v", f.id, told, w.ladder(f))
			}
		}
	})
}
