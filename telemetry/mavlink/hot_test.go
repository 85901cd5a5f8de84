package mavlink

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/development"
	"github.com/bluenviron/gomavlib/v3/pkg/message"
	"github.com/google/go-cmp/cmp"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// want is the Report of a message that gomavlib decoded: the same meaning,
// written from the field names instead of offsets. fix is the GPS fix before.
func want(msg message.Message, fix uint8) (r vehicles.Report, noPosition bool, why Reason) {
	why = accepted
	r.Handle, r.ReceivedUS = 1, epoch.UnixMicro()
	switch m := msg.(type) {
	case *ardupilotmega.MessageHeartbeat:
		r.Has, r.Mode, r.Armed = vehicles.HasHeartbeat, m.CustomMode, m.BaseMode&128 != 0
		switch m.SystemStatus {
		case 3:
			r.Status = vehicles.Standby
		case 4:
			r.Status = vehicles.Active
		case 5:
			r.Status = vehicles.Critical
		case 6:
			r.Status = vehicles.Emergency
		case 8:
			r.Status = vehicles.Terminated
		}
		if _, ok := classOf(uint8(m.Type), uint8(m.Autopilot)); !ok {
			why = NotVehicle
		}
	case *ardupilotmega.MessageSysStatus:
		if m.BatteryRemaining >= 0 || m.VoltageBattery != 65535 && m.VoltageBattery != 0 {
			r.Has, r.Battery = vehicles.HasBattery, vehicles.BatteryUnknown
			if m.VoltageBattery != 65535 {
				r.VoltageMV = m.VoltageBattery
			}
			if m.BatteryRemaining >= 0 {
				r.Battery = uint8(min(m.BatteryRemaining, 100))
			}
		}
	case *ardupilotmega.MessageGpsRawInt:
		r.Has, r.FixType, r.Satellites = vehicles.HasQuality, uint8(m.FixType), m.SatellitesVisible
		r.HDOP, r.HAccMM, r.VAccMM = m.Eph, m.HAcc, m.VAcc
	case *ardupilotmega.MessageEkfStatusReport:
		r.Has, r.Estimator = vehicles.HasEstimator, vehicles.EstimatorHealthy
		needs := ardupilotmega.EKF_ATTITUDE | ardupilotmega.EKF_VELOCITY_HORIZ | ardupilotmega.EKF_POS_HORIZ_ABS
		faults := ardupilotmega.EKF_CONST_POS_MODE | ardupilotmega.EKF_UNINITIALIZED | ardupilotmega.EKF_GPS_GLITCHING | 0x800
		if m.Flags&needs != needs || m.Flags&faults != 0 {
			r.Estimator = vehicles.EstimatorFaulty
		}
	case *ardupilotmega.MessageEstimatorStatus:
		r.Has, r.Estimator = vehicles.HasEstimator, vehicles.EstimatorHealthy
		needs := ardupilotmega.ESTIMATOR_ATTITUDE | ardupilotmega.ESTIMATOR_VELOCITY_HORIZ | ardupilotmega.ESTIMATOR_POS_HORIZ_ABS
		faults := ardupilotmega.ESTIMATOR_CONST_POS_MODE | ardupilotmega.ESTIMATOR_GPS_GLITCH | ardupilotmega.ESTIMATOR_ACCEL_ERROR | 0x8000
		if m.Flags&needs != needs || m.Flags&faults != 0 {
			r.Estimator = vehicles.EstimatorFaulty
		}
	case *ardupilotmega.MessageAttitude:
		r.BootMS = m.TimeBootMs
		for _, f := range []float32{m.Roll, m.Pitch, m.Yaw, m.Rollspeed, m.Pitchspeed, m.Yawspeed} {
			if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
				why = BadFloat
			}
		}
		r.Has, r.Roll, r.Pitch, r.Yaw = vehicles.HasAttitude, m.Roll, m.Pitch, m.Yaw
	case *ardupilotmega.MessageGlobalPositionInt:
		r.BootMS = m.TimeBootMs
		if m.Lat == 0 && m.Lon == 0 || math.Abs(float64(m.Lat)) > 9e8 || math.Abs(float64(m.Lon)) > 18e8 || fix < 2 {
			noPosition = true
			break
		}
		r.Has = vehicles.HasPosition
		r.Fix.Point = geo.Point{Lat: m.Lat, Lon: m.Lon}
		r.Fix.Heights.Set(geo.AMSL, m.Alt)
		r.Fix.Heights.Set(geo.Takeoff, m.RelativeAlt)
		r.Velocity = vehicles.Velocity{N: m.Vx, E: m.Vy, D: m.Vz}
		r.Heading = m.Hdg
		if m.Hdg > 35999 {
			r.Heading = vehicles.HeadingUnknown
		}
	case *ardupilotmega.MessageBatteryStatus:
		if m.Id != 0 {
			break
		}
		sum := 0
		for _, v := range m.Voltages {
			if v != 65535 {
				sum += int(v)
			}
		}
		for _, v := range m.VoltagesExt {
			sum += int(v)
		}
		if sum >= 65535 {
			sum = 0
		}
		if m.BatteryRemaining >= 0 || sum != 0 {
			r.Has, r.Battery, r.VoltageMV = vehicles.HasBattery, vehicles.BatteryUnknown, uint16(sum)
			if m.BatteryRemaining >= 0 {
				r.Battery = uint8(min(m.BatteryRemaining, 100))
			}
		}
	case *ardupilotmega.MessageFenceStatus:
		r.Has, r.Breached = vehicles.HasFenceFlag, m.BreachStatus != 0
	case *development.MessageGnssIntegrity:
		r.Has = vehicles.HasSignal
		if m.JammingState <= 3 && m.SpoofingState <= 3 {
			r.Jamming, r.Spoofing = vehicles.Interference(m.JammingState), vehicles.Interference(m.SpoofingState)
		}
	case *ardupilotmega.MessageExtendedSysState:
		r.Has = vehicles.HasLanded
		if m.LandedState <= 4 {
			r.Landed = vehicles.Landed(m.LandedState)
		}
	}
	return r, noPosition, why
}

