package telemetry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

const (
	// maxTraffic is how many tracks verified reporters may have together, apart
	// from them maxUnverifiedTraffic of reporters that proved nothing.
	maxTraffic           = 1024
	maxUnverifiedTraffic = 256
	// maxPerReporter is how many tracks one vehicle may begin.
	maxPerReporter = 256
	// unverifiedTrafficPerMinute bounds the handles that unverified reporters use up.
	unverifiedTrafficPerMinute = 60

	// staleSighting is the age from which a sighting says nothing of now.
	staleSighting = 30 * time.Second
	// trafficSilence ends a track.
	trafficSilence = 60 * time.Second
	// reportersShown is how many of the last reporters a track names.
	reportersShown = 8
	// maxTransmitters is how many remote id transmitters are remembered.
	maxTransmitters = 1024
)

// pressureOffM is how far a pressure altitude may be from the height above mean
// sea level: 550 m is a sea level pressure of 948 to 1,080 hPa at 8.3 m per hPa.
const pressureOffM = 550

// TrafficConfig of a Traffic. Registry and Pipeline are needed.
type TrafficConfig struct {
	Registry *vehicles.Registry
	Pipeline *Pipeline
	// SameAs finds the followed vehicle of the zone that a sighting is about, by
	// its ICAO address or serial number; 0: none that is known. Default: none.
	SameAs func(m vehicles.Means, number uint32, serial string) vehicles.Handle
	// Own takes what vehicles say of themselves; default: nobody does.
	Own func(*vehicles.Sighting)
	// PressureOffM is how far a pressure altitude counts as off; default 550. Less
	// where the sea level pressure is known.
	PressureOffM float64
	Clock        func() time.Time // default time.Now
}

// Traffic follows what is not the zone's: aircraft, ships and drones that its
// vehicles hear by ADS-B, AIS and remote id. Whoever reports it, one aircraft is
// one track, named by its own address; the newest sighting counts. A track stands
// in the live table as those of vehicles do, and in no shard: no fence judges it,
// nothing is ever sent to it. Methods are safe for concurrent use.
type Traffic struct {
	cfg    TrafficConfig
	steady func() int64

	mu           sync.Mutex // guards the fields below
	tracks       map[vehicles.VehicleID]*sighted
	transmitters map[vehicles.Text]*transmitter
	begun        map[vehicles.Handle]int // tracks by the reporter that began them
	counts       [2]int                  // tracks: unverified, verified
	unverified   budget                  // of new ones
	stats        TrafficStats
}

// TrafficStats are counters and the state of now.
type TrafficStats struct {
	Tracks     int // of verified reporters
	Unverified int // tracks of others
	Sightings  uint64
	Stale      uint64 // sightings that were too old
	Outdated   uint64 // older than what is known
	Shadowed   uint64 // unverified ones of what verified reporters see
	Refused    uint64 // that would have begun a track over a limit
}

// sighted is one track.
type sighted struct {
	id       *vehicles.Identity
	slot     *slot
	track    vehicles.Track
	now      vehicles.Sighting // the groups of all, the newest each
	seenUS   int64             // by the server's clock: receipt less age
	heardUS  int64             // steady
	fixUS    int64             // steady time of the position
	by       []TrafficReporter // newest first
	beganBy  vehicles.Handle
	same     vehicles.Handle // the vehicle of the zone that it is; 0: of none known
	velocity bool            // known
}

// transmitter is what a remote id transmitter said of itself.
type transmitter struct {
	serial  vehicles.Text
	heardUS int64 // steady
}

// TrafficReporter is a vehicle that saw a track.
type TrafficReporter struct {
	Vehicle *vehicles.Identity
	SeenUS  int64
}

// TrafficView is a copy of one track.
type TrafficView struct {
	Vehicle  *vehicles.Identity
	Track    vehicles.Track
	Sighting vehicles.Sighting
	SeenUS   int64              // when it was where Track says
	By       []TrafficReporter  // newest first, those that the view sees
	Same     *vehicles.Identity // the vehicle of the zone that it is; nil: of none known
	Velocity bool               // Track.Velocity is known
	OffM     float64            // how far the pressure altitude may be off
}

// NewTraffic makes a Traffic; tracks end only while it runs.
func NewTraffic(cfg TrafficConfig) (*Traffic, error) {
	if cfg.Registry == nil || cfg.Pipeline == nil {
		return nil, fmt.Errorf("%w: traffic needs a registry and a pipeline", ErrConfig)
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	cfg.PressureOffM = cmp.Or(cfg.PressureOffM, pressureOffM)
	return &Traffic{
		cfg: cfg, steady: steadyClock(cfg.Clock), tracks: map[vehicles.VehicleID]*sighted{},
		transmitters: map[vehicles.Text]*transmitter{}, begun: map[vehicles.Handle]int{},
	}, nil
}

// Run ends the tracks of which nobody hears any more, until ctx ends.
func (t *Traffic) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			t.sweep()
		case <-ctx.Done():
			return nil
		}
	}
}

