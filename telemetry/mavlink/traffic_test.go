package mavlink

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"
	"github.com/google/go-cmp/cmp"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// sky is a Traffic that keeps everything.
type sky []vehicles.Sighting

func (k *sky) Sighted(s *vehicles.Sighting) { *k = append(*k, *s) }

// wantSighting is the Sighting of a message that gomavlib decoded, written from
// the field names instead of offsets.
func wantSighting(msg message.Message) (s vehicles.Sighting) {
	s.Reporter, s.ReceivedUS = 1, epoch.UnixMicro()
	set := func(is bool, has vehicles.Seen, fill func()) {
		if is {
			s.Has |= has
			fill()
		}
	}
	place := func(lat, lon int32) bool {
		return (lat != 0 || lon != 0) && math.Abs(float64(lat)) <= 9e8 && math.Abs(float64(lon)) <= 18e8
	}
	vector := func(cdeg uint16, cms float64) func() {
		return func() {
			rad := float64(cdeg) / 100 * math.Pi / 180
			s.Velocity.N = int16(math.Round(math.Min(cms, 32767) * math.Cos(rad)))
			s.Velocity.E = int16(math.Round(math.Min(cms, 32767) * math.Sin(rad)))
		}
	}
	switch m := msg.(type) {
	case *ardupilotmega.MessageAdsbVehicle:
		s.Means, s.Number, s.AgeS, s.Category = vehicles.ADSB, m.IcaoAddress&0xffffff, uint16(m.Tslc), uint8(m.EmitterType)
		has := func(f ardupilotmega.ADSB_FLAGS) bool { return m.Flags&f != 0 }
		set(true, vehicles.SeenCategory, func() {})
		set(has(ardupilotmega.ADSB_FLAGS_VALID_COORDS) && place(m.Lat, m.Lon), vehicles.SeenPosition, func() { s.Point = geo.Point{Lat: m.Lat, Lon: m.Lon} })
		height := has(ardupilotmega.ADSB_FLAGS_VALID_ALTITUDE) && m.Altitude != 2147483647
		set(height && m.AltitudeType == ardupilotmega.ADSB_ALTITUDE_TYPE_PRESSURE_QNH, vehicles.SeenPressure, func() { s.PressureMM = m.Altitude })
		set(height && m.AltitudeType == ardupilotmega.ADSB_ALTITUDE_TYPE_GEOMETRIC, vehicles.SeenWGS84, func() { s.HeightMM = m.Altitude })
		course := has(ardupilotmega.ADSB_FLAGS_VALID_HEADING) && m.Heading < 36000
		set(course, vehicles.SeenCourse, func() { s.Course = m.Heading })
		set(course && has(ardupilotmega.ADSB_FLAGS_VALID_VELOCITY) && m.HorVelocity != 65535, vehicles.SeenVelocity, vector(m.Heading, float64(m.HorVelocity)))
		set(has(ardupilotmega.ADSB_FLAGS_VERTICAL_VELOCITY_VALID) && m.VerVelocity != 32767, vehicles.SeenVertical, func() { s.Velocity.D = -max(m.VerVelocity, -32767) })
		set(has(ardupilotmega.ADSB_FLAGS_VALID_CALLSIGN), vehicles.SeenCallsign, func() { copy(s.Callsign[:], m.Callsign) })
		digits := strings.Trim(string([]byte{byte(m.Squawk/1000) + '0', byte(m.Squawk/100%10) + '0', byte(m.Squawk/10%10) + '0', byte(m.Squawk%10) + '0'}), "01234567")
		set(has(ardupilotmega.ADSB_FLAGS_VALID_SQUAWK) && digits == "", vehicles.SeenSquawk, func() { s.Squawk = m.Squawk })
		set(has(ardupilotmega.ADSB_FLAGS_SIMULATED), vehicles.SeenSimulated, func() {})
	case *ardupilotmega.MessageAisVessel:
		s.Means, s.Number, s.AgeS, s.Category = vehicles.AIS, m.Mmsi, m.Tslc, uint8(m.Type)
		if m.Mmsi > 999999999 {
			break
		}
		has := func(f ardupilotmega.AIS_FLAGS) bool { return m.Flags&f != 0 }
		set(true, vehicles.SeenCategory, func() {})
		set(place(m.Lat, m.Lon), vehicles.SeenPosition, func() { s.Point = geo.Point{Lat: m.Lat, Lon: m.Lon} })
		course := has(ardupilotmega.AIS_FLAGS_VALID_COG) && m.Cog < 36000
		set(course, vehicles.SeenCourse, func() { s.Course = m.Cog })
		set(course && has(ardupilotmega.AIS_FLAGS_VALID_VELOCITY) && m.Velocity != 65535, vehicles.SeenVelocity, vector(m.Cog, float64(m.Velocity)))
		set(has(ardupilotmega.AIS_FLAGS_VALID_CALLSIGN), vehicles.SeenCallsign, func() { copy(s.Callsign[:], m.Callsign) })
		set(has(ardupilotmega.AIS_FLAGS_VALID_NAME), vehicles.SeenName, func() { copy(s.Name[:], m.Name) })
	case *ardupilotmega.MessageOpenDroneIdBasicId:
		s.Means, s.Of, s.Category = vehicles.RemoteID, m.IdOrMac, uint8(m.UaType)
		set(true, vehicles.SeenCategory, func() {})
		serial, _, _ := bytes.Cut(m.UasId[:], []byte{0})
		set(m.IdType == ardupilotmega.MAV_ODID_ID_TYPE_SERIAL_NUMBER && len(serial) > 0, vehicles.SeenSerial, func() { copy(s.Serial[:], serial) })
	case *ardupilotmega.MessageOpenDroneIdLocation:
		s.Means, s.Of = vehicles.RemoteID, m.IdOrMac
		set(place(m.Latitude, m.Longitude), vehicles.SeenPosition, func() { s.Point = geo.Point{Lat: m.Latitude, Lon: m.Longitude} })
		known := func(v float32) bool { return v > -1000 && v <= 31767.5 }
		set(known(m.AltitudeBarometric), vehicles.SeenPressure, func() { s.PressureMM = int32(math.Round(float64(m.AltitudeBarometric) * 1000)) })
		set(known(m.AltitudeGeodetic), vehicles.SeenWGS84, func() { s.HeightMM = int32(math.Round(float64(m.AltitudeGeodetic) * 1000)) })
		set(m.Direction < 36000, vehicles.SeenCourse, func() { s.Course = m.Direction })
		set(m.Direction < 36000 && m.SpeedHorizontal <= 25425, vehicles.SeenVelocity, vector(m.Direction, float64(m.SpeedHorizontal)))
		set(m.SpeedVertical >= -6200 && m.SpeedVertical <= 6200, vehicles.SeenVertical, func() { s.Velocity.D = -m.SpeedVertical })
		set(m.Status == ardupilotmega.MAV_ODID_STATUS_GROUND, vehicles.SeenOnGround, func() {})
		set(m.Status == ardupilotmega.MAV_ODID_STATUS_EMERGENCY, vehicles.SeenEmergency, func() {})
		if m.Timestamp >= 0 && m.Timestamp < 3600 {
			of := epoch.Truncate(time.Hour).Add(time.Duration(float64(m.Timestamp) * 1e9))
			if of.After(epoch) {
				of = of.Add(-time.Hour)
			}
			if age := epoch.Sub(of); age <= time.Minute {
				s.AgeS = uint16(age / time.Second)
			}
		}
	case *ardupilotmega.MessageOpenDroneIdSystem:
		s.Means, s.Of = vehicles.RemoteID, m.IdOrMac
		set(place(m.OperatorLatitude, m.OperatorLongitude), vehicles.SeenOperator, func() { s.Operator = geo.Point{Lat: m.OperatorLatitude, Lon: m.OperatorLongitude} })
	}
	return s
}

