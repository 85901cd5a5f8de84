package watchdog

import (
	"encoding/json"
	"time"
)

// Schema is the payload type of a Gap in the journal: JSON with a "type".
const Schema = 3

// The ways in which supervision ended.
const (
	AfterStop    = "stop"    // an orderly one
	AfterCrash   = "crash"   // the heartbeat broke off
	AfterUnknown = "unknown" // there is no heartbeat of the run before
)

// Gap is an interval in which nobody supervised the zone: a breach within it was
// not seen (SAFETY 12).
type Gap struct {
	Type   string `json:"type"` // supervision_gap
	FromUS int64  `json:"from_us"`
	ToUS   int64  `json:"to_us"`
	After  string `json:"after"` // stop, crash, unknown
}

const gapType = "supervision_gap"

// GapSince is the gap that begins with the last sign of the run before: its last
// beat, if there is one, or the newest journal entry (0: none), whichever is
// later. It is nil for a zone that was never supervised.
func GapSince(last Beat, known bool, newestUS int64) *Gap {
	g := &Gap{Type: gapType, FromUS: newestUS, After: AfterUnknown}
	if known {
		g.After = AfterCrash
		if last.State == Stopped {
			g.After = AfterStop
		}
		g.FromUS = max(g.FromUS, last.At.UnixMicro())
	}
	if g.FromUS == 0 {
		return nil
	}
	return g
}

// Encode is the journal's body.
func (g *Gap) Encode() []byte {
	b, err := json.Marshal(g)
	if err != nil {
		panic("a gap does not encode: " + err.Error()) // only a defect of ours
	}
	return b
}

// From is when supervision ended.
func (g *Gap) From() time.Time { return time.UnixMicro(g.FromUS) }

// Duration is how long the gap was; 0 when a clock went back.
func (g *Gap) Duration() time.Duration {
	return time.Duration(max(g.ToUS-g.FromUS, 0)) * time.Microsecond
}