// Every hot message with random fields, against gomavlib's decoder: both
// versions, payloads cut at every length and longer than known.
func TestHotAgainstGomavlib(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for id, full := range map[uint32]int{0: 9, 1: 43, 24: 52, 30: 28, 33: 28, 147: 54, 162: 9, 193: 26, 230: 42, 245: 2, 441: 17} {
		rw := testCatalog().lookup(id).rw
		base := int(testCatalog().lookup(id).base)
		counts := map[Reason]int{}
		for round := range 3000 {
			p := make([]byte, 255)
			for i := range p {
				p[i] = byte(rng.Uint32())
			}
			plausible(rng, id, p)
			v1 := round%3 == 0 && id < 256
			n := base
			if !v1 {
				n = 1 + rng.IntN(full+8) // cut, exact, or with surplus
				if round%3 == 1 {
					n = full
				}
			}
			p = p[:n]
			msg, err := rw.Read(&message.MessageRaw{ID: id, Payload: bytes.Clone(p)}, !v1)
			if err != nil {
				t.Fatal(err)
			}
			b := newBench(Limits{})
			s := &sender{v1: v1, sys: 1, comp: 1}
			b.send(addrA, s.frame(copterBeat()))
			b.rec.reports = nil
			b.send(addrA, s.raw(&message.MessageRaw{ID: id, Payload: p}, rw.CRCExtra()))

			r, noPosition, why := want(msg, fixUnseen)
			counts[why]++
			if id == idHeartbeat && why == accepted && len(b.rec.sources) == 2 {
				r.Handle = 2 // a heartbeat of another class is another track
			}
			if id == idGNSSIntegrity && rw.CRCExtra() != 169 {
				t.Fatalf("CRC_EXTRA of GNSS_INTEGRITY is %d, want 169 as in its definition", rw.CRCExtra())
			}
			if why != accepted {
				if len(b.rec.reports) != 0 || b.stats.Refused[why] != 1 {
					t.Fatalf("id %d payload %x: want refused as %v, got %v", id, p, why, b.stats.Refused)
				}
				continue
			}
			if len(b.rec.reports) != 1 {
				t.Fatalf("id %d payload %x: %d reports, refused %v", id, p, len(b.rec.reports), b.stats.Refused)
			}
			if d := cmp.Diff(r, b.rec.reports[0], cmp.AllowUnexported(geo.Heights{})); d != "" {
				t.Fatalf("id %d payload %x (-gomavlib +ours):\n%s", id, p, d)
			}
			if got := b.stats.NoPosition == 1; got != noPosition {
				t.Fatalf("id %d payload %x: no position %v, want %v", id, p, got, noPosition)
			}
		}
		if counts[accepted] < 1000 {
			t.Errorf("id %d: only %d of 3000 payloads were plausible", id, counts[accepted])
		}
	}
}

