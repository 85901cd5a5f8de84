package bulk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"testzone/telemetry/journal"
)

// Schema is the payload type of the journal's entries about orders to many: JSON, an
// entry.
const Schema = 17

// The types of entries.
const (
	typeGiven     = "bulk.given"
	typeCancelled = "bulk.cancelled"
	typeEnded     = "bulk.ended"
)

// keep is how many bulk orders are remembered; the journal keeps them all.
const keep = 200

// entry is the journal's form: the record as it is from then on. Members are added,
// never changed.
type entry struct {
	Type    string           `json:"type"`
	By      string           `json:"by,omitempty"`
	AtUS    int64            `json:"at_us"`
	Bulk    *Bulk            `json:"bulk"`
	Request *journal.Request `json:"request,omitempty"`
}

// errEntry is returned when an entry of the journal cannot be read, e.g. because a
// newer program wrote it.
var errEntry = errors.New("bulk order entry is not readable by this program")

func (e *entry) draft() journal.Entry {
	body, err := json.Marshal(e)
	if err != nil {
		panic(fmt.Sprintf("bulk order entry does not encode: %v", err)) // only a defect of ours
	}
	id := journal.NewID()
	if e.Request != nil {
		id = e.Request.EntryID(e.AtUS, 0)
	}
	return journal.Entry{ID: id, Kind: journal.Fact, Schema: Schema, TimeUS: e.AtUS, Body: body, Emergency: true}
}

// store takes a record in, or in place of the same one. Called with g.mu held.
func (g *Giver) store(b *Bulk) {
	if old := g.bulks[b.ID]; old == nil {
		g.order = append(g.order, b.ID)
	} else if b.request == nil {
		b.request = old.request
	}
	g.bulks[b.ID] = b
	for len(g.order) > keep && g.bulks[g.order[0]].EndedUS != 0 {
		delete(g.bulks, g.order[0])
		g.order = g.order[1:]
	}
}

// answered is the bulk order that the request of ctx led to before.
func (g *Giver) answered(ctx context.Context) (b Bulk, ok bool, err error) {
	q := journal.RequestOf(ctx)
	if q == nil {
		return b, false, nil
	}
	g.mu.Lock()
	id := ""
	for _, of := range g.bulks {
		if r := of.request; r != nil && r.By == q.By && r.Key == q.Key && g.nowUS()-of.GivenUS <= journal.RequestWindowUS {
			if id = of.ID; r.SHA256 != q.SHA256 {
				err = journal.ErrKeyReused
			}
		}
	}
	g.mu.Unlock()
	if id == "" || err != nil {
		return b, false, err
	}
	b, err = g.Bulk(id)
	return b, err == nil, err
}

// Replay takes one journal record in. Records of other schemas are not ours. It is
// called for every record, in order, before Run.
func (g *Giver) Replay(rec journal.Record) error {
	if rec.Schema != Schema {
		return nil
	}
	var e entry
	if err := json.Unmarshal(rec.Body, &e); err != nil {
		return fmt.Errorf("journal entry %d: %w: %w", rec.Seq, errEntry, err)
	}
	if e.Bulk == nil || e.Bulk.ID == "" {
		return fmt.Errorf("journal entry %d: %w: %s", rec.Seq, errEntry, e.Type)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	e.Bulk.request, e.Bulk.Durable = e.Request, true
	g.store(e.Bulk)
	return nil
}

// savedState is the part of a snapshot: all that Replay builds, oldest first.
type savedState struct {
	Bulks []savedBulk `json:"bulks"`
}

type savedBulk struct {
	Bulk    *Bulk            `json:"bulk"`
	Request *journal.Request `json:"request,omitempty"`
}

// SaveState is all that the records which were replayed have led to, for LoadState.
func (g *Giver) SaveState() ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := savedState{Bulks: []savedBulk{}}
	for _, id := range g.order {
		s.Bulks = append(s.Bulks, savedBulk{g.bulks[id], g.bulks[id].request})
	}
	return json.Marshal(&s)
}

// LoadState reads what SaveState wrote; install makes it the state of a Giver into
// which nothing was replayed. Nothing changes before install is called.
func (g *Giver) LoadState(b []byte) (install func(), err error) {
	var s savedState
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("state of the bulk orders: %w", err)
	}
	for i, of := range s.Bulks {
		if of.Bulk == nil || of.Bulk.ID == "" {
			return nil, fmt.Errorf("state of the bulk orders: order %d has no id", i+1)
		}
	}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, of := range s.Bulks {
			of.Bulk.request, of.Bulk.Durable = of.Request, true
			g.store(of.Bulk)
		}
	}, nil
}
