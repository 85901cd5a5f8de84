package sim

import (
	"fmt"
	"testing"

	"testzone/geofence/geo"
)

// Vehicles that ask before they arm stand disarmed where they begin until the zone
// grants it, and start then.
func TestAskToArm(t *testing.T) {
	const n = 3
	z, l := startZone(t, n)
	f := startFleet(t, Config{Kind: KindLoad, Vehicles: n, Rate: 5, Sign: keyOf, AskToArm: true}, l)
	until(t, func() string {
		z.mu.Lock()
		defer z.mu.Unlock()
		for _, times := range z.asked {
			if times < 2 {
				return "a second request"
			}
		}
		if len(z.asked) < n || len(z.armed) < n {
			return fmt.Sprintf("requests of %d vehicles, had %d", n, len(z.asked))
		}
		return ""
	})
	z.mu.Lock()
	for h, armed := range z.armed {
		if armed {
			t.Errorf("vehicle %d armed though it was denied", h)
		}
	}
	z.mayArm = true
	z.mu.Unlock()
	begin := make([]geo.Point, n)
	for i, m := range f.members {
		begin[i] = m.plane.point(m.at(0, 0).at)
	}
	until(t, func() string {
		z.mu.Lock()
		defer z.mu.Unlock()
		for h, armed := range z.armed {
			if !armed {
				return fmt.Sprintf("vehicle %d to arm", h)
			}
		}
		return ""
	})
	for i := range n {
		p, _, _ := f.At(i, 0)
		if p != begin[i] {
			t.Errorf("vehicle %d started at %v, not where it stood, %v", i, p, begin[i])
		}
	}
}
