package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"testzone/airspace"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/telemetry/command/ladder"
	"testzone/telemetry/command/onboard"
	"testzone/telemetry/journal"
)

// Event is one entry of the journal.
type Event struct {
	Seq        uint64          `json:"seq" doc:"Its place in the journal; the event's id"`
	Type       string          `json:"type" doc:"E.g. fence.put, fence.deleted, fence.batch, alert.raised, alert.cleared, alert.acknowledged, order.asked, order.in_effect, lease.taken, call.needed, enforcement.step, enforcement.frozen, priority.announced, priority.changed, priority.ended, plan.in_step, zone.state, and the kinds of notifications, such as permit.approved; with audit.read also duty.sign_on, person.create and the like"`
	At         string          `json:"at" format:"date-time"`
	By         string          `json:"by,omitempty" doc:"Actor id"`
	Fences     []FenceResult   `json:"fences,omitempty" doc:"That were changed; read the fence for its definition"`
	AlertID    string          `json:"alert_id,omitempty"`
	Alert      *Alert          `json:"alert,omitempty" doc:"When it is raised or begins again: as it was then"`
	Cause      string          `json:"cause,omitempty" doc:"Why an alert was cleared"`
	Note       string          `json:"note,omitempty" doc:"Of who acknowledged"`
	Order      *Order          `json:"order,omitempty" doc:"To a vehicle, as it was then"`
	Lease      *Lease          `json:"lease,omitempty" doc:"Who has the control of a vehicle from then on; an empty holder: nobody"`
	Call       *Call           `json:"call,omitempty" doc:"That somebody has to make to the contact of a vehicle, as it was then"`
	SiteID     string          `json:"site_id,omitempty" doc:"Of a site that was created, changed or deleted: read it"`
	RestrictID string          `json:"restriction_id,omitempty" doc:"Of a temporary restriction that was published, extended, acknowledged or ended: read it"`
	BookingIDs []string        `json:"booking_ids,omitempty" doc:"Of bookings that changed: read them"`
	PermitID   string          `json:"permit_id,omitempty" doc:"Of a permit to which something happened: read it"`
	RulePack   string          `json:"rule_pack,omitempty" doc:"As id@version, that ends soon"`
	PriorityID string          `json:"priority_id,omitempty" doc:"Of priority traffic that was announced, changed or ended: read it"`
	Plan       *Plan           `json:"plan,omitempty" doc:"What is known of what a vehicle carries, as it was then"`
	Zone       *ZoneState      `json:"zone,omitempty" doc:"What the zone may be used for from then on"`
	Hash       string          `json:"hash,omitempty" doc:"Chain hash; with audit.read"`
	Entry      json.RawMessage `json:"entry,omitempty" doc:"The entry as it is stored; with audit.read"`

	Enforcement *BreachEnforcement `json:"enforcement,omitempty" doc:"Of the breach of a vehicle, as it was then"`

	operator string // of the vehicle that an order or a lease is about
	bookings []bookedRef
	audience map[string]bool // organisations that see it; nil: it is no notice
}

// eventBody is what the entries of the zone have in common.
type eventBody struct {
	Type    string       `json:"type"`
	By      string       `json:"by"`
	ID      string       `json:"id"`
	Rev     uint64       `json:"rev"`
	Fence   *fenceRef    `json:"fence"`
	Changes []changedRef `json:"changes"`

	Alert *telemetry.Alert `json:"alert"`
	Order *command.Order   `json:"order"`
	Lease *command.Lease   `json:"lease"`

	Ladder *ladder.Ladder             `json:"ladder"`
	Call   *command.Call              `json:"call"`
	Plan   *onboard.Record            `json:"plan"`
	Cause  string                     `json:"cause"`
	Ack    *telemetry.Acknowledgement `json:"ack"`
}

type fenceRef struct {
	ID  string `json:"id"`
	Rev uint64 `json:"rev"`
}

type changedRef struct {
	Fence    *fenceRef  `json:"fence"`
	Priority *fenceRef  `json:"priority"`
	Site     *fenceRef  `json:"site"`
	Booking  *bookedRef `json:"booking"`

	Restriction *fenceRef            `json:"restriction"`
	State       *airspace.ZoneStatus `json:"state"`
	fenceRef
}

func (c changedRef) result() FenceResult {
	if c.Fence != nil {
		return FenceResult{ID: c.Fence.ID, Rev: c.Fence.Rev}
	}
	return FenceResult{ID: c.ID, Rev: c.Rev, Deleted: true}
}

