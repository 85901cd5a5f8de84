package dialogue

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"testzone/telemetry/sim"
	"testzone/vehicles"
)

var figures = flag.Bool("figures", false, "print the figures of make bench-control; without it a short form runs")

// variant is an upload that is measured.
type variant struct {
	name   string
	items  int
	loss   float64 // each way
	faults sim.PlanFaults
}

// TestPlanFigures uploads missions of 1,000 items over signed UDP to a strict
// vehicle, and one of 250 over a link that loses a fifth of the frames each way: no
// frame of ours is refused, no order is held up, and the plan is on board.
func TestPlanFigures(t *testing.T) {
	all := []variant{{"clean", 60, 0, sim.PlanFaults{}}}
	if *figures {
		old := sim.PlanFaults{Legacy: true}
		all = []variant{{"clean", 1000, 0, sim.PlanFaults{}}, {"old requests", 1000, 0, old}, {"a fifth lost each way", 250, 0.2, sim.PlanFaults{}}}
	}
	var refused atomic.Uint64
	t.Run("uploads", func(t *testing.T) {
		for _, v := range all {
			t.Run(v.name, func(t *testing.T) {
				t.Parallel() // the machine is busy, too
				refused.Add(v.measure(t))
			})
		}
	})
	if *figures {
		fmt.Printf("control/upload_1000_rejected %d frames\n", refused.Load())
	}
}

// measure uploads, and counts the frames that the vehicle refused.
func (v *variant) measure(t *testing.T) (refused uint64) {
	w := newWire(t, sim.Config{PlanFaults: func(uint8) sim.PlanFaults { return v.faults }}, Config{})
	if v.loss > 0 {
		if _, err := w.fleet.Do(sim.Event{Vehicle: "all", Does: sim.LinkDrops, Share: v.loss}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	sent, held := 0, 0
	var wg sync.WaitGroup
	wg.Go(func() { sent, held = w.orders(ctx, t) })
	plan, begin := mission(v.items), time.Now()
	_, err := w.e.Upload(t.Context(), handle, plan, nil)
	took := time.Since(begin)
	cancel()
	wg.Wait()
	stored := w.fleet.Carried(0, vehicles.PlanMission)
	if d := plan.Differs(&stored, autopilotArduPilot); err != nil || d != nil {
		t.Errorf("upload %v; stored %v", err, d)
	}
	refused, again := w.fleet.Refused(0)
	refused += w.fleet.Stats().Deaf
	fmt.Fprintf(os.Stderr, "# upload of %d items, %s: %.1f s, %d items sent again, %d frames refused, %d of %d orders held up\n",
		v.items, v.name, took.Seconds(), again, refused, held, sent)
	if refused != 0 || held != 0 {
		t.Errorf("%d frames refused by the vehicle, %d orders held up", refused, held)
	}
	return refused
}
