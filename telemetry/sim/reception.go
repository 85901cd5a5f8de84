package sim

import (
	"math"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/development"
	"github.com/bluenviron/gomavlib/v3/pkg/message"
)

// Message ids of what a vehicle says of its position, see Config.Integrity.
const (
	idEstimator = 193 // EKF_STATUS_REPORT
	idIntegrity = 441 // GNSS_INTEGRITY
)

// reception is what the receiver of a vehicle and its estimator make of the signals.
type reception struct {
	fix, satellites   uint8
	eph, epv          uint16  // dilution times 100
	accM              float64 // horizontal, as stated; 0: not stated
	flags             uint16  // of the estimator
	jamming, spoofing uint8   // as GNSS_INTEGRITY has it: 1 none, 2 copes, 3 does not
	off               vec     // of the position, metres
}

// Flags of EKF_STATUS_REPORT.
const (
	flagsHealthy  = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x100 | 0x200
	flagHorizAbs  = 0x10
	flagVelHoriz  = 0x2
	flagConstPos  = 0x80
	flagGPSGlitch = 0x8000
	noDilution    = math.MaxUint16
)

// How jamming and spoofing go.
const (
	jamSpreadS  = 3.0 // from the first receiver that notices to the last
	reacquireS  = 8.0 // after it, until the last has a fix again
	spoofMS     = 4.0 // how fast a believed signal carries the position off
	spoofJumpM  = 400.0
	glitchFlagS = 1.0
	canyonSlotS = 6.0 // how long one reflection lasts
)

// salts of chance.
const (
	saltJam = iota + 10
	saltBack
	saltJump
	saltCanyon
	saltCourse
)

// receives is what a vehicle's receiver makes of its place at t. All of it follows
// from the seed, the events and t.
func (m *member) receives(t float64) reception {
	r := reception{fix: 3, satellites: 14 + uint8(m.index%5), eph: 80, epv: 120, accM: 0.9, flags: flagsHealthy, jamming: 1, spoofing: 1}
	if m.events.Load() == nil {
		return r
	}
	if m.is(Canyon, t) {
		r.reflect(m, t)
	}
	if e, u := m.under(Glitches, t, 0); e != nil {
		r.off = r.off.add(m.way(saltCourse, uint64(e.At)).scale(e.JumpM))
		if u < glitchFlagS {
			r.flags |= flagGPSGlitch
		}
	}
	if e, u := m.under(Spoofed, t, 0); e != nil {
		r.spoof(m, u-m.notices())
	}
	if e, u := m.under(Jammed, t, m.reacquires()); e != nil {
		r.jam(m, u-m.notices(), t >= e.end())
	}
	if m.is(FixLost, t) {
		r.lose(0)
	}
	if m.is(EstimatorFails, t) {
		r.flags |= flagConstPos
	}
	return r
}

// notices is how long a receiver takes to suffer, and reacquires to be well again.
func (m *member) notices() float64 { return jamSpreadS * chance(uint64(m.index), 0, saltJam) }
func (m *member) reacquires() float64 {
	return reacquireS * (0.3 + 0.7*chance(uint64(m.index), 0, saltBack))
}

// way is a direction of the vehicle's own.
func (m *member) way(salt, n uint64) vec {
	sin, cos := math.Sincos(2 * math.Pi * chance(uint64(m.index), n, salt))
	return vec{sin, cos, 0}
}

// lose leaves the receiver with some satellites and no fix.
func (r *reception) lose(satellites uint8) {
	r.fix, r.satellites, r.eph, r.epv, r.accM = 1, satellites, noDilution, noDilution, 0
	r.flags = r.flags&^(flagHorizAbs|flagVelHoriz) | flagConstPos
}

// jam is u seconds of jamming: the noise rises, satellites go, the position jumps
// about for a second or two at every second receiver, and then there is none. Half
// of the receivers can tell.
func (r *reception) jam(m *member, u float64, over bool) {
	tells := m.index%2 == 0
	switch {
	case u < 0:
	case over: // the signals are there again, it looks for them
		r.lose(3)
	case u < 1.5:
		r.satellites, r.eph, r.accM = 7, 230, 6
		if tells {
			r.jamming = 2
		}
	case u < 3:
		r.fix, r.satellites, r.eph, r.epv, r.accM = 2, 4, 900, 1200, 45
		r.flags |= flagGPSGlitch
		if chance(uint64(m.index), 0, saltJump) < 0.5 {
			r.off = r.off.add(m.way(saltJump, uint64(u*2)).scale(60 + 120*chance(uint64(m.index), uint64(u*2), saltJump)))
		}
		if tells {
			r.jamming = 3
		}
	default:
		r.lose(0)
		r.off = r.off.add(m.way(saltJump, 0).scale(0.4 * (u - 3))) // of dead reckoning
		if tells {
			r.jamming = 3
		}
	}
}

// spoof is u seconds of a signal that is stronger than the true one. All receivers are
// carried to the same side; a third of them tell.
func (r *reception) spoof(m *member, u float64) {
	if u < 0 {
		return
	}
	r.off = r.off.add(vec{spoofJumpM, spoofMS * u, 0})
	if m.index%3 == 0 {
		r.spoofing = 3
	}
}

// reflect is the position between walls: it jumps to and fro with the reflections that
// the receiver hears, which last some seconds each.
func (r *reception) reflect(m *member, t float64) {
	slot := uint64(t/canyonSlotS) + 1
	bad := chance(uint64(m.index), slot, saltCanyon)
	how := func(n uint64) float64 { return chance(uint64(m.index), slot, saltCanyon+100*n) }
	r.satellites = 5 + uint8(5*how(1))
	r.eph, r.epv = uint16(130+250*bad), uint16(200+300*bad)
	r.accM = 2 + 6*bad
	var offM float64
	switch {
	case bad < 0.7:
		offM = 1 + 4*how(2)
	case bad < 0.99:
		offM = 5 + 15*how(2)
	default:
		offM = 20 + 30*how(2)
		r.fix = 2
	}
	r.off = r.off.add(m.way(saltCanyon, slot).scale(offM))
}

// estimator is what the estimator says of itself.
func (r *reception) estimator() message.Message {
	return &ardupilotmega.MessageEkfStatusReport{Flags: ardupilotmega.EKF_STATUS_FLAGS(r.flags), VelocityVariance: 0.1, PosHorizVariance: 0.1, PosVertVariance: 0.1}
}

// integrity is what the receiver says of its signals; nil: it cannot tell.
func (r *reception) integrity(m *member) message.Message {
	if m.index%2 != 0 && m.index%3 != 0 {
		return nil
	}
	return &development.MessageGnssIntegrity{
		JammingState: development.GPS_JAMMING_STATE(r.jamming), SpoofingState: development.GPS_SPOOFING_STATE(r.spoofing),
		CorrectionsQuality: math.MaxUint8, SystemStatusSummary: math.MaxUint8, GnssSignalQuality: math.MaxUint8, PostProcessingQuality: math.MaxUint8,
	}
}

// metres is an accuracy as GPS_RAW_INT has it: millimetres, 0 for unknown.
func metres(m float64) uint32 { return uint32(math.Round(m * 1000)) }