// eventOf is a record as a follower may see it; all is audit.read. Without it
// only fences, priority traffic, alerts, orders and enforcement are shown, which zone.read shows too.
func eventOf(rec *journal.Record, all bool) (e Event, visible bool) {
	e = Event{Seq: rec.Seq, Type: "entry", At: timeOf(rec.TimeUS)}
	if all {
		e.Hash = fmt.Sprintf("%x", rec.Hash)
		if json.Valid(rec.Body) {
			e.Entry = json.RawMessage(rec.Body)
		}
	}
	var head struct {
		Type string `json:"type"`
		Act  string `json:"act"` // of accounts, vehicles, the control of the zone
		By   string `json:"by"`
	}
	if json.Unmarshal(rec.Body, &head) == nil {
		if name := cmp.Or(head.Type, head.Act); name != "" && strings.Trim(name, typeLetters) == "" {
			e.Type, e.By = name, head.By
		}
	}
	if e.ofNotice(rec) {
		return e, true
	}
	fences := rec.Schema == airspace.DecisionSchema && strings.HasPrefix(e.Type, "fence.")
	alerts := rec.Schema == telemetry.FactSchema && strings.HasPrefix(e.Type, "alert.")
	ladders := rec.Schema == ladder.Schema && strings.HasPrefix(e.Type, "enforcement.")
	orders := rec.Schema == command.Schema && (strings.HasPrefix(e.Type, "order.") || strings.HasPrefix(e.Type, "lease.") || strings.HasPrefix(e.Type, "call."))
	priorities := rec.Schema == airspace.PrioritySchema && strings.HasPrefix(e.Type, "priority.")
	plans := rec.Schema == onboard.Schema && strings.HasPrefix(e.Type, "plan.")
	sites := rec.Schema == airspace.SiteSchema && (strings.HasPrefix(e.Type, "site.") || strings.HasPrefix(e.Type, "booking.")) || rec.Schema == airspace.RestrictionSchema && strings.HasPrefix(e.Type, "restriction.")
	zone := rec.Schema == airspace.ControlSchema && strings.HasPrefix(e.Type, "zone.")
	if !fences && !alerts && !orders && !ladders && !priorities && !plans && !zone && !sites {
		return e, all
	}
	var body eventBody
	if err := json.Unmarshal(rec.Body, &body); err != nil {
		return e, all
	}
	switch {
	case fences:
		e.Fences = fencesOf(&body)
		return e, true
	case zone:
		return e, e.ofZone(&body) || all
	case priorities:
		for _, c := range body.Changes {
			if c.Priority != nil {
				e.PriorityID = c.Priority.ID
			}
		}
		return e, true
	case sites:
		e.ofSites(&body)
		return e, true
	case orders, ladders, plans:
		return e, e.about(&body, rec.Seq) || all
	}
	e.AlertID, e.Cause = body.ID, body.Cause
	if body.Alert != nil {
		body.Alert.JournalSeq = rec.Seq
		alert := alertOf(body.Alert)
		e.AlertID, e.Alert = alert.ID, &alert
	}
	if body.Ack != nil {
		e.By, e.Note = body.Ack.By, body.Ack.Note
	}
	return e, true
}

// bookedRef is what an event says of a booking.
type bookedRef struct {
	ID   string `json:"id"`
	Site string `json:"site"`
	Org  string `json:"org"`
}

// ofSites takes sites and bookings in.
func (e *Event) ofSites(body *eventBody) {
	for _, c := range body.Changes {
		if c.Site != nil {
			e.SiteID = c.Site.ID
		}
		if c.Restriction != nil {
			e.RestrictID = c.Restriction.ID
		}
		if c.Booking != nil {
			e.BookingIDs, e.bookings = append(e.BookingIDs, c.Booking.ID), append(e.bookings, *c.Booking)
		}
	}
}

// showsBookings leaves of an event the bookings that a view sees: its own, and those of
// its sites; false when there is none.
func (s *Server) showsBookings(e *Event, sees telemetry.View) bool {
	e.BookingIDs, e.By = nil, ""
	for _, b := range e.bookings {
		at, err := s.cfg.Register.Site(b.Site)
		if b.Org != "" && sees.Owns(b.Org) || err == nil && at.Owner != "" && sees.Owns(at.Owner) {
			e.BookingIDs = append(e.BookingIDs, b.ID)
		}
	}
	return len(e.BookingIDs) > 0
}

// ofZone takes the state of the zone in; false when there is none.
func (e *Event) ofZone(body *eventBody) bool {
	for i := range body.Changes {
		if s := body.Changes[i].State; s != nil {
			shown := zoneStateOf(s)
			e.Zone = &shown
		}
	}
	return e.Zone != nil
}

// about takes an order, a lease, a call, an enforcement and a plan in; false when there is none.
func (e *Event) about(body *eventBody, seq uint64) bool {
	if l := body.Lease; l != nil {
		shown := leaseOf(l)
		e.Lease, e.operator = &shown, l.Operator
	}
	if l := body.Ladder; l != nil {
		shown := ladderOf(l)
		e.Enforcement, e.operator = &shown, l.Operator
	}
	if o := body.Order; o != nil {
		o.JournalSeq = seq
		shown := orderOf(o)
		e.Order, e.operator = &shown, o.Operator
	}
	if c := body.Call; c != nil {
		shown := callOf(c)
		e.Call, e.operator = &shown, c.Operator
	}
	if p := body.Plan; p != nil {
		p.JournalSeq = seq
		shown := planOf(p)
		e.Plan, e.operator = &shown, p.Operator
	}
	return e.ofVehicle()
}

// ofVehicle reports whether the event is about one vehicle of an operator.
func (e *Event) ofVehicle() bool {
	return e.Order != nil || e.Lease != nil || e.Call != nil || e.Enforcement != nil || e.Plan != nil
}

// shows reports whether a view sees an event, and shows it an alert as it may see it.
func (s *Server) shows(e *Event, sees telemetry.View) bool {
	if sees.Whole() {
		return true
	}
	e.Entry = nil
	if e.audience != nil {
		return e.showsNotice(sees)
	}
	if e.ofVehicle() {
		return sees.Owns(e.operator)
	}
	if e.AlertID == "" {
		return len(e.Fences) > 0 || e.PriorityID != "" || e.Zone != nil || e.SiteID != "" || e.RestrictID != "" || s.showsBookings(e, sees)
	}
	a, ok := s.cfg.Book.Alert(sees, e.AlertID)
	if ok && e.Alert != nil {
		shown := alertOf(&a)
		e.Alert = &shown
	}
	return ok
}

func fencesOf(body *eventBody) (out []FenceResult) {
	if len(body.Changes) == 0 {
		return []FenceResult{changedRef{Fence: body.Fence, fenceRef: fenceRef{body.ID, body.Rev}}.result()}
	}
	for _, c := range body.Changes {
		out = append(out, c.result())
	}
	return out
}
