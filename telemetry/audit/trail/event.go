package trail

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"testzone/telemetry/journal"
)

// The schemas of the journal's entries. They are numbers in files for ever; the
// packages that write them own their bodies.
const (
	schemaFence    = 1      // airspace
	schemaAlert    = 2      // telemetry
	schemaGap      = 3      // telemetry/watchdog
	schemaAct      = 4      // telemetry/audit
	schemaAccount  = 10     // airspace
	schemaFleet    = 11     // airspace
	schemaWebhook  = 12     // web/notify
	schemaOrder    = 13     // telemetry/command
	schemaControl  = 14     // airspace
	schemaBulk     = 17     // telemetry/command/bulk
	schemaPlan     = 16     // telemetry/command/onboard
	schemaMinutes  = 19     // telemetry/coverage
	schemaLadder   = 15     // telemetry/command/ladder
	schemaPriority = 18     // airspace
	schemaPermit   = 20     // airspace
	schemaDocument = 25     // airspace
	schemaJournal  = 0xffff // telemetry/journal
)

// The outcomes that are not the code of a refusal.
const (
	done       = "done"
	unreadable = "unreadable"
)

// maxText bounds a field: a reason is a sentence, not a file.
const maxText = 1000

// body is every member of an entry that the trail shows. A member has one type in
// all schemas that have it.
type body struct {
	Type string `json:"type"`
	Act  string `json:"act"` // of accounts
	By   string `json:"by"`

	ID      string     `json:"id"`
	Fence   *object    `json:"fence"`
	Permit  *object    `json:"permit"`
	Changes []change   `json:"changes"`
	Alert   *alert     `json:"alert"`
	Cause   string     `json:"cause"`
	Ack     *signature `json:"ack"`

	Order *order `json:"order"`
	Lease *lease `json:"lease"`
	Call  *call  `json:"call"`
	Bulk  *many  `json:"bulk"`
	Plan  *plan  `json:"plan"`

	Ladder *enforced `json:"ladder"`

	FromUS int64  `json:"from_us"`
	ToUS   int64  `json:"to_us"`
	After  string `json:"after"`

	What      string `json:"what"`
	Object    string `json:"object"`
	Outcome   string `json:"outcome"`
	From      string `json:"from"`
	RequestID string `json:"request_id"`
	Count     int    `json:"count"`

	Reason   string `json:"reason"`
	LostFrom uint64 `json:"lost_from"`
	LostTo   uint64 `json:"lost_to"`

	Host string `json:"host"` // of a webhook
}

type object struct {
	ID  string `json:"id"`
	Org string `json:"org"`

	Act     string `json:"act"`     // of a proposal
	Subject string `json:"subject"` // of a proposal: what it is about
	Reason  string `json:"reason"`  // of a proposal
}

type change struct {
	ID       string  `json:"id"` // of a fence that is deleted
	Fence    *object `json:"fence"`
	Org      *object `json:"organisation"`
	Person   *object `json:"person"`
	Key      *object `json:"key"`
	Proposal *object `json:"proposal"`
	Vehicle  *object `json:"vehicle"`
	Gateway  *object `json:"gateway"`
	Duty     *object `json:"duty"`
	Priority *object `json:"priority"`

	Document *enclosed `json:"document"`

	State *struct {
		State string `json:"state"`
	} `json:"state"`
}

// enclosed is a document of a permit.
type enclosed struct {
	Permit string `json:"permit"`
	Org    string `json:"org"`
	SHA256 string `json:"sha256"`
}

type alert struct {
	ID      string  `json:"id"`
	Type    string  `json:"type"`
	Fence   *object `json:"fence"`
	Suspect *struct {
		Why     string `json:"why"`
		Address string `json:"address"`
	} `json:"suspect"`
	Vehicle struct {
		ID       string `json:"id"`
		Operator string `json:"operator"`
	} `json:"vehicle"`
}

type order struct {
	ID       string `json:"id"`
	Vehicle  string `json:"vehicle"`
	Operator string `json:"operator"`
	Kind     string `json:"kind"`
	State    string `json:"state"`
	Why      string `json:"why"`
	Reason   string `json:"reason"`
}

type lease struct {
	Vehicle  string `json:"vehicle"`
	Operator string `json:"operator"`
	Holder   string `json:"holder"`
	From     string `json:"from"`
	Reason   string `json:"reason"`
}

// many is an order to many vehicles.
type many struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Of     string `json:"of"`
	Reason string `json:"reason"`
	Why    string `json:"why"`
	Orders int    `json:"orders"`
}