// Every sighting with random fields, against gomavlib's decoder: both versions
// where the id fits, payloads cut at every length and longer than known.
func TestSightingsAgainstGomavlib(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for id, full := range map[uint32]int{246: 38, 301: 58, 12900: 44, 12901: 59, 12904: 54} {
		rw := testDialect().GetMessage(id)
		useful := 0
		for round := range 3000 {
			p := make([]byte, 255)
			for i := range p {
				p[i] = byte(rng.Uint32())
			}
			plausibleSighting(rng, id, p)
			v1, n := id < 256 && round%3 == 0, full
			if round%3 == 2 {
				n = 1 + rng.IntN(full+8) // cut, exact, or with surplus
			}
			p = p[:n]
			msg, err := rw.Read(&message.MessageRaw{ID: id, Payload: bytes.Clone(p)}, !v1)
			if err != nil {
				t.Fatal(err)
			}
			b, seen := newBench(Limits{}), sky{}
			b.traffic = &seen
			b.send(addrA, (&sender{sys: 1, comp: 1}).frame(copterBeat()))
			// Of a component of its own, as receivers are.
			b.send(addrA, (&sender{v1: v1, sys: 1, comp: 156}).raw(&message.MessageRaw{ID: id, Payload: p}, rw.CRCExtra()))
			balance(t, &b.stats)

			want := wantSighting(msg)
			if want.Has == 0 {
				if len(seen) != 0 || b.stats.Ignored != 1 {
					t.Fatalf("id %d payload %x says nothing: %d sightings, refused %v", id, p, len(seen), b.stats.Refused)
				}
				continue
			}
			useful++
			if len(seen) != 1 || b.stats.Sighted != 1 {
				t.Fatalf("id %d payload %x: %d sightings, refused %v", id, p, len(seen), b.stats.Refused)
			}
			if d := cmp.Diff(want, seen[0]); d != "" {
				t.Fatalf("id %d payload %x (-gomavlib +ours):\n%s", id, p, d)
			}
		}
		if useful < 1000 {
			t.Errorf("id %d: only %d of 3000 payloads said anything", id, useful)
		}
	}
}

