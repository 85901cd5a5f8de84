package telemetry

import (
	"sync"
	"testing"
	"time"

	"testzone/geofence/geo"
	"testzone/telemetry/live"
	"testzone/vehicles"
)

var testGrid = live.Grid{Box: live.BBox{West: 0, South: 0, East: 16_000, North: 16_000}}

func flying(h vehicles.Handle, lat, lon int32, fixUS int64) *vehicles.Track {
	t := &vehicles.Track{
		Handle: h, Seen: vehicles.HasHeartbeat | vehicles.HasPosition, Armed: true, FixUS: max(fixUS, 1),
		Heading: 9000, Velocity: vehicles.Velocity{N: 300, E: 400, D: -50}, Battery: 80,
	}
	t.Fix.Point = geo.Point{Lat: lat, Lon: lon}
	t.Fix.Heights.Set(geo.AMSL, 50_100)
	return t
}

// picture is a fan-out whose ticks the test takes by hand.
type picture struct {
	*Fanout
	now time.Time
}

func newPicture() *picture {
	p := &picture{now: time.Unix(1000, 0)}
	p.Fanout = newFanout(&table{}, testGrid, 7, func() time.Time { return p.now })
	return p
}

// store does what a shard does: it begins to follow the vehicle, or goes on.
func (p *picture) store(t *vehicles.Track, fixUS int64, verified bool) {
	s := p.table.slot(t.Handle)
	var r live.Record
	if _, _, followed := s.load(uint32(t.Handle), &r); !followed {
		p.table.follow(t.Handle, 1)
	}
	s.store(t, fixUS, verified)
}

func (p *picture) forget(h vehicles.Handle) {
	p.table.slot(h).clear()
	p.table.follow(h, -1)
}