type call struct {
	Vehicle  string `json:"vehicle"`
	Operator string `json:"operator"`
	Order    string `json:"order"`
	Why      string `json:"why"`
	Outcome  string `json:"outcome"`
	Note     string `json:"note"`
	Cause    string `json:"cause"`
}

type plan struct {
	Vehicle  string `json:"vehicle"`
	Operator string `json:"operator"`
	Kind     string `json:"kind"`
	State    string `json:"state"`
	Why      string `json:"why"`
	Reason   string `json:"reason"`
}

type enforced struct {
	ID       string `json:"id"`
	Vehicle  string `json:"vehicle"`
	Operator string `json:"operator"`
	State    string `json:"state"`
	Why      string `json:"why"`
	Fence    object `json:"fence"`
	Steps    []struct {
		Kind    string `json:"kind"`
		Outcome string `json:"outcome"`
		Order   string `json:"order"`
	} `json:"steps"`
	Decision *struct {
		Reason string `json:"reason"`
	} `json:"decision"`
}

type signature struct {
	By   string `json:"by"`
	Note string `json:"note"`
}

// Of is a record as an auditor reads it. It shows every record: one whose body it
// cannot read has the outcome "unreadable".
func Of(rec *journal.Record) Event {
	e := Event{Seq: rec.Seq, TimeUS: rec.TimeUS, What: rec.Kind.String(), Outcome: done, Hash: rec.Hash}
	var b body
	if err := json.Unmarshal(rec.Body, &b); err != nil {
		e.Outcome, e.Why = unreadable, fmt.Sprintf("the body of schema %d is not what this program knows", rec.Schema)
		return e
	}
	e.What = cmp.Or(b.Type, b.Act, e.What)
	e.Who = b.By
	switch rec.Schema {
	case schemaFence, schemaAccount, schemaFleet, schemaControl, schemaPriority, schemaPermit, schemaDocument:
		e.Object, e.Org = b.objects()
		e.Why = b.Reason
	case schemaAlert:
		b.ofAlert(&e)
	case schemaGap:
		from, to := time.UnixMicro(b.FromUS).UTC(), time.UnixMicro(b.ToUS).UTC()
		e.Object, e.Outcome = "supervision", cmp.Or(b.After, "unknown")
		e.Why = fmt.Sprintf("nobody supervised the zone from %s to %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
	case schemaMinutes:
		from, to := time.UnixMicro(b.FromUS).UTC(), time.UnixMicro(b.ToUS).UTC()
		e.Object = "coverage"
		e.Why = fmt.Sprintf("minutes with and without enforcement from %s to %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
	case schemaWebhook:
		e.Object = named("webhook", b.ID)
		if b.Host != "" {
			e.Why = "to " + b.Host
		}
	case schemaOrder:
		b.ofOrder(&e)
	case schemaPlan:
		if p := b.Plan; p != nil {
			e.Object, e.Org, e.Outcome = named("vehicle", p.Vehicle)+named(" plan", p.Kind), p.Operator, p.State
			e.Why = cmp.Or(p.Why, p.Reason)
		}
	case schemaLadder:
		b.ofLadder(&e)
	case schemaBulk:
		b.ofBulk(&e)
	case schemaAct:
		e.Object = strings.TrimSpace(b.What + " " + b.Object) // operation and path
		e.From, e.RequestID, e.Outcome = b.From, b.RequestID, cmp.Or(b.Outcome, done)
		if b.Count > 0 {
			e.Why = fmt.Sprintf("%d acts were not written: too many came at once", b.Count)
		}
	case schemaJournal:
		e.Object, e.Why = "journal", b.Reason
		if b.LostTo > 0 {
			e.Outcome = fmt.Sprintf("entries %d to %d were lost", b.LostFrom, b.LostTo)
		}
	}
	e.clean()
	return e
}

func (b *body) ofAlert(e *Event) {
	e.Object, e.Why = named("alert", b.ID), b.Cause
	if b.Alert != nil {
		e.Object = named("alert", b.Alert.ID) + named(" vehicle", b.Alert.Vehicle.ID)
		if b.Alert.Fence != nil {
			e.Object += named(" fence", b.Alert.Fence.ID)
		}
		e.Org, e.Why = b.Alert.Vehicle.Operator, b.Alert.Type
		if s := b.Alert.Suspect; s != nil {
			e.Why, e.From = e.Why+": "+s.Why, s.Address
		}
	}
	if b.Ack != nil {
		e.Who, e.Why = b.Ack.By, b.Ack.Note
	}
}

// ofOrder shows an order to a vehicle, who has its control, or that its contact has to
// be called.
func (b *body) ofOrder(e *Event) {
	if c := b.Call; c != nil {
		e.Object, e.Org = named("vehicle", c.Vehicle)+named(" order", c.Order), c.Operator
		e.Why, e.Outcome = cmp.Or(c.Note, c.Why), cmp.Or(c.Outcome, c.Cause, done)
	}
	if l := b.Lease; l != nil {
		e.Object, e.Org, e.Why = named("vehicle", l.Vehicle), l.Operator, strings.TrimSpace(named("held", l.Holder)+named(" from", l.From)+" "+l.Reason)
	}
	if o := b.Order; o != nil {
		control := ""
		if b.Lease != nil { // the order took it
			control = named(" control", b.Lease.Holder) + named(" from", b.Lease.From)
		}
		e.Object, e.Org, e.Outcome = named("vehicle", o.Vehicle)+named(" order", o.ID), o.Operator, o.State
		e.Why = strings.TrimSpace(o.Kind + control + " " + cmp.Or(o.Why, o.Reason))
	}
}

// ofLadder shows what was done about a breach, or who decided it.
func (b *body) ofLadder(e *Event) {
	l := b.Ladder
	if e.Object, e.Why = "enforcement", b.Reason; l == nil {
		return
	}
	e.Object = named("vehicle", l.Vehicle) + named(" fence", l.Fence.ID) + named(" enforcement", l.ID)
	e.Org, e.Outcome, e.Why = l.Operator, l.State, l.Why
	if n := len(l.Steps); n > 0 {
		last := &l.Steps[n-1]
		e.Object += named(" order", last.Order)
		e.Why = strings.TrimSpace(last.Kind + " " + last.Outcome + " " + l.Why)
	}
	if e.Who != "" && l.Decision != nil {
		e.Why = l.Decision.Reason
	}
}

func (b *body) ofBulk(e *Event) {
	if m := b.Bulk; m != nil {
		e.Object = named("bulk", m.ID)
		e.Why = strings.TrimSpace(fmt.Sprintf("%s to %d of %s %s", m.Kind, m.Orders, m.Of, cmp.Or(m.Why, m.Reason)))
	}
}

// objects names what a decision changed, with spaces between, and whose it is.
func (b *body) objects() (objects, org string) {
	if len(b.Changes) == 0 {
		if b.Permit != nil {
			return named("permit", b.Permit.ID), b.Permit.Org
		}
		if b.Fence != nil {
			return named("fence", b.Fence.ID), ""
		}
		return named("fence", b.ID), ""
	}
	var names []string
	for i := range b.Changes {
		c := &b.Changes[i]
		for _, o := range []struct {
			kind string
			of   *object
		}{{"fence", c.Fence}, {"vehicle", c.Vehicle}, {"gateway", c.Gateway}, {"organisation", c.Org}, {"person", c.Person}, {"key", c.Key}, {"proposal", c.Proposal}, {"duty", c.Duty}, {"priority", c.Priority}} {
			if o.of != nil {
				names = append(names, named(o.kind, o.of.ID))
				if o.of.Act == actTerminate {
					names, b.Reason = append(names, named("vehicle", o.of.Subject)), o.of.Reason
				}
				org = cmp.Or(org, o.of.Org)
				if o.of == c.Org {
					org = cmp.Or(org, o.of.ID)
				}
			}
		}
		if d := c.Document; d != nil {
			names, org = append(names, named("permit", d.Permit), named("document", d.SHA256)), cmp.Or(org, d.Org)
		}
		if c.State != nil {
			names = append(names, named("zone", c.State.State))
		}
		if c.ID != "" {
			names = append(names, named("fence", c.ID))
		}
	}
	return strings.Join(names, " "), org
}

// actTerminate is the act whose subject is a vehicle.
const actTerminate = "flight.terminate"

func named(kind, id string) string {
	if id == "" {
		return ""
	}
	return kind + ":" + id
}

// clean takes out what would break a line, hide text or change its direction
// where it is shown, and bounds each field.
func (e *Event) clean() {
	for _, field := range []*string{&e.Who, &e.Org, &e.What, &e.Object, &e.Why, &e.From, &e.RequestID, &e.Outcome} {
		*field = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				return ' '
			}
			return r
		}, strings.ToValidUTF8(*field, "\uFFFD"))
		if r := []rune(*field); len(r) > maxText {
			*field = string(r[:maxText-1]) + "…"
		}
	}
}