// plausibleSighting makes most of the random payloads say something.
func plausibleSighting(rng *rand.Rand, id uint32, p []byte) {
	if rng.IntN(8) == 0 {
		return
	}
	float := func(off int, of, most float32) {
		binary.LittleEndian.PutUint32(p[off:], math.Float32bits(of+rng.Float32()*most))
	}
	at := 0
	switch id {
	case idADSBVehicle:
		at = 4
		p[26] %= 3
		binary.LittleEndian.PutUint16(p[16:], uint16(rng.IntN(37000)))
		binary.LittleEndian.PutUint16(p[24:], uint16(rng.IntN(10000)))
	case idAISVessel:
		at = 4
		binary.LittleEndian.PutUint32(p, rng.Uint32N(1_000_000_100))
		binary.LittleEndian.PutUint16(p[12:], uint16(rng.IntN(37000)))
	case idODIDBasic:
		p[22] %= 3
		return
	case idODIDLocation:
		float(8, -1100, 33_000)
		float(12, -1100, 33_000)
		float(20, 0, 4000)
		binary.LittleEndian.PutUint16(p[24:], uint16(rng.IntN(37000)))
		p[52] %= 5
	}
	binary.LittleEndian.PutUint32(p[at:], uint32(rng.Int32N(1_800_000_001)-900_000_000))
	binary.LittleEndian.PutUint32(p[at+4:], uint32(rng.Int64N(3_600_000_001)-1_800_000_000))
}

