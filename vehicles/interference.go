package vehicles

// Interference is what a receiver says of jamming or spoofing of its signals.
type Interference uint8

// What receivers say.
const (
	InterferenceUnknown  Interference = iota
	InterferenceOK                    // none is detected
	InterferenceWarning               // detected, and the receiver copes with it
	InterferenceCritical              // detected
)

var interferenceNames = [...]string{"unknown", "ok", "warning", "critical"}

func (i Interference) String() string { return interferenceNames[i] }

// Signal is the jamming and the spoofing that the receiver says there is at a
// time; unknown when it did not say within five seconds.
func (t *Track) Signal(nowUS int64) (jamming, spoofing Interference) {
	if t.Seen&HasSignal == 0 || nowUS-t.SignalUS > qualityAgeUS {
		return InterferenceUnknown, InterferenceUnknown
	}
	return t.Jamming, t.Spoofing
}

// Interfered reports whether the receiver says that it does not cope: then its
// positions are no good evidence.
func (t *Track) Interfered(nowUS int64) bool {
	jamming, spoofing := t.Signal(nowUS)
	return max(jamming, spoofing) == InterferenceCritical
}

// Signs are what interference with satellite navigation makes of a vehicle. Each
// has other causes too; several vehicles of one place at once have one.
type Signs uint8

// The signs.
const (
	SignJump      Signs = 1 << iota // the position jumped, and does not move plausibly yet
	SignEstimator                   // the estimator of an armed vehicle is faulty
	SignNoFix                       // the receiver of an armed vehicle has lost its fix
	SignJammed                      // the receiver says that it is jammed
	SignSpoofed                     // the receiver says that it is spoofed
)

var signNames = [...]string{"jump", "estimator", "no_fix", "jamming", "spoofing"}

// Names lists the signs.
func (s Signs) Names() []string {
	out := []string{}
	for i, name := range signNames {
		if s&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

// Signs are those that the vehicle itself shows at a time; a jump is not seen here.
// What stands disarmed has no fix in many a hall, and its estimator is not ready.
// Does not allocate.
func (t *Track) Signs(nowUS int64) (s Signs) {
	if t.Armed && t.Estimator == EstimatorFaulty && nowUS-t.EstimatorUS <= qualityAgeUS {
		s |= SignEstimator
	}
	if t.Armed && t.QualityUS != 0 && t.HasFix() && t.FixType < 2 && nowUS-t.QualityUS <= qualityAgeUS {
		s |= SignNoFix
	}
	jamming, spoofing := t.Signal(nowUS)
	if jamming >= InterferenceWarning {
		s |= SignJammed
	}
	if spoofing >= InterferenceWarning {
		s |= SignSpoofed
	}
	return s
}
