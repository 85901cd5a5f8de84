package airspace

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/airspace/volumes"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

type noJournal struct{}

func (noJournal) Append(context.Context, ...journal.Entry) ([]uint64, error) { return nil, nil }

// town is 50 by 50 km and 30 days of permits, bookings and fences.
type town struct {
	*Register
	rng  *rand.Rand
	now  time.Time
	pack *rules.Pack
}

func (w *town) circle(most float64) geofence.Shape {
	return geofence.Shape{Circle: &geo.Circle{Center: geo.Point{Lat: 307_000_000 + w.rng.Int32N(4_500_000), Lon: 1_217_000_000 + w.rng.Int32N(5_200_000)}, RadiusM: 30 + w.rng.Float64()*most}}
}

// flight is an application for half an hour within 30 days.
func (w *town) flight() permit.Application {
	from := w.now.Add(48*time.Hour + time.Duration(w.rng.IntN(30*24*60))*time.Minute).UnixMicro()
	to, floor := from+1800_000_000, w.rng.Int32N(80_000)
	v := permit.Volume{Floor: &permit.Height{MM: floor, Datum: "amsl"}, Ceiling: &permit.Height{MM: floor + 30_000, Datum: "amsl"}}
	v.SetShape(w.circle(300))
	return permit.Application{
		Kind: "uav.flight", Subtype: "first", Title: "trial", FromUS: from, ToUS: to, Volumes: []permit.Volume{v}, Vehicles: []vehicles.VehicleID{"uav-1"},
		Insurance: []permit.Policy{{Kind: "liability", Insurer: "PICC", Number: "1", FromUS: from, ToUS: to}}, Facts: map[string]any{"uav.mtow_kg": 6.0, "road.public": false},
	}
}

func newTown(t *testing.T, fences, bookings, active int) *town {
	t.Helper()
	now := time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)
	r, err := NewRegister(Config{Zone: Zone{ID: "north"}, Journal: noJournal{}, Clock: func() time.Time { return now },
		Vehicles: []vehicles.Registration{{ID: "uav-1", Class: vehicles.UAV, Operator: "acme"}}})
	if err != nil {
		t.Fatal(err)
	}
	w := &town{Register: r, rng: rand.New(rand.NewPCG(1, 2)), now: now}
	if _, w.pack, err = r.RulePacks(); err != nil {
		t.Fatal(err)
	}
	for i := range fences {
		f := geofence.Fence{ID: fmt.Sprint("fn_", i), Name: "f", Kind: geofence.KeepOut, Shape: w.circle(300), Response: geofence.Warn}
		c, err := geofence.Compile(f)
		if err != nil {
			t.Fatal(err)
		}
		r.fences[f.ID] = &FenceRecord{Fence: f, compiled: c}
	}
	for i := range active {
		app := w.flight()
		p := permit.Permit{ID: fmt.Sprint("pm_", i), Org: "harbour", State: rules.Effective, Domain: "uav", Pack: w.pack.Key(), Application: app, FromUS: app.FromUS, ToUS: app.ToUS, ApprovedToUS: app.ToUS}
		if err := r.permits.put(p); err != nil {
			t.Fatal(err)
		}
	}
	for i := range bookings {
		app := w.flight()
		s, err := volumes.Compile(volumes.Volume{ID: fmt.Sprint("bk_", i), Of: fmt.Sprint("booking:bk_", i), Shape: app.Volumes[0].Shape(), FromUS: app.FromUS, ToUS: app.ToUS})
		if err == nil {
			err = r.permits.taken.Insert(s)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// TestCheckFigures is permit/check_p99_ms: all checks of one application.
func TestCheckFigures(t *testing.T) {
	fences, bookings, active, queries := 300, 300, 3000, 50
	if flag.Lookup("figures").Value.String() == "true" {
		fences, bookings, active, queries = 10_000, 10_000, 100_000, 3000
	}
	w := newTown(t, fences, bookings, active)
	w.check() // fences are taken into the index by the first
	// The processor time of one thread: what else the machine does is none of it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var took, wall []time.Duration
	said := map[string]int{}
	for range queries {
		begin, spent := time.Now(), threadTime(t)
		faults := w.check()
		took, wall = append(took, threadTime(t)-spent), append(wall, time.Since(begin))
		for _, f := range faults {
			said[f.Code]++
		}
	}
	if said["fence"] == 0 || said["missing"] == 0 || said["vehicle"] != 0 {
		t.Errorf("it said %v", said)
	}
	slices.Sort(took)
	slices.Sort(wall)
	if queries > 50 {
		fmt.Printf("permit/check_p99_ms %.2f ms\n", took[len(took)*99/100].Seconds()*1000)
		fmt.Fprintf(os.Stderr, "permit/check_p99_ms: %d fences, %d bookings, %d active permits; p50 %.2f ms, p99 by the clock on the wall %.2f ms, %d faults of fences, %d conflicts in %d applications; goal < 20\n",
			fences, bookings, active, took[len(took)/2].Seconds()*1000, wall[len(wall)*99/100].Seconds()*1000, said["fence"], said["conflict"], queries)
	}
}

// threadTime is the processor time that this thread took so far.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

func (w *town) check() []permit.Fault {
	p, err := permit.Draft("pm_new", "acme", permit.Act{AtUS: w.now.UnixMicro()}, w.flight(), w.pack)
	if err != nil {
		panic(err)
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.faults(p, w.pack, w.now)
}