// packed writes a location in the 25-byte encoding, from its meaning.
func packed(lat, lon int32, pressureM, heightM float64, cdeg, speedQuarters int, upHalves int8, tenths uint16, status byte) []byte {
	m := make([]byte, odidMessage)
	m[0], m[1] = 0x12, status<<4
	course := cdeg / 100
	if course >= 180 {
		m[1] |= 2
		course -= 180
	}
	m[2] = byte(course)
	if speedQuarters > 255 { // the rest in steps of three quarters
		m[1] |= 1
		m[3] = byte((speedQuarters - 255) / 3)
	} else {
		m[3] = byte(speedQuarters)
	}
	m[4] = byte(upHalves)
	binary.LittleEndian.PutUint32(m[5:], uint32(lat))
	binary.LittleEndian.PutUint32(m[9:], uint32(lon))
	binary.LittleEndian.PutUint16(m[13:], uint16((pressureM+1000)*2))
	binary.LittleEndian.PutUint16(m[15:], uint16((heightM+1000)*2))
	binary.LittleEndian.PutUint16(m[21:], tenths)
	return m
}

func pack(of byte, messages ...[]byte) *ardupilotmega.MessageOpenDroneIdMessagePack {
	p := &ardupilotmega.MessageOpenDroneIdMessagePack{SingleMessageSize: odidMessage, MsgPackSize: uint8(len(messages))}
	p.IdOrMac[0] = of
	copy(p.Messages[:], bytes.Join(messages, nil))
	return p
}

// A message pack says the same as the messages of its own that MAVLink has.
func TestMessagePack(t *testing.T) {
	basic := append([]byte{0x02, 0x12}, make([]byte, 23)...)
	copy(basic[2:], "1596F0123456789ABC")
	system := make([]byte, odidMessage)
	system[0] = 0x42
	binary.LittleEndian.PutUint32(system[2:], 312_000_001)
	binary.LittleEndian.PutUint32(system[6:], 1_214_000_002)

	type location = ardupilotmega.MessageOpenDroneIdLocation
	for _, tc := range []struct {
		name   string
		packed []byte
		own    location
	}{
		{"east", packed(312_304_160, 1_214_737_010, 120, 131.5, 9000, 48, 4, 36_000, 2),
			location{Latitude: 312_304_160, Longitude: 1_214_737_010, AltitudeBarometric: 120, AltitudeGeodetic: 131.5,
				Direction: 9000, SpeedHorizontal: 1200, SpeedVertical: 200, Timestamp: 3600, Status: 2}},
		{"west, fast, down, in distress", packed(-5, 7, -999.5, 0, 27_000, 255+3*100, -10, 0xffff, 3),
			location{Latitude: -5, Longitude: 7, AltitudeBarometric: -999.5, AltitudeGeodetic: 0,
				Direction: 27_000, SpeedHorizontal: 63_75 + 75_00, SpeedVertical: -500, Timestamp: 65535, Status: 3}},
		{"nothing known, on the ground", packed(0, 0, -1000, -1000, 36_100, 255+3*255, 126, 0xffff, 1),
			location{AltitudeBarometric: -1000, AltitudeGeodetic: -1000, Direction: 36_100, SpeedHorizontal: 25_500, SpeedVertical: 6300, Timestamp: 65535, Status: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b, seen := newBench(Limits{}), sky{}
			b.traffic = &seen
			s := &sender{sys: 1, comp: 1}
			tc.own.IdOrMac[0] = 9
			b.send(addrA, s.frame(copterBeat()), s.frame(pack(9, basic, tc.packed, system)), s.frame(&tc.own))
			if len(seen) != 2 {
				t.Fatalf("%d sightings, want 2: %v", len(seen), b.stats.Refused)
			}
			want := seen[1]
			want.Has |= vehicles.SeenSerial | vehicles.SeenOperator | vehicles.SeenCategory
			want.Category, want.Operator = 2, geo.Point{Lat: 312_000_001, Lon: 1_214_000_002}
			copy(want.Serial[:], "1596F0123456789ABC")
			if d := cmp.Diff(want, seen[0]); d != "" {
				t.Errorf("pack (-messages +pack):\n%s", d)
			}
		})
	}
	for _, bad := range []struct{ size, n uint8 }{{24, 1}, {25, 0}, {25, 10}, {0, 0}} {
		b, seen := newBench(Limits{}), sky{}
		b.traffic = &seen
		s := &sender{sys: 1, comp: 1}
		p := pack(9, basic)
		p.SingleMessageSize, p.MsgPackSize = bad.size, bad.n
		b.send(addrA, s.frame(copterBeat()), s.frame(p))
		if len(seen) != 0 || b.stats.Refused[Length] != 1 {
			t.Errorf("pack of %d messages of %d bytes: %d sightings, refused %v", bad.n, bad.size, len(seen), b.stats.Refused)
		}
	}
}