func (t *Traffic) sweep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.steady() - trafficSilence.Microseconds()
	for id, k := range t.tracks {
		if k.heardUS < old {
			t.end(id, k)
		}
	}
	for of, m := range t.transmitters {
		if m.heardUS < old {
			delete(t.transmitters, of)
		}
	}
}

func (t *Traffic) end(id vehicles.VehicleID, k *sighted) {
	delete(t.tracks, id)
	t.counts[index(k.id.Verified)]--
	if t.begun[k.beganBy]--; t.begun[k.beganBy] <= 0 {
		delete(t.begun, k.beganBy)
	}
	k.slot.clear()
	t.cfg.Pipeline.table.follow(k.id.Handle, -1)
	t.cfg.Registry.Retire(k.id.Handle)
}

func index(verified bool) int {
	if verified {
		return 1
	}
	return 0
}

// Sighted takes what a vehicle says of somebody else.
func (t *Traffic) Sighted(s *vehicles.Sighting) {
	reporter := t.cfg.Registry.Identity(s.Reporter)
	switch {
	case reporter == nil:
		return
	case s.Own():
		if t.cfg.Own != nil {
			t.cfg.Own(s)
		}
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Sightings++
	if time.Duration(s.AgeS)*time.Second > staleSighting {
		t.stats.Stale++
		return
	}
	serial := t.serialOf(s, reporter.Verified)
	id := s.ID(serial)
	k := t.tracks[id]
	switch {
	case k != nil && k.id.Verified && !reporter.Verified:
		t.stats.Shadowed++ // a claim moves nothing that others vouch for
		return
	case k != nil && !k.id.Verified && reporter.Verified:
		t.end(id, k)
		k = nil
	}
	if k == nil {
		if k = t.begin(id, s, reporter); k == nil {
			return
		}
	}
	t.take(k, s, reporter, serial)
}

// serialOf remembers which serial number a transmitter has, and is that of s. A
// track that stood under the transmitter ends: it has a name now.
func (t *Traffic) serialOf(s *vehicles.Sighting, verified bool) vehicles.Text {
	if s.Means != vehicles.RemoteID {
		return vehicles.Text{}
	}
	m := t.transmitters[s.Of]
	if s.Has&vehicles.SeenSerial != 0 {
		if m == nil && len(t.transmitters) < maxTransmitters {
			m = &transmitter{}
			t.transmitters[s.Of] = m
		}
		if m != nil && m.serial != s.Serial {
			m.serial = s.Serial
			if k := t.tracks[s.ID(vehicles.Text{})]; k != nil && k.id.Verified == verified {
				t.end(s.ID(vehicles.Text{}), k)
			}
		}
	}
	if m == nil {
		return s.Serial
	}
	m.heardUS = t.steady()
	return m.serial
}

// begin opens a track; nil when there is no position or no room.
func (t *Traffic) begin(id vehicles.VehicleID, s *vehicles.Sighting, reporter *vehicles.Identity) *sighted {
	if s.Has&vehicles.SeenPosition == 0 {
		return nil
	}
	most := maxTraffic
	if !reporter.Verified {
		most = maxUnverifiedTraffic
	}
	now := t.cfg.Clock()
	if t.counts[index(reporter.Verified)] >= most || t.begun[s.Reporter] >= maxPerReporter ||
		!reporter.Verified && !t.unverified.left(now, unverifiedTrafficPerMinute) {
		t.stats.Refused++
		return nil
	}
	ident, err := t.cfg.Registry.OpenTraffic(vehicles.Identity{
		ID: id, Name: trafficName(id, s), Class: s.Class(), Verified: reporter.Verified, Source: reporter.Source,
	})
	if err != nil { // no handles, or another vehicle has the id
		t.stats.Refused++
		return nil
	}
	if !reporter.Verified {
		t.unverified.used++
	}
	t.counts[index(reporter.Verified)]++
	t.begun[s.Reporter]++
	k := &sighted{id: ident, slot: t.cfg.Pipeline.table.slot(ident.Handle), beganBy: s.Reporter, now: vehicles.Sighting{Means: s.Means, Number: s.Number, Of: s.Of}}
	k.track = vehicles.Track{Handle: ident.Handle, Class: ident.Class, Heading: vehicles.HeadingUnknown, Battery: vehicles.BatteryUnknown}
	t.cfg.Pipeline.table.follow(ident.Handle, 1)
	t.tracks[id] = k
	return k
}

// trafficName is what people call it.
func trafficName(id vehicles.VehicleID, s *vehicles.Sighting) string {
	return cmp.Or(s.Callsign.String(), s.Name.String(), s.Serial.String(), string(id))
}

// futureUS: a time this far ahead was taken before the clock was set back.
const futureUS = 1_000_000

// take brings a track up to date.
func (t *Traffic) take(k *sighted, s *vehicles.Sighting, reporter *vehicles.Identity, serial vehicles.Text) {
	k.heardUS = t.steady()
	seenUS := s.ReceivedUS - int64(s.AgeS)*1_000_000
	k.reported(TrafficReporter{reporter, seenUS})
	if seenUS < k.seenUS && k.seenUS < s.ReceivedUS+futureUS {
		t.stats.Outdated++
		return
	}
	k.now.Merge(s)
	k.same = 0
	if t.cfg.SameAs != nil {
		k.same = t.cfg.SameAs(s.Means, s.Number, serial.String())
	}
	if s.Has&vehicles.SeenPosition == 0 {
		return
	}
	k.move(s, seenUS, k.heardUS-int64(s.AgeS)*1_000_000)
	k.slot.storeAs(&k.track, k.fixUS, k.id.Verified, k.velocity)
}

// reported names a reporter as the newest.
func (k *sighted) reported(r TrafficReporter) {
	k.by = slices.DeleteFunc(k.by, func(o TrafficReporter) bool { return o.Vehicle.Handle == r.Vehicle.Handle })
	k.by = slices.Insert(k.by, 0, r)
	k.by = k.by[:min(len(k.by), reportersShown)]
}

// move takes the position of a sighting and what goes with it.
func (k *sighted) move(s *vehicles.Sighting, seenUS, fixUS int64) {
	was, wasUS := k.track.Fix.Point, k.seenUS
	k.now.Move(s)
	k.seenUS, k.fixUS = seenUS, fixUS
	tr := &k.track
	tr.Seen = vehicles.HasPosition
	tr.Fix = geo.Fix{Point: s.Point}
	if s.Has&vehicles.SeenWGS84 != 0 {
		tr.Fix.Heights.Set(geo.WGS84, s.HeightMM)
		tr.Fix.Heights.Set(geo.AMSL, s.HeightMM-int32(math.Round(1000*geo.Undulation(s.Point))))
	}
	tr.FixUS, tr.Reports = seenUS, tr.Reports+1
	tr.Heading = vehicles.HeadingUnknown
	if s.Has&vehicles.SeenCourse != 0 {
		tr.Heading = s.Course
	}
	switch dt := float64(seenUS-wasUS) / 1e6; {
	case s.Has&vehicles.SeenVelocity != 0:
		tr.Velocity, k.velocity = s.Velocity, true
	case wasUS != 0 && dt >= 0.5 && dt <= 15: // it does not say: the way that it made does
		north, east := geo.Offset(was, s.Point)
		tr.Velocity = vehicles.Velocity{N: cms(north / dt), E: cms(east / dt), D: s.Velocity.D}
		k.velocity = true
	case dt > 15 || wasUS == 0:
		tr.Velocity, k.velocity = vehicles.Velocity{D: s.Velocity.D}, false
	}
	tr.Status, tr.Landed = vehicles.StatusUnknown, vehicles.LandedUnknown
	if s.Has&vehicles.SeenOnGround != 0 {
		tr.Landed = vehicles.OnGround
	}
	if k.now.Distress() != "" {
		tr.Status = vehicles.Emergency
	}
}

// cms is a speed in m/s as a velocity has it.
func cms(mps float64) int16 {
	return int16(max(-math.MaxInt16, min(math.MaxInt16, math.Round(mps*100))))
}

// ErrNoTraffic is returned when no traffic has the id.
var ErrNoTraffic = errors.New("no such traffic is seen now")

// Tracks copies all traffic in the order of ids as a view shows it: traffic is
// everybody's, the vehicles that saw it are not.
func (t *Traffic) Tracks(view View) []TrafficView {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]TrafficView, 0, len(t.tracks))
	for _, k := range t.tracks {
		out = append(out, t.view(k, view))
	}
	slices.SortFunc(out, func(a, b TrafficView) int { return cmp.Compare(a.Vehicle.ID, b.Vehicle.ID) })
	return out
}

