package geofence

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

var figures = flag.Bool("figures", false, "measure and print the figures of make bench-fence")

// city makes the fences and the traffic of a dense city, about 47 x 55 km, from
// fixed seeds. Metres are made degrees by round factors; it is data, not geodesy.
type city struct {
	rng   *rand.Rand
	spots [][2]float64 // metres east, north of the corner
}

const (
	cityLat, cityLon       = 31.0, 121.2
	cityNorthM, cityEastM  = 55_450, 47_580
	metresLat              = 110_900.0
	cornersOfFence, spread = 12, 3000
)

var metresLon = 111_320 * math.Cos(31.25*math.Pi/180)

func newCity(seed uint64) *city {
	c := &city{rng: rand.New(rand.NewPCG(seed, 7))}
	for range cornersOfFence {
		c.spots = append(c.spots, [2]float64{cityEastM * (0.1 + 0.8*c.rng.Float64()), cityNorthM * (0.1 + 0.8*c.rng.Float64())})
	}
	return c
}

func cityPoint(east, north float64) geo.Point {
	return geo.Point{Lat: int32(math.Round((cityLat + north/metresLat) * 1e7)), Lon: int32(math.Round((cityLon + east/metresLon) * 1e7))}
}

func (c *city) centre(sigma, nearSpot float64) (east, north float64) {
	if c.rng.Float64() < nearSpot {
		s := c.spots[c.rng.IntN(len(c.spots))]
		return s[0] + c.rng.NormFloat64()*sigma, s[1] + c.rng.NormFloat64()*sigma
	}
	return c.rng.Float64() * cityEastM, c.rng.Float64() * cityNorthM
}

// round is a shape of about radius r with n vertices.
func (c *city) round(east, north, r float64, n int) geo.Ring {
	k := 0.2 + 0.3*c.rng.Float64()
	var phase [4]float64
	for i := range phase {
		phase[i] = c.rng.Float64() * 2 * math.Pi
	}
	ring := make(geo.Ring, n)
	for i := range ring {
		a := 2 * math.Pi * float64(i) / float64(n)
		q := r * (1 + k*(0.5*math.Sin(2*a+phase[0])+0.3*math.Sin(3*a+phase[1])+0.2*math.Sin(7*a+phase[2])+0.1*math.Sin(17*a+phase[3])))
		ring[i] = cityPoint(east+q*math.Cos(a), north+q*math.Sin(a))
	}
	return ring
}

func (c *city) withHole(east, north, r float64, n int, hole bool) geo.Polygon {
	p := geo.Polygon{Outer: c.round(east, north, r, n)}
	if hole {
		p.Holes = []geo.Ring{c.round(east, north, r/4, max(n/4, 8))}
	}
	return p
}

func (c *city) block(east, north float64) geo.Polygon {
	a, b := 40+200*c.rng.Float64(), 40+200*c.rng.Float64()
	turn := c.rng.Float64() * math.Pi
	n := 4 + c.rng.IntN(9)
	ring := make(geo.Ring, n)
	for i := range ring {
		t := 2*math.Pi*float64(i)/float64(n) + math.Pi/4
		x, y := a/2*math.Sqrt2*math.Cos(t), b/2*math.Sqrt2*math.Sin(t)
		ring[i] = cityPoint(east+x*math.Cos(turn)-y*math.Sin(turn), north+x*math.Sin(turn)+y*math.Cos(turn))
	}
	return geo.Polygon{Outer: ring}
}

func (c *city) corridor(east, north float64) geo.Polygon {
	n := 9 + c.rng.IntN(40)
	step := (500 + 2500*c.rng.Float64()) / float64(n)
	half, heading := 10+30*c.rng.Float64(), c.rng.Float64()*2*math.Pi
	var left, right geo.Ring
	for range n {
		sin, cos := math.Sincos(heading)
		left = append(left, cityPoint(east-half*cos, north+half*sin))
		right = append(right, cityPoint(east+half*cos, north-half*sin))
		east, north = east+step*sin, north+step*cos
		heading += c.rng.NormFloat64() * 0.08
	}
	slices.Reverse(right)
	return geo.Polygon{Outer: append(left, right...)}
}