func (p *picture) frame(t *testing.T, typ live.FrameType, view live.CellSet, follow ...uint32) live.Frame {
	t.Helper()
	f, err := live.Decode(p.Current().AppendFrame(nil, typ, 0, &view, follow))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func handles(f live.Frame) map[uint32][]uint32 {
	out := map[uint32][]uint32{}
	for _, g := range f.Groups {
		for _, r := range g.Records {
			out[g.Cell] = append(out[g.Cell], r.Handle)
		}
	}
	return out
}

func TestRecordCarriesTheTrack(t *testing.T) {
	p := newPicture()
	p.store(flying(5, 1500, 2500, 0), p.steady()-40_000, false)
	p.table.slot(5).alert.Store(Critical)
	p.take()
	f := p.frame(t, live.Snapshot, live.AllCells())
	want := live.Record{
		Handle: 5, Lat: 1500, Lon: 2500, Alt: 200, Heading: 9000, Speed: 500, VZ: 50,
		Status: uint8(vehicles.Moving) | Critical<<live.StatusAlertShift | live.StatusUnverified, Battery: 255, Age: 40,
	}
	if f.Count != 1 || f.Groups[0].Records[0] != want {
		t.Errorf("got %+v, want %+v", f.Groups, want)
	}
	if f.Seq != 1 || f.Epoch != 7 || f.Groups[0].Cell != 16+2 {
		t.Errorf("seq %d epoch %d cell %d", f.Seq, f.Epoch, f.Groups[0].Cell)
	}
}

func TestDeltaHoldsWhatChanged(t *testing.T) {
	p := newPicture()
	p.store(flying(1, 500, 500, 1), 1, true)
	p.store(flying(2, 500, 1500, 1), 1, true)
	p.take()
	if n := p.frame(t, live.Delta, live.AllCells()).Count; n != 2 {
		t.Errorf("first tick: %d records, want both", n)
	}
	p.take()
	if n := p.frame(t, live.Delta, live.AllCells()).Count; n != 0 {
		t.Errorf("nothing changed, but %d records", n)
	}
	if n := p.frame(t, live.Snapshot, live.AllCells()).Count; n != 2 {
		t.Errorf("a snapshot holds %d, want both", n)
	}
	p.table.slot(2).alert.Store(Warning)
	p.take()
	if got := handles(p.frame(t, live.Delta, live.AllCells())); len(got) != 1 || got[1][0] != 2 {
		t.Errorf("an alert level is a change of vehicle 2: %v", got)
	}
}

func TestVehicleThatLeavesACellIsInBoth(t *testing.T) {
	p := newPicture()
	p.store(flying(1, 500, 500, 1), 1, true)
	p.take()
	p.store(flying(1, 500, 1500, 2), 1, true)
	p.take()
	got := handles(p.frame(t, live.Delta, live.AllCells()))
	if len(got[0]) != 1 || len(got[1]) != 1 {
		t.Errorf("cells %v, want the vehicle in 0 and 1", got)
	}
	var only live.CellSet
	only.Add(0)
	if f := p.frame(t, live.Delta, only); f.Count != 1 || f.Groups[0].Records[0].Lon != 1500 {
		t.Errorf("who watches cell 0 must see it leave: %+v", f)
	}
	p.take()
	if f := p.frame(t, live.Snapshot, only); f.Count != 0 {
		t.Errorf("it is gone from cell 0, but %+v", f)
	}
	if f := p.frame(t, live.Delta, only, 1, 99); f.Count != 1 || f.Groups[0].Cell != live.CellFollowed {
		t.Errorf("a followed vehicle is sent wherever it is: %+v", f)
	}
}

func TestRemovedAndWithoutPosition(t *testing.T) {
	p := newPicture()
	p.store(&vehicles.Track{Handle: 3, Heading: vehicles.HeadingUnknown}, 1, true)
	p.take()
	var none live.CellSet
	none.Add(live.CellNoPlace)
	f := p.frame(t, live.Delta, none)
	if f.Count != 1 || f.Groups[0].Records[0].Age != live.AgeNever || f.Groups[0].Records[0].Lon != live.UnknownCoord {
		t.Errorf("a vehicle without position: %+v", f)
	}
	p.forget(3)
	p.take()
	gone, err := live.Decode(p.Current().AppendRemove(nil))
	if err != nil || len(gone.Removed) != 1 || gone.Removed[0] != 3 {
		t.Errorf("removed %v, %v", gone.Removed, err)
	}
	p.take()
	if b := p.Current().AppendRemove(nil); b != nil {
		t.Errorf("removed twice: %x", b)
	}
}

func TestAltitudeSaturates(t *testing.T) {
	p := newPicture()
	for h, mm := range map[vehicles.Handle]int32{1: 9_000_000, 2: -9_000_000, 3: 124, 4: 125, 5: -125} {
		track := flying(h, 1, 1, 1)
		track.Fix.Heights.Set(geo.AMSL, mm)
		p.store(track, 1, true)
	}
	p.take()
	want := map[uint32]int16{1: 32767, 2: -32767, 3: 0, 4: 1, 5: -1}
	for _, r := range p.Current().Records() {
		if r.Alt != want[r.Handle] {
			t.Errorf("vehicle %d: %d, want %d", r.Handle, r.Alt, want[r.Handle])
		}
		if out := r.Status&live.StatusAltOutRange != 0; out != (r.Handle < 3) {
			t.Errorf("vehicle %d: out of range %v", r.Handle, out)
		}
	}
}

// A reader never sees half of one write and half of another.
func TestTableIsConsistentUnderARace(t *testing.T) {
	p := newPicture()
	s := p.table.slot(1)
	s.store(flying(1, 0, 0, 1), 1, true)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := int32(1); ; i++ {
			select {
			case <-stop:
				return
			default:
				track := flying(1, i%16_000, i%16_000, int64(i%16_000)+1)
				s.store(track, track.FixUS, true)
			}
		}
	})
	var r live.Record
	for range 200_000 {
		fix, _, ok := s.load(1, &r)
		if !ok || r.Lat != r.Lon || fix != int64(r.Lat)+1 {
			t.Fatalf("torn read: lat %d lon %d fix %d", r.Lat, r.Lon, fix)
		}
	}
	close(stop)
	wg.Wait()
}
