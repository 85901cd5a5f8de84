package airspace_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"testzone/airspace"
	"testzone/geofence"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// Putting a decision in force takes long, and meanwhile the disk fails: the
// emergency fence, of which its answer says that it is in force, is so when the one
// before it has been put there, although nothing is decided after it.
func TestEmergencyBehindSlowFences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newSlowJournal()
		close(j.gate)
		j.refuse = func(batch []journal.Entry) error {
			if batch[0].Emergency {
				return journal.ErrReadOnly
			}
			return nil
		}
		var mu sync.Mutex
		inForce := map[string]bool{}
		r, err := airspace.NewRegister(airspace.Config{
			Zone: airspace.Zone{ID: "north"}, Journal: j,
			SetFences: func(ctx context.Context, set []*geofence.Compiled) error { // a shard that does not answer
				mu.Lock()
				clear(inForce)
				for _, c := range set {
					inForce[c.Fence.Name] = true
				}
				mu.Unlock()
				<-ctx.Done()
				return ctx.Err()
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		var first sync.WaitGroup
		first.Go(func() {
			if _, err := r.CreateFence(t.Context(), controller, river()); err != nil {
				t.Errorf("the first decision: %v", err)
			}
		})
		synctest.Wait()
		e, err := r.CreateEmergencyFence(t.Context(), controller, airspace.Emergency{RadiusM: 100})
		if err != nil || !e.Provisional {
			t.Errorf("emergency: %+v, %v", e, err)
		}
		first.Wait()
		synctest.Wait()
		if open := r.Emergencies(); len(open) != 1 || !errors.Is(open[0].Err, journal.ErrReadOnly) {
			t.Errorf("open emergencies %+v", open)
		}
		mu.Lock()
		defer mu.Unlock()
		if !inForce["Emergency"] || !inForce["river"] {
			t.Errorf("in force: %v", inForce)
		}
	})
}

// An emergency that waits does not wait for those that are decided again one by one.
func TestEmergencyBeforeThoseDecidedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newSlowJournal()
		j.refuse = func(batch []journal.Entry) error {
			if len(batch) > 1 {
				return journal.ErrTooLarge
			}
			return nil
		}
		r := hanging(t, j)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if _, err := r.CreateFence(t.Context(), controller, river()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		j.gate <- struct{}{} // the first; the five go to the journal together
		synctest.Wait()
		wg.Go(func() {
			if _, err := r.CreateEmergencyFence(t.Context(), controller, airspace.Emergency{RadiusM: 100}); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		close(j.gate)
		wg.Wait()
		if len(j.appends) != 7 || !j.appends[1][0].Emergency {
			t.Errorf("the emergency was not decided next, of %d", len(j.appends))
		}
	})
}

// Whoever leaves a decision about a vehicle that hangs does not touch what is being
// decided. The race detector sees it.
func TestLeftFleetDecisionIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newSlowJournal()
		r, err := airspace.NewRegister(airspace.Config{
			Zone: airspace.Zone{ID: "north"}, Journal: j, Listeners: []string{"signed"},
			Vehicles: []vehicles.Registration{{ID: "boat-1", Name: "Boat 1", Class: vehicles.USV, Operator: "acme", MAVLink: boat("boat-1", 9).MAVLink}},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		anybody := airspace.Actor{ID: "set-up", Roles: []airspace.Role{airspace.TestOperator}}
		if v, err := r.AddVehicleKey(ctx, anybody, "boat-1", "vk_1", false); !errors.Is(err, context.DeadlineExceeded) || v.ID != "" {
			t.Errorf("while it hangs: %+v, %v", v, err)
		}
		close(j.gate)
		synctest.Wait()
		if v, err := r.Vehicle(airspace.Everybody, "boat-1"); err != nil || len(v.Keys) != 1 {
			t.Errorf("when it went on: %+v, %v", v, err)
		}
	})
}
