package onboard

import (
	"encoding/json"
	"errors"
	"fmt"

	"testzone/telemetry/journal"
)

// Schema is the payload type of the journal's entries about what vehicles carry:
// JSON, an entry.
const Schema = 16

// entry is the journal's form of what happened: the record as it is from now on.
// Members are added, never changed. Items that did not change since the entry before
// are not written again.
type entry struct {
	Type    string  `json:"type"` // "plan." and the state
	By      string  `json:"by,omitempty"`
	AtUS    int64   `json:"at_us"`
	Plan    *Record `json:"plan"`
	Sent    []Item  `json:"sent,omitempty"`    // of a new Upload
	Carried []Item  `json:"carried,omitempty"` // if Holds is ""
	Holds   holds   `json:"holds,omitempty"`
}

// holds says where the items are that the vehicle carries.
type holds string

const (
	holdsOwn    holds = ""
	holdsSent   holds = "sent"   // those that it was sent
	holdsBefore holds = "before" // those of the entry before
)

// errEntry is returned when an entry of the journal cannot be read, e.g. because a
// newer program wrote it.
var errEntry = errors.New("entry about a plan is not readable by this program")

// entryOf is what is written of a record that was another one before; nil: none.
func entryOf(r, before *Record, by string, atUS int64) entry {
	e := entry{Type: "plan." + string(r.State), By: by, AtUS: atUS, Plan: r}
	if before == nil {
		before = &Record{}
	}
	if r.Upload != before.Upload {
		e.Sent = r.Sent
	}
	switch {
	case same(r.Carried, before.Carried):
		e.Holds = holdsBefore
	case same(r.Carried, r.Sent):
		e.Holds = holdsSent
	default:
		e.Carried = r.Carried
	}
	return e
}

// record is the record of an entry after the one before.
func (e *entry) record(before *Record, seq uint64) *Record {
	r := e.Plan.copied()
	if before == nil {
		before = &Record{}
	}
	r.JournalSeq, r.Sent, r.Carried = seq, e.Sent, e.Carried
	if r.Upload == before.Upload {
		r.Sent = before.Sent
	}
	switch e.Holds {
	case holdsSent:
		r.Carried = r.Sent
	case holdsBefore:
		r.Carried = before.Carried
	}
	return r
}

// change makes a record the current one and writes it down. by is who did it; empty:
// nobody, it was noticed. Called with p.mu held.
func (p *Plans) change(n name, by string, f func(*Record)) <-chan error {
	before := p.records[n]
	r := &Record{Vehicle: n.vehicle, Kind: n.kind.String(), State: Unknown}
	if before != nil {
		r = before.copied()
	}
	f(r)
	r.JournalSeq, r.own = 0, true
	r.count()
	p.records[n] = r
	return p.log.add(entryOf(r, before, by, p.nowUS()), r)
}

// durable is called by the writer, in the order of the journal.
func (p *Plans) durable(r *Record, seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.JournalSeq == 0 {
		r.JournalSeq = seq
	}
}

// Replay takes one journal record in. Records of other schemas are not ours. It is
// called for every record, in order, before Run.
func (p *Plans) Replay(rec journal.Record) error {
	if rec.Schema != Schema {
		return nil
	}
	var e entry
	if err := json.Unmarshal(rec.Body, &e); err != nil {
		return fmt.Errorf("journal entry %d: %w: %w", rec.Seq, errEntry, err)
	}
	if e.Plan == nil || !e.Plan.named() {
		return fmt.Errorf("journal entry %d: %w: %s", rec.Seq, errEntry, e.Type)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := e.Plan.name()
	p.records[n] = e.record(p.records[n], rec.Seq)
	return nil
}

// doubtReplayed makes everything unknown that a former start knew: the vehicles may
// have been given something else since. They are read back when they are heard.
func (p *Plans) doubtReplayed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n, r := range p.records {
		if !r.own && r.State != Unknown {
			p.doubt(n, "the server restarted: it is read back as soon as the vehicle is heard")
		}
	}
}

// doubt makes a record unknown. Called with p.mu held.
func (p *Plans) doubt(n name, why string) {
	p.change(n, "", func(r *Record) {
		if r.State == Uploading {
			why = "the transfer was cut off: " + why
		}
		r.State, r.Why, r.Item, r.Known, r.Enabled = Unknown, why, 0, false, false
	})
}