// plausible makes some of the random payloads pass the checks.
func plausible(rng *rand.Rand, id uint32, p []byte) {
	if rng.IntN(8) == 0 {
		return
	}
	switch id {
	case idHeartbeat:
		p[4], p[5], p[7] = byte(rng.IntN(5)), byte(rng.IntN(4)), byte(rng.IntN(10))
	case idGlobalPositionInt:
		binary.LittleEndian.PutUint32(p[4:], uint32(rng.Int32N(1_800_000_001)-900_000_000))
		binary.LittleEndian.PutUint32(p[8:], uint32(rng.Int64N(3_600_000_001)-1_800_000_000))
	case idEKFStatusReport: // half of them healthy
		p[20], p[21] = p[20]|0x13, p[21]&0x73
		p[20] &^= byte(rng.IntN(2)) << 7
	case idEstimatorStatus:
		p[40], p[41] = p[40]|0x13, p[41]&0x73
		p[40] &^= byte(rng.IntN(2)) << 7
	case idAttitude:
		for off := 4; off < 28; off += 4 {
			binary.LittleEndian.PutUint32(p[off:], math.Float32bits(rng.Float32()*6-3))
		}
	case idGNSSIntegrity:
		p[10], p[11] = byte(rng.IntN(5)), byte(rng.IntN(5))
	case idBatteryStatus:
		p[32] = byte(rng.IntN(2))
		for off := 10; off < 30; off += 2 {
			if binary.LittleEndian.PutUint16(p[off:], uint16(rng.IntN(4200))); rng.IntN(2) == 0 {
				p[off], p[off+1] = 255, 255
			}
		}
		clear(p[41:49])
	}
}

// The bytes of known frames, produced by an independent encoder.
var vectors = []struct {
	name, hex      string
	id             uint32
	sys, comp, seq uint8
}{
	{"heartbeat v2", "fd0900000001010000000400000002035104037bae", 0, 1, 1, 0},
	{"heartbeat v1", "fe0900010100040000000203510403e16d", 0, 1, 1, 0},
	{"heartbeat v2 signed 1", "fd0901000001010000000400000002035104039c56 03 018059f50021 4cbbd458f162", 0, 1, 1, 0},
	{"heartbeat v2 signed 2", "fd0901000101010000000400000002035104038cd8 03 028059f50021 cb4fc4193bbd", 0, 1, 1, 1},
	{"position", "fd1c000001010121000040e2010020629d12726a674850c30000c8af0000640038ff05002823329a", 33, 1, 1, 1},
	{"position signed", "fd1c010001010121000040e2010020629d12726a674850c30000c8af0000640038ff05002823 6d20 03 008059f50021 a14c79900a3e", 33, 1, 1, 1},
	{"attitude", "fd1000000201011e000040e201000000003f0000803e0000a0bfde08", 30, 1, 1, 2},
	{"system status", "fd1f0000030101010000000010000000100000001000fa00603bce040000000000000000000000004c46d3", 1, 1, 1, 3},
	{"fence status", "fd080000040101a20000c0d40100020001035ea8", 162, 1, 1, 4},
	{"basic id", "fd2a00000501ec6432000000000000000000000000000000000000000000000001023135393646303132333435363738394142436e3c", 12900, 1, 236, 5},
	{"mission item", "fd26000006fabe4900000000804000000000000000000000000020629d12726a67480000000000008913010105000101bc14", 73, 250, 190, 6},
	{"command long", "fd20000007fabe4c00000000803f0000c0400000000000000000000000000000000000000000b00001010b4d", 76, 250, 190, 7},
	{"command ack", "fd0a000008fabe4d0000b90b003c00000000010121f9", 77, 250, 190, 8},
}