// fences makes n keep-out fences without bands: what costs is their geometry.
func (c *city) fences(n int) []*Compiled {
	airports := min(max(n/200, 2), 12)
	var out []*Compiled
	for len(out) < n {
		east, north := c.centre(spread, 0.5)
		var p geo.Polygon
		switch kind := c.rng.Float64(); {
		case len(out) < airports:
			p = c.withHole(east, north, 3000+5000*c.rng.Float64(), 100+c.rng.IntN(401), len(out)%2 == 1)
		case kind < 0.70:
			p = c.block(east, north)
		case kind < 0.82:
			p = c.corridor(east, north)
		default:
			p = c.withHole(east, north, 150+700*c.rng.Float64(), 20+c.rng.IntN(181), c.rng.Float64() < 0.2)
		}
		// Now and then a bent corridor crosses itself; the next try does not.
		f, err := Compile(Fence{ID: "f" + strconv.Itoa(len(out)), Kind: KeepOut, Rev: 1, Shape: Shape{Polygons: []geo.Polygon{p}}})
		if err == nil {
			out = append(out, f)
		}
	}
	return out
}

// traffic makes the samples of count vehicles at 10 Hz, step after step; speeds
// are 5-25 m/s. Clustered traffic starts around the hot spots.
func (c *city) traffic(count, steps int, clustered bool) [][]Sample {
	type mover struct{ east, north, heading, speed float64 }
	movers := make([]mover, count)
	near := 0.0
	if clustered {
		near = 0.9
	}
	for i := range movers {
		east, north := c.centre(1500, near)
		movers[i] = mover{east, north, c.rng.Float64() * 2 * math.Pi, 5 + 20*c.rng.Float64()}
	}
	out := make([][]Sample, steps)
	for k := range out {
		out[k] = make([]Sample, count)
		for i := range movers {
			m := &movers[i]
			m.heading += c.rng.NormFloat64() * 0.05
			sin, cos := math.Sincos(m.heading)
			m.east, m.north = m.east+m.speed*0.1*sin, m.north+m.speed*0.1*cos
			if m.east < 0 || m.east > cityEastM || m.north < 0 || m.north > cityNorthM {
				m.heading += math.Pi
			}
			s := &out[k][i]
			s.Fix.Point = cityPoint(m.east, m.north)
			s.Velocity = vehicles.Velocity{N: int16(m.speed * cos * 100), E: int16(m.speed * sin * 100)}
			s.Fix.Heights.Set(geo.AMSL, 60_000)
			s.Fix.Heights.Set(geo.Takeoff, 50_000)
			s.ReceivedUS = int64(k+1) * 100_000
			s.BootMS = uint32(k+1) * 100
		}
	}
	return out
}

// cpuNS is the processor time of this process.
func cpuNS(t *testing.T) int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		t.Fatal(err)
	}
	return ts.Nano()
}

// TestFigures prints the figures of make bench-fence with -figures, and tries
// the measurement on a small set without it. Run the test binary itself to have
// the remarks on standard error: go test joins the two streams.
func TestFigures(t *testing.T) {
	type setup struct{ fences, steps, rounds int }
	sizes, count := []setup{{100, 60, 1}}, 1000
	if *figures {
		sizes, count = []setup{{100, 60, 7}, {1000, 60, 7}, {10_000, 60, 7}, {100_000, 60, 3}}, 5000
	}
	worst := 0.0
	for _, sz := range sizes {
		set := newCity(uint64(sz.fences)).fences(sz.fences)
		for _, clustered := range []bool{false, true} {
			m := newMeasurement(sz.fences, set, count, sz.steps, clustered)
			m.run(t, sz.rounds)
			worst = max(worst, m.report(t))
		}
		runtime.GC()
	}
	if *figures {
		fmt.Fprintf(os.Stdout, "fence/step_over_cells_worst %.3f ratio\n", worst)
		measureChanges(t, 10_000, 100_000)
		return
	}
	measureChanges(t, 100, 200)
}
