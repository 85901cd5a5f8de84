package coverage

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"testzone/telemetry/journal"
	"testzone/telemetry/watchdog"
	"testzone/vehicles"
)

// Schema is the payload type of the journal's entries about enforced time: JSON, an
// entry.
const Schema = 19

const typeMinutes = "coverage.minutes"

// rowsPerEntry bounds one entry.
const rowsPerEntry = 500

// entry is the journal's form of what was counted since the entry before. Members
// are added, never changed.
type entry struct {
	Type   string     `json:"type"`
	FromUS int64      `json:"from_us"`
	ToUS   int64      `json:"to_us"`
	Rows   []entryRow `json:"rows,omitempty"`
	Places []entryAt  `json:"places,omitempty"`
	Armed  []armedRef `json:"armed"` // at to_us; only in the last of several entries
	More   bool       `json:"more,omitempty"`
}

type entryRow struct {
	Hour     int64              `json:"hour"` // since the Unix epoch
	Vehicle  vehicles.VehicleID `json:"vehicle"`
	Operator string             `json:"operator,omitempty"`
	Sum
}

type entryAt struct {
	Hour     int64  `json:"hour"`
	Operator string `json:"operator,omitempty"`
	Cell     int    `json:"cell"`
	MS       int64  `json:"ms"`
}

// errEntry is returned when an entry of the journal cannot be read, e.g. because a
// newer program wrote it.
var errEntry = errors.New("coverage entry is not readable by this program")

// Gap is a blind interval of the server, and how many vehicles were armed when it
// began.
type Gap struct {
	FromUS int64  `json:"from_us"`
	ToUS   int64  `json:"to_us"`
	After  string `json:"after"`
	Armed  int    `json:"armed"`
}

// form is what the counts are in entries.
func (c *counts) form() (rows []entryRow, places []entryAt) {
	for k, s := range c.rows {
		rows = append(rows, entryRow{k.hour, k.vehicle, k.operator, *s})
	}
	slices.SortFunc(rows, func(a, b entryRow) int {
		return cmp.Or(cmp.Compare(a.Hour, b.Hour), cmp.Compare(a.Vehicle, b.Vehicle), cmp.Compare(a.Operator, b.Operator))
	})
	for k, ms := range c.places {
		places = append(places, entryAt{k.hour, k.operator, k.cell, ms})
	}
	slices.SortFunc(places, func(a, b entryAt) int {
		return cmp.Or(cmp.Compare(a.Hour, b.Hour), cmp.Compare(a.Operator, b.Operator), cmp.Compare(a.Cell, b.Cell))
	})
	return rows, places
}

func (c *counts) take(rows []entryRow, places []entryAt) {
	for i := range rows {
		r := &rows[i]
		c.row(row{r.Hour, r.Vehicle, r.Operator}).Add(&r.Sum)
	}
	for _, p := range places {
		c.places[place{p.Hour, p.Operator, p.Cell}] += p.MS
	}
}

// armedNow lists who is armed. Called with l.mu held.
func (l *Ledger) armedNow() []armedRef {
	out := []armedRef{}
	for id, v := range l.now {
		if v.Armed && v.Vehicle.Vehicle.Verified {
			out = append(out, armedRef{Vehicle: id, Operator: v.Vehicle.Vehicle.Operator})
		}
	}
	// Who was armed at the last fact and was not looked at since may be armed still.
	nowUS := l.cfg.Clock().UnixMicro()
	for _, a := range l.armed {
		if a.UnseenUS = cmp.Or(a.UnseenUS, l.toUS); !l.began[a.Vehicle] && nowUS-a.UnseenUS <= unseenUS {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b armedRef) int { return cmp.Compare(a.Vehicle, b.Vehicle) })
	return out
}

// due reports whether a fact shall be written.
func (l *Ledger) due() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cfg.Journal == nil {
		return false
	}
	since := l.cfg.Clock().Sub(l.wrote)
	return since >= writeEvery && len(l.open.rows) > 0 || since >= changeEvery && !slices.Equal(l.armedNow(), l.armed)
}