// Track copies one track as a view shows it.
func (t *Traffic) Track(view View, id vehicles.VehicleID) (TrafficView, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.tracks[id]
	if k == nil {
		return TrafficView{}, fmt.Errorf("traffic %s: %w", id, ErrNoTraffic)
	}
	return t.view(k, view), nil
}

func (t *Traffic) view(k *sighted, view View) TrafficView {
	v := TrafficView{Vehicle: k.id, Track: k.track, Sighting: k.now, SeenUS: k.seenUS, Velocity: k.velocity, OffM: t.cfg.PressureOffM}
	for _, r := range k.by {
		if view.Owns(r.Vehicle.Operator) {
			v.By = append(v.By, r)
		}
	}
	if same := t.cfg.Registry.Identity(k.same); same != nil && view.Owns(same.Operator) {
		v.Same = same
	}
	if k.now.Means == vehicles.RemoteID && !view.Whole() {
		v.Sighting.Has &^= vehicles.SeenOperator // where a person stands
	}
	return v
}

// Stats reads the counters.
func (t *Traffic) Stats() TrafficStats {
	t.mu.Lock()
	defer t.mu.Unlock()
	st := t.stats
	st.Unverified, st.Tracks = t.counts[0], t.counts[1]
	return st
}

// Health says why traffic is not shown; empty when all is.
func (t *Traffic) Health() []Reason {
	st := t.Stats()
	if st.Tracks < maxTraffic {
		return nil
	}
	return []Reason{{"traffic_full", fmt.Sprintf(
		"%d aircraft and ships are followed, more are not shown and not separated from. Find the vehicle that reports too many, see /v1/traffic.", st.Tracks)}}
}