// The vector of the reference: an own serial number, of the radio's component.
func TestOwnRemoteID(t *testing.T) {
	b, seen := newBench(Limits{}), sky{}
	b.traffic = &seen
	b.send(addrA, (&sender{sys: 1, comp: 1}).frame(copterBeat()),
		unhex("fd2a00000501ec6432000000000000000000000000000000000000000000000001023135393646303132333435363738394142436e3c"))
	if len(seen) != 1 || !seen[0].Own() || seen[0].Serial.String() != "1596F0123456789ABC" || seen[0].Reporter != 1 {
		t.Errorf("%+v, refused %v", seen, b.stats.Refused)
	}
}

// Sightings of one reporter are bounded, and those of a source without a session
// are nobody's.
func TestSightingLimits(t *testing.T) {
	b, seen := newBench(Limits{PerSource: -1}), sky{}
	b.traffic = &seen
	adsb := func(sys uint8) []byte {
		return (&sender{sys: sys, comp: 156}).frame(&ardupilotmega.MessageAdsbVehicle{IcaoAddress: 1, Lat: 1, Lon: 1, Flags: 1})
	}
	b.send(addrA, adsb(1))
	if len(seen) != 0 || b.stats.Refused[NoSession] != 1 {
		t.Fatalf("%d sightings without a session, refused %v", len(seen), b.stats.Refused)
	}
	b.send(addrA, (&sender{sys: 1, comp: 1}).frame(copterBeat()))
	for range 2 * sightingsBurst {
		b.send(addrA, adsb(1))
	}
	if len(seen) != sightingsBurst {
		t.Errorf("%d at once, want %d", len(seen), sightingsBurst)
	}
	b.advance(time.Second / 2)
	for range sightingsBurst {
		b.send(addrA, adsb(1))
	}
	if n := len(seen) - sightingsBurst; n < sightings/2 || n > sightings/2+1 {
		t.Errorf("%d more after half a second, want %d", n, sightings/2)
	}
	balance(t, &b.stats)
	if b.stats.Lost != 0 {
		t.Errorf("%d counted as lost of the autopilot", b.stats.Lost)
	}
}

// countTraffic takes sightings and keeps nothing.
type countTraffic int

func (c *countTraffic) Sighted(*vehicles.Sighting) { *c++ }

func TestSightingDoesNotAllocate(t *testing.T) {
	b, n := newBench(Limits{PerSource: -1}), countTraffic(0)
	b.sink, b.traffic = discard{}, &n
	s := &sender{sys: 1, comp: 1}
	b.send(addrA, s.frame(copterBeat()))
	datagrams := [][]byte{
		s.frame(&ardupilotmega.MessageAdsbVehicle{IcaoAddress: 1, Lat: 1, Lon: 1, Flags: 0xffff, Callsign: "CES5401"}),
		s.frame(&ardupilotmega.MessageAisVessel{Mmsi: 412_000_000, Lat: 1, Lon: 1, Flags: 0xffff}),
		s.frame(pack(9, packed(1, 1, 1, 1, 1, 1, 1, 1, 1))),
		s.frame(&ardupilotmega.MessageOpenDroneIdLocation{Latitude: 1}),
	}
	got := testing.AllocsPerRun(100, func() {
		b.advance(100 * time.Millisecond)
		for _, d := range datagrams {
			b.datagram(addrA, d)
		}
		b.flush()
	})
	if got != 0 || n < 400 {
		t.Errorf("%v allocations per run and %d sightings, want 0 and 400", got, n)
	}
}