func TestVectors(t *testing.T) {
	for _, tc := range vectors {
		t.Run(tc.name, func(t *testing.T) {
			raw := unhex(tc.hex)
			got, rest, ok := NextFrame(append([]byte("noise"), raw...))
			if !ok || len(rest) != 0 || !bytes.Equal(got, raw) {
				t.Fatalf("NextFrame: %x, rest %x, %v", got, rest, ok)
			}
			var f frame
			def, why := testCatalog().check(raw, &f)
			if why != accepted || def == nil {
				t.Fatalf("refused: %v", why)
			}
			if f.id != tc.id || f.sys != tc.sys || f.comp != tc.comp || f.seq != tc.seq {
				t.Errorf("%+v", f)
			}
			if v := new(verifier); f.signed && (!v.right(&keyA, raw) || v.right(&keyB, raw)) {
				t.Error("the signature is not found right, or right for every key")
			}
			for i := 1; i < len(raw)-signature*int(raw[2]&1); i++ {
				bad := bytes.Clone(raw)
				bad[i] ^= 0x10
				if n, ok := frameLen(bad); ok && n <= len(bad) {
					if _, why := testCatalog().check(bad[:n], &frame{}); why == accepted {
						t.Errorf("byte %d changed and still accepted", i)
					}
				}
			}
		})
	}
}

// The values in the frames above.
func TestVectorValues(t *testing.T) {
	beat := unhex("fd0900000001010000000400000002035104037bae")
	base := vehicles.Report{Handle: 1, ReceivedUS: epoch.UnixMicro()}
	pos := base
	pos.Has, pos.BootMS, pos.Heading = vehicles.HasPosition, 123456, 9000
	pos.Fix.Point = geo.Point{Lat: 312304160, Lon: 1214737010}
	pos.Fix.Heights.Set(geo.AMSL, 50_000)
	pos.Fix.Heights.Set(geo.Takeoff, 45_000)
	pos.Velocity = vehicles.Velocity{N: 100, E: -200, D: 5}
	hb := base
	hb.Has, hb.Mode, hb.Status = vehicles.HasHeartbeat, 4, vehicles.Active
	att := base
	att.Has, att.BootMS, att.Roll, att.Pitch, att.Yaw = vehicles.HasAttitude, 123456, 0.5, 0.25, -1.25
	sys := base
	sys.Has, sys.Battery, sys.VoltageMV = vehicles.HasBattery, 76, 15200
	fence := base
	fence.Has, fence.Breached = vehicles.HasFenceFlag, true
	for _, tc := range []struct {
		name, hex string
		want      vehicles.Report
	}{
		{"heartbeat v1", "fe0900010100040000000203510403e16d", hb},
		{"heartbeat signed", "fd0901000101010000000400000002035104038cd8 03 028059f50021 cb4fc4193bbd", hb},
		{"position", "fd1c000001010121000040e2010020629d12726a674850c30000c8af0000640038ff05002823329a", pos},
		{"position signed", "fd1c010001010121000040e2010020629d12726a674850c30000c8af0000640038ff05002823 6d20 03 008059f50021 a14c79900a3e", pos},
		{"attitude cut to 16 bytes", "fd1000000201011e000040e201000000003f0000803e0000a0bfde08", att},
		{"system status", "fd1f0000030101010000000010000000100000001000fa00603bce040000000000000000000000004c46d3", sys},
		{"fence status", "fd080000040101a20000c0d40100020001035ea8", fence},
	} {
		b := newBench(Limits{})
		b.send(addrA, beat)
		b.rec.reports = nil
		b.send(addrA, unhex(tc.hex))
		if d := cmp.Diff([]vehicles.Report{tc.want}, b.rec.reports, cmp.AllowUnexported(geo.Heights{})); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, d)
		}
	}
}

