package telemetry

import (
	"time"

	"testzone/vehicles"
)

// SuspectSource is the alert about a source that sends in a registered vehicle's
// name and cannot prove it: somebody else, a recording, or the vehicle itself
// with a wrong key or clock.
const SuspectSource AlertType = "suspect_source"

// Suspect says that a source was refused, again and again, for what it should
// prove. It comes once a minute while that goes on.
type Suspect struct {
	Vehicle           *vehicles.Identity // in whose name; handle 0: it is not followed now
	Why               string             // bad_signature, replay, future or wrong_component
	Listener, Address string
	Frames            int // that were refused within the minute
}

func (*Suspect) event() {}

// SuspectedOf is what an alert says of a suspect source, the newest if several.
type SuspectedOf struct {
	Why      string `json:"why"`
	Listener string `json:"listener"`
	Address  string `json:"address"`
}

// suspectQuiet is how long no suspicion must come until the condition is over.
const suspectQuiet = 3 * time.Minute

// takeSuspect raises the alert, or counts: what goes on is no new beginning, and
// who has acknowledged it is left in peace.
func (b *Book) takeSuspect(s *Suspect, nowUS int64) {
	of := &SuspectedOf{Why: s.Why, Listener: s.Listener, Address: s.Address}
	key := alertKey{typ: SuspectSource, vehicle: s.Vehicle.ID, object: s.Why}
	if a := b.byKey[key]; a != nil && a.ClearedUS == 0 {
		next := *a
		next.Raw, next.LastUS, next.Suspect = a.Raw+s.Frames, max(a.LastUS, nowUS), of
		b.store(&next)
		b.counted[a.ID] = true
		return
	}
	b.change(key, condition{
		begins: true, id: s.Vehicle, level: Warning, timeUS: nowUS, raw: s.Frames,
		fill: func(a *Alert) { a.Suspect = of },
	})
}

// endSuspicions clears the alerts of sources that show nothing wrong any more.
// They end neither with a track nor with a start of the server: who pretends to
// be a vehicle does not need it to be there.
func (b *Book) endSuspicions(nowUS int64) {
	for key, a := range b.byKey {
		if key.typ == SuspectSource && a.ClearedUS == 0 && nowUS-a.LastUS > suspectQuiet.Microseconds() {
			b.clear(a, nowUS, "no_more_frames")
		}
	}
}

// endsWithTrack reports whether an alert is about how the vehicle itself moves.
func (a *Alert) endsWithTrack() bool {
	return a.ClearedUS == 0 && a.Type != SuspectSource && a.Type != CallPerson
}