// With several receivers the worst counts.
func TestJammingOfSeveralReceivers(t *testing.T) {
	var s session
	for _, tc := range []struct {
		id, jamming, spoofing byte
		want                  [2]vehicles.Interference
	}{
		{0, 1, 1, [2]vehicles.Interference{vehicles.InterferenceOK, vehicles.InterferenceOK}},
		{1, 3, 2, [2]vehicles.Interference{vehicles.InterferenceCritical, vehicles.InterferenceWarning}},
		{0, 1, 1, [2]vehicles.Interference{vehicles.InterferenceCritical, vehicles.InterferenceWarning}},
		{1, 1, 1, [2]vehicles.Interference{vehicles.InterferenceOK, vehicles.InterferenceOK}},
	} {
		p := make([]byte, hotBytes)
		p[8], p[10], p[11] = tc.id, tc.jamming, tc.spoofing
		var r vehicles.Report
		decodeHot(idGNSSIntegrity, p, &s, &r)
		if r.Has != vehicles.HasSignal || r.Jamming != tc.want[0] || r.Spoofing != tc.want[1] {
			t.Errorf("receiver %d says %d, %d: jamming %v, spoofing %v, want %v", tc.id, tc.jamming, tc.spoofing, r.Jamming, r.Spoofing, tc.want)
		}
	}
}

// FuzzSighting: any payload of any of the messages: no panic, and what is said is
// in the range that the field has.
func FuzzSighting(f *testing.F) {
	for i := range 6 {
		f.Add(byte(i), bytes.Repeat([]byte{byte(i * 50)}, 255))
		f.Add(byte(i), bytes.Repeat([]byte{255, 25, 9, 16}, 60))
	}
	ids := []uint32{idADSBVehicle, idAISVessel, idODIDBasic, idODIDLocation, idODIDSystem, idODIDPack}
	f.Fuzz(func(t *testing.T, which byte, payload []byte) {
		p := make([]byte, 255)
		copy(p, payload)
		s := vehicles.Sighting{ReceivedUS: epoch.UnixMicro()}
		if decodeSighting(ids[int(which)%len(ids)], p, &s) != accepted {
			return
		}
		switch {
		case s.Has&vehicles.SeenPosition != 0 && (!s.Point.Valid() || s.Point == geo.Point{}):
			t.Errorf("position %v", s.Point)
		case s.Has&vehicles.SeenCourse != 0 && s.Course >= 36000:
			t.Errorf("course %d", s.Course)
		case s.Has&vehicles.SeenOperator != 0 && !s.Operator.Valid():
			t.Errorf("operator at %v", s.Operator)
		case s.Has&vehicles.SeenSquawk != 0 && s.Squawk > 7777:
			t.Errorf("squawk %d", s.Squawk)
		case s.Has&vehicles.SeenVertical != 0 && s.Velocity.D == math.MinInt16:
			t.Error("a vertical speed that has no opposite")
		}
		for _, text := range []vehicles.Text{s.Callsign, s.Name, s.Serial} {
			for _, r := range text.String() {
				if r < 0x20 || r > 0x7e {
					t.Errorf("%q is shown to people", text.String())
				}
			}
		}
		for _, r := range string(s.ID(s.Serial)) {
			if plain := r == '-' || r == '.' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'; !plain {
				t.Errorf("id %q needs quoting", s.ID(s.Serial))
			}
		}
	})
}

// A sighting of the autopilot's own is no gap in its frames.
func TestSightingIsNoGap(t *testing.T) {
	b, seen := newBench(Limits{}), sky{}
	b.traffic = &seen
	s := &sender{sys: 1, comp: 1}
	b.send(addrA, s.frame(copterBeat()), s.frame(&ardupilotmega.MessageAdsbVehicle{IcaoAddress: 1, Lat: 1, Lon: 1, Flags: 1}), s.frame(copterBeat()))
	if len(seen) != 1 || b.stats.Lost != 0 {
		t.Errorf("%d sightings, %d frames lost", len(seen), b.stats.Lost)
	}
}
