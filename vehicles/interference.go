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

// Interfered is the jamming and the spoofing that the receiver says there is at a
// time; unknown when it did not say within five seconds.
func (t *Track) Interfered(nowUS int64) (jamming, spoofing Interference) {
	if t.Seen&HasSignal == 0 || nowUS-t.SignalUS > qualityAgeUS {
		return InterferenceUnknown, InterferenceUnknown
	}
	return t.Jamming, t.Spoofing
}
