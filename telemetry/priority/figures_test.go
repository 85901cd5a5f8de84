package priority

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"testzone/telemetry"
)

var figures = flag.Bool("figures", false, "print the figures of the package")

// TestPriorityFigures prints how long one look takes: 1,000 vehicles over 10 km
// around a helicopter, of which those on its way are offered exits; and the worst case
// in which nearly all of them are in its way.
func TestPriorityFigures(t *testing.T) {
	looks := 3
	if *figures {
		looks = 60
	}
	for _, c := range []struct {
		name   string
		spread float64
	}{{"control/priority_look_ms_1k", 5000}, {"control/priority_look_ms_1k_all_in_the_way", 600}} {
		rng := rand.New(rand.NewPCG(3, 3))
		r := newRig(t, nil)
		k := eastbound()
		k.LookAheadS = 180
		k.Radius = 500
		r.keepouts = []Keepout{k}
		for i := range 1000 {
			r.drone(fmt.Sprint("uav-", i), 360*rng.Float64(), c.spread*rng.Float64(), 80, 360*rng.Float64(), 10*rng.Float64())
		}
		var took []time.Duration
		for range looks {
			r.fresh(1)
			r.keepouts[0].AtUS = r.now.UnixMicro() + secondUS // placed anew each second: it does not pass
			begun := time.Now()
			r.look(1)
			took = append(took, time.Since(begun))
		}
		first := took[0]
		slices.Sort(took)
		p, _ := r.Picture("pt_1")
		none := 0
		for i := range p.Affected {
			if p.Affected[i].Exit.Kind == telemetry.ExitNone {
				none++
			}
		}
		ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
		if *figures {
			fmt.Printf("%s %.2f ms\n", c.name, ms(took[len(took)/2]))
		}
		fmt.Fprintf(os.Stderr, "%s: median of %d looks, the first one %.2f ms, worst %.2f ms; %d of 1000 in the way at the end, %d without exit\n",
			c.name, looks, ms(first), ms(took[len(took)-1]), len(p.Affected), none)
		if len(p.Affected) < 20 {
			t.Errorf("%s: only %d are in the way", c.name, len(p.Affected))
		}
	}
}