// write makes facts of what is open.
func (l *Ledger) write(ctx context.Context) {
	l.mu.Lock()
	now, armed := l.cfg.Clock(), l.armedNow()
	if l.wrote = now; l.cfg.Journal == nil || len(l.open.rows) == 0 && slices.Equal(armed, l.armed) {
		l.mu.Unlock()
		return
	}
	writing := l.open
	l.open = newCounts()
	from := l.toUS
	l.mu.Unlock()
	entries := encode(&writing, cmp.Or(from, now.UnixMicro()), now.UnixMicro(), armed)
	_, err := l.cfg.Journal.Append(ctx, entries...)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err = err; err != nil {
		l.open.addAll(&writing)
		return
	}
	l.kept.addAll(&writing)
	l.toUS, l.armed = now.UnixMicro(), armed
	l.trim(l.toUS)
}

func encode(c *counts, fromUS, toUS int64, armed []armedRef) (out []journal.Entry) {
	rows, places := c.form()
	for {
		e := entry{Type: typeMinutes, FromUS: fromUS, ToUS: toUS}
		n, m := min(len(rows), rowsPerEntry), min(len(places), 4*rowsPerEntry)
		e.Rows, rows = rows[:n], rows[n:]
		e.Places, places = places[:m], places[m:]
		if e.More = len(rows)+len(places) > 0; !e.More {
			e.Armed = armed
		}
		body, err := json.Marshal(&e)
		if err != nil {
			panic(fmt.Sprintf("coverage entry does not encode: %v", err)) // only a defect of ours
		}
		out = append(out, journal.Entry{ID: journal.NewID(), Kind: journal.Fact, Schema: Schema, TimeUS: toUS, Body: body})
		if !e.More {
			return out
		}
	}
}

// trim forgets old hours. Called with l.mu held.
func (l *Ledger) trim(nowUS int64) {
	hour := nowUS / hourUS
	maps.DeleteFunc(l.kept.rows, func(k row, _ *Sum) bool { return k.hour < hour-keepHours })
	maps.DeleteFunc(l.kept.places, func(k place, _ int64) bool { return k.hour < hour-keepCells })
	l.gaps = l.gaps[max(0, len(l.gaps)-maxGaps):]
}

// Replay takes one journal record in. It is called for every record, in order,
// before Run.
func (l *Ledger) Replay(rec journal.Record) error {
	switch rec.Schema {
	case Schema:
		var e entry
		if err := json.Unmarshal(rec.Body, &e); err != nil {
			return fmt.Errorf("journal entry %d: %w: %w", rec.Seq, errEntry, err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.kept.take(e.Rows, e.Places)
		if l.toUS = e.ToUS; !e.More {
			l.armed = e.Armed
		}
		l.trim(e.ToUS)
	case watchdog.Schema:
		var g watchdog.Gap
		if err := json.Unmarshal(rec.Body, &g); err != nil {
			return nil // whoever else writes with the watchdog's number is none of ours
		}
		l.NoteGap(&g)
	}
	return nil
}

// NoteGap takes a blind interval in.
func (l *Ledger) NoteGap(g *watchdog.Gap) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gaps = append(l.gaps, Gap{FromUS: g.FromUS, ToUS: g.ToUS, After: g.After, Armed: len(l.armed)})
}

// Gaps lists the blind intervals that end within a time, oldest first.
func (l *Ledger) Gaps(fromUS, toUS int64) []Gap {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Gap
	for _, g := range l.gaps {
		if g.ToUS >= fromUS && g.FromUS < toUS {
			out = append(out, g)
		}
	}
	return out
}

// savedState is the part of a snapshot: all that Replay builds. The same program
// reads it that wrote it, so that its form may change at will.
type savedState struct {
	Rows   []entryRow `json:"rows"`
	Places []entryAt  `json:"places"`
	ToUS   int64      `json:"to_us"`
	Armed  []armedRef `json:"armed"`
	Gaps   []Gap      `json:"gaps"`
}

// SaveState is all that the records which were replayed have led to, for LoadState.
func (l *Ledger) SaveState() ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := savedState{ToUS: l.toUS, Armed: l.armed, Gaps: l.gaps}
	s.Rows, s.Places = l.kept.form()
	return json.Marshal(&s)
}

// LoadState reads what SaveState wrote; install makes it the state of a Ledger into
// which nothing was replayed. Nothing changes before install is called.
func (l *Ledger) LoadState(b []byte) (install func(), err error) {
	var s savedState
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("state of the coverage: %w", err)
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.kept.take(s.Rows, s.Places)
		l.toUS, l.armed, l.gaps = s.ToUS, s.Armed, s.Gaps
	}, nil
}
