// Package coverage answers for how long the fences were enforced for whom, and for
// how long they were not, why and where (SAFETY 9, 12).
//
// A Ledger is told once a second what was found of each vehicle. Time is counted
// while a vehicle with an authenticated source is armed: by the steady clock, so
// that a clock that is set counts nothing twice, under the hour of the server's
// clock. What holds of a vehicle changes after three looks in a row that found
// otherwise, as its alert does. Reasons hold at once: their sum may be more than the
// time. Where the looks themselves failed for more than five seconds, and between
// two runs of the server, the time of a vehicle that was armed before and is armed
// after counts as not enforced, with the reason supervision_lost.
//
// Sums become facts of the journal every five minutes, when who is armed changes,
// and at the stop. A crash loses none of them silently: what no fact has, of a
// vehicle that was armed in the last one, counts as supervision_lost when it is
// found armed again within 24 hours, which is the unfavourable side. Later it is
// another flight; the blind interval itself stands in Gaps.
//
// A Ledger is safe for concurrent use. Replay comes before Run. Times are
// microseconds since the Unix epoch, sums milliseconds.
package coverage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/journal"
	"testzone/telemetry/live"
	"testzone/vehicles"
)

// SupervisionLost is the reason for time in which nobody looked.
const SupervisionLost = "supervision_lost"

// Cols and Rows are the grid over the zone in which lost time is kept.
const (
	Cols = 32
	Rows = 32
)

const (
	// looksToChange is how many looks in a row must find otherwise.
	looksToChange = 3
	// gapUS is from when two looks do not belong together.
	gapUS = 5_000_000
	// writeEvery is how often what was counted becomes a fact, changeEvery how often
	// at most because others are armed now.
	writeEvery  = 5 * time.Minute
	changeEvery = 10 * time.Second
	tickEvery   = time.Second
	// keepHours is how long hours are remembered, keepCells their places; the
	// journal keeps them all.
	keepHours = 31 * 24
	keepCells = 7 * 24
	// maxGaps is how many blind intervals are remembered.
	maxGaps = 1000
	// unseenUS is how long a vehicle that was armed may not have been looked at and
	// still count as the same flight or drive.
	unseenUS = 24 * hourUS
	// hourUS is an hour.
	hourUS = 3_600_000_000
)

// Appender is the journal.
type Appender interface {
	Append(ctx context.Context, batch ...journal.Entry) ([]uint64, error)
}

// Config of a Ledger. Journal and Bus are needed to count; without them it only
// replays.
type Config struct {
	Journal Appender
	Bus     *telemetry.Bus
	Box     live.BBox        // the zone, for the grid
	Clock   func() time.Time // time.Now
}

// Sum is time of vehicles that were armed, in milliseconds.
type Sum struct {
	EnforcedMS    int64            `json:"enforced_ms"`
	NotEnforcedMS int64            `json:"not_enforced_ms"`
	WhyMS         map[string]int64 `json:"why_ms,omitempty"`
}

// Add adds another sum.
func (s *Sum) Add(o *Sum) {
	s.EnforcedMS += o.EnforcedMS
	s.NotEnforcedMS += o.NotEnforcedMS
	for why, ms := range o.WhyMS {
		s.because(why, ms)
	}
}

func (s *Sum) because(why string, ms int64) {
	if s.WhyMS == nil {
		s.WhyMS = map[string]int64{}
	}
	s.WhyMS[why] += ms
}

// row is whose time it is, within one hour since the Unix epoch.
type row struct {
	hour     int64
	vehicle  vehicles.VehicleID
	operator string
}

// place is where time was lost: a cell of the grid.
type place struct {
	hour     int64
	operator string
	cell     int
}

// counts are sums by row and by place.
type counts struct {
	rows   map[row]*Sum
	places map[place]int64
}

func newCounts() counts { return counts{rows: map[row]*Sum{}, places: map[place]int64{}} }

func (c *counts) row(k row) *Sum {
	s := c.rows[k]
	if s == nil {
		s = &Sum{}
		c.rows[k] = s
	}
	return s
}

func (c *counts) addAll(o *counts) {
	for k, s := range o.rows {
		c.row(k).Add(s)
	}
	for k, ms := range o.places {
		c.places[k] += ms
	}
}

// Vehicle is how it stands with one vehicle now.
type Vehicle struct {
	Vehicle  *vehicles.Identity
	Armed    bool
	Enforced bool
	Reasons  []string // why not
	SinceUS  int64    // since when it is enforced, or not, or disarmed
}

// seen is what is known of a vehicle that is looked at.
type seen struct {
	Vehicle
	at       geo.Point
	hasFix   bool
	others   int   // looks in a row that found otherwise
	steadyUS int64 // of the last look
	restUS   int64 // of the time counted, less than a millisecond
}

// armedRef is a vehicle that was armed at the time of a fact. UnseenUS is of one that
// was not looked at since the server's start: since when.
type armedRef struct {
	Vehicle  vehicles.VehicleID `json:"vehicle"`
	Operator string             `json:"operator,omitempty"`
	UnseenUS int64              `json:"unseen_us,omitempty"`
}

// Ledger counts.
type Ledger struct {
	cfg Config

	mu     sync.Mutex // guards the fields below
	kept   counts     // that the journal has
	open   counts     // that no fact has yet
	toUS   int64      // until when facts are
	armed  []armedRef // at toUS, by id
	gaps   []Gap      // oldest first
	began  map[vehicles.VehicleID]bool
	now    map[vehicles.VehicleID]*seen
	steady int64 // of the newest look
	told   map[string]telemetry.CoverageCount
	// uncovered are the vehicles that were not enforced when that was told.
	uncovered map[vehicles.VehicleID]bool
	total     Sum // since the start of the program
	wrote     time.Time
	err       error // of the last write
}

// ErrConfig is returned when a Ledger lacks a part it cannot work without.
var ErrConfig = errors.New("coverage is not configured")

// New makes a ledger.
func New(cfg Config) (*Ledger, error) {
	if (cfg.Journal == nil) != (cfg.Bus == nil) {
		return nil, ErrConfig
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	return &Ledger{
		cfg: cfg, kept: newCounts(), open: newCounts(), began: map[vehicles.VehicleID]bool{}, now: map[vehicles.VehicleID]*seen{},
		wrote: cfg.Clock(),
	}, nil
}

// Run writes facts until ctx ends, and then what is still open.
func (l *Ledger) Run(ctx context.Context) error {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.forgetSilent()
			l.tell()
			if l.due() {
				l.write(ctx)
			}
		case <-ctx.Done():
			// What was counted is worth the wait for a disk that answers.
			l.write(context.WithoutCancel(ctx))
			return ctx.Err()
		}
	}
}

// Health says why minutes are not kept as they should.
func (l *Ledger) Health() (out []telemetry.Reason) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		out = append(out, telemetry.Reason{Code: "coverage_not_durable", Text: fmt.Sprintf(
			"The minutes for which fences were enforced are not in the journal (%v). They are counted on; a restart would lose them. Check the disk.", l.err)})
	}
	return out
}
