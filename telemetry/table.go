package telemetry

import (
	"math"
	"runtime"
	"sync/atomic"

	"testzone/geofence/geo"
	"testzone/telemetry/live"
	"testzone/vehicles"
)

const (
	chunkSlots = 1024
	maxChunks  = vehicles.MaxHandles / chunkSlots
)

// table holds the live state of every vehicle. The shard that owns a vehicle
// writes its slot; anybody reads without locks: a reader that meets a writer
// tries again.
type table struct {
	chunks [maxChunks]atomic.Pointer[chunk]
	max    atomic.Uint32 // highest handle ever stored
}

// chunk is a run of slots; readers pass over one in which nobody is followed.
type chunk struct {
	slots    [chunkSlots]slot
	followed atomic.Int32
}

// slot is one vehicle as a sequence lock over four words:
// lon|lat, alt|heading|speed|vz, status|battery|valid, time of the fix.
type slot struct {
	version atomic.Uint32 // odd while the owner writes
	words   [4]atomic.Uint64
	alert   atomic.Uint32 // highest unacknowledged alert level; written by the book
}

const (
	slotLive    = 1 << 16 // third word: the vehicle is followed
	slotHasFix  = 1 << 17
	statusShift = 8
)

func (t *table) slot(h vehicles.Handle) *slot {
	i := uint32(h) / chunkSlots
	if i >= maxChunks {
		return nil
	}
	c := t.chunks[i].Load()
	if c == nil {
		fresh := new(chunk)
		if !t.chunks[i].CompareAndSwap(nil, fresh) {
			fresh = t.chunks[i].Load()
		}
		c = fresh
	}
	for {
		m := t.max.Load()
		if uint32(h) <= m || t.max.CompareAndSwap(m, uint32(h)) {
			break
		}
	}
	return &c.slots[uint32(h)%chunkSlots]
}

// follow counts a vehicle that begins (1) or ceases (-1) to be followed.
func (t *table) follow(h vehicles.Handle, by int32) {
	if c := t.chunks[uint32(h)/chunkSlots].Load(); c != nil {
		c.followed.Add(by)
	}
}

// store writes a track whose fix came at fixUS on the steady clock. Only the owning shard calls it. Does not allocate once
// the vehicle's chunk exists.
func (s *slot) store(t *vehicles.Track, fixUS int64, verified bool) {
	s.storeAs(t, fixUS, verified, true)
}

// storeAs also stores tracks of which the velocity is not known.
func (s *slot) storeAs(t *vehicles.Track, fixUS int64, verified, velocityKnown bool) {
	lon, lat := int32(live.UnknownCoord), int32(live.UnknownCoord)
	alt, heading, speed, vz := int16(live.UnknownAlt), uint16(live.UnknownHeading), uint16(live.UnknownSpeed), int16(live.UnknownVZ)
	status := uint8(t.Phase())
	flags := uint64(slotLive)
	if !verified {
		status |= live.StatusUnverified
	}
	if t.HasFix() {
		flags |= slotHasFix
		lon, lat = t.Fix.Point.Lon, t.Fix.Point.Lat
		if mm, ok := t.Fix.Heights.In(geo.AMSL); ok {
			q := roundDiv(int64(mm), 250)
			if q > math.MaxInt16 || q < -math.MaxInt16 {
				status |= live.StatusAltOutRange
			}
			alt = int16(max(-math.MaxInt16, min(math.MaxInt16, q)))
		}
		heading = t.Heading
		if velocityKnown {
			speed = uint16(min(t.SpeedCMS(), live.UnknownSpeed-1))
			vz = -max(-math.MaxInt16, t.Velocity.D)
		}
	}
	battery := uint8(live.UnknownBattery)
	if t.Seen&vehicles.HasBattery != 0 {
		battery = t.Battery
	}
	s.version.Add(1)
	s.words[0].Store(uint64(uint32(lon))<<32 | uint64(uint32(lat)))
	s.words[1].Store(uint64(uint16(alt))<<48 | uint64(heading)<<32 | uint64(speed)<<16 | uint64(uint16(vz)))
	s.words[2].Store(flags | uint64(status)<<statusShift | uint64(battery))
	s.words[3].Store(uint64(fixUS))
	s.version.Add(1)
}

// clear marks the vehicle as no longer followed.
func (s *slot) clear() {
	s.alert.Store(0)
	s.version.Add(1)
	s.words[2].Store(0)
	s.version.Add(1)
}

// load copies the slot as a record; ok is false when no vehicle is followed
// there. The age is left to the caller, who knows the time of the frame.
func (s *slot) load(h uint32, r *live.Record) (fixUS int64, version uint32, ok bool) {
	for {
		version = s.version.Load()
		if version&1 != 0 {
			runtime.Gosched() // the writer was interrupted
			continue
		}
		w0, w1, w2, w3 := s.words[0].Load(), s.words[1].Load(), s.words[2].Load(), s.words[3].Load()
		if s.version.Load() != version {
			continue
		}
		if w2&slotLive == 0 {
			return 0, version, false
		}
		*r = live.Record{
			Handle: h, Lon: int32(w0 >> 32), Lat: int32(w0),
			Alt: int16(w1 >> 48), Heading: uint16(w1 >> 32), Speed: uint16(w1 >> 16), VZ: int16(w1),
			Status:  uint8(w2>>statusShift) | uint8(s.alert.Load())<<live.StatusAlertShift,
			Battery: uint8(w2),
		}
		if w2&slotHasFix == 0 {
			return 0, version, true
		}
		return int64(w3), version, true
	}
}

// roundDiv divides and rounds half away from zero.
func roundDiv(v, by int64) int64 {
	if v < 0 {
		return -((-v + by/2) / by)
	}
	return (v + by/2) / by
}

func pointOf(r *live.Record) geo.Point { return geo.Point{Lat: r.Lat, Lon: r.Lon} }