func TestChecksum(t *testing.T) {
	// The check value of CRC-16/MCRF4XX is over "123456789".
	if got := testCatalog().checksum([]byte("12345678"), '9'); got != 0x6f91 {
		t.Errorf("checksum %#04x, want 0x6f91", got)
	}
}

// Lengths and CRC_EXTRA of the messages that matter, from the message
// definitions: a changed dialect must not pass unseen.
func TestCatalog(t *testing.T) {
	for _, tc := range []struct {
		id          uint32
		base, extra uint8
	}{
		{0, 9, 50}, {1, 31, 124}, {24, 30, 24}, {30, 28, 39}, {33, 28, 104}, {77, 3, 143}, {147, 36, 154},
		{148, 60, 178}, {162, 8, 189}, {242, 52, 104}, {245, 2, 130}, {253, 51, 83}, {12900, 44, 114}, {12915, 249, 94},
	} {
		d := testCatalog().lookup(tc.id)
		if d == nil || d.base != tc.base || d.extra != tc.extra {
			t.Errorf("id %d: %+v, want base %d extra %d", tc.id, d, tc.base, tc.extra)
		}
	}
	for _, id := range []uint32{9999, 511, 1<<24 - 1} {
		if testCatalog().lookup(id) != nil {
			t.Errorf("id %d is in the dialect", id)
		}
	}
}

// A message that knows nothing of the battery must not wipe out what another
// one said.
func TestBatteryPrecedence(t *testing.T) {
	b := newBench(Limits{})
	s := &sender{sys: 1, comp: 1}
	sys := func(percent int8, mv uint16) []byte {
		return s.frame(&ardupilotmega.MessageSysStatus{BatteryRemaining: percent, VoltageBattery: mv})
	}
	pack := func(id uint8, percent int8, cell uint16) []byte {
		m := &ardupilotmega.MessageBatteryStatus{Id: id, BatteryRemaining: percent}
		for i := range m.Voltages {
			m.Voltages[i] = 65535
		}
		m.Voltages[0] = cell
		return s.frame(m)
	}
	b.send(addrA, s.frame(copterBeat()))
	for _, tc := range []struct {
		name    string
		in      []byte
		has     bool
		percent uint8
		mv      uint16
	}{
		{"nothing known", sys(-1, 65535), false, 0, 0},
		{"voltage only", sys(-1, 12000), true, vehicles.BatteryUnknown, 12000},
		{"both", sys(76, 15200), true, 76, 15200},
		{"more than full", sys(120, 15200), true, 100, 15200},
		{"second battery", pack(1, 20, 11000), false, 0, 0},
		{"pack without charge", pack(0, -1, 15100), true, vehicles.BatteryUnknown, 15100},
		{"system status still counts", sys(75, 15100), true, 75, 15100},
		{"pack with charge", pack(0, 74, 15000), true, 74, 15000},
		{"system status does not any more", sys(10, 9000), false, 0, 0},
	} {
		b.rec.reports = nil
		b.send(addrA, tc.in)
		r := b.rec.reports[0]
		if got := r.Has == vehicles.HasBattery; got != tc.has || r.Battery != tc.percent || r.VoltageMV != tc.mv {
			t.Errorf("%s: %v %d %% %d mV, want %v %d %% %d mV", tc.name, got, r.Battery, r.VoltageMV, tc.has, tc.percent, tc.mv)
		}
	}
}
