package airspace_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"testzone/airspace"
)

// expiring is a context whose deadline comes with its channel.
type expiring struct {
	context.Context
	done chan struct{}
}

func (c expiring) Done() <-chan struct{} { return c.done }

func (c expiring) Err() error {
	select {
	case <-c.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// Who leaves at the deadline and the decider that still makes the decision share
// nothing: run with -race. A decision whose record was cleared meanwhile brought
// the server down.
func TestFleetDecisionOutlivesItsCaller(t *testing.T) {
	f := newFleetRig(t)
	v := f.registered(boat("boat-1", 9))
	ctx := expiring{t.Context(), make(chan struct{})}
	r, err := airspace.NewRegister(airspace.Config{
		Zone: airspace.Zone{ID: "north"}, Journal: f.journal, Listeners: []string{"signed"}, Clock: func() time.Time { return f.now },
		Moves: func(string) bool { close(ctx.done); return false },
	})
	if err == nil {
		err = f.journal.Replay(1, r.Replay)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReplaceVehicle(ctx, f.anna, v.Rev, boat("boat-1", 10), false); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if _, err := r.AddVehicleKey(t.Context(), f.anna, "boat-1", "vk_1", false); err != nil { // its turn is after it
		t.Fatal(err)
	}
	if got, err := r.Vehicle(airspace.Everybody, "boat-1"); err != nil || got.MAVLink.SystemID != 10 || len(got.Keys) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}
