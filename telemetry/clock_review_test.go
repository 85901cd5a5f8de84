package telemetry

import (
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// TestClockThatIsSetBack: a source without a clock of its own goes on to be
// judged when the server's clock is set back by some seconds.
func TestClockThatIsSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBreachRig(t, vehicles.USV, true, geofence.Fence{Kind: geofence.KeepOut})
		defer r.stop()
		back := int64(0)
		at := func(north float64) {
			time.Sleep(time.Second)
			pos := fix(r.id.Handle, 0, 0, 0)
			pos.ReceivedUS, pos.Fix.Point = time.Now().UnixMicro()-back, geo.Moved(edge, north, 0)
			r.Reports([]vehicles.Report{pos})
			synctest.Wait()
		}
		at(-20)
		back = 8_000_000
		for north := range 5 {
			at(float64(10 + 5*north))
		}
		r.expect(t, "4 s within the fence", "entered") // not confirmed: by this clock its fixes are 8 s old
	})
}
