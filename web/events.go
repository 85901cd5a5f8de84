package web

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/telemetry/command/ladder"
	"testzone/telemetry/command/onboard"
	"testzone/telemetry/journal"
)

const (
	eventsPath      = "/v1/events"
	eventsOperation = "events"
	eventStream     = "text/event-stream"

	eventHeartbeat  = 15 * time.Second
	eventWriteWait  = 10 * time.Second // a reader that takes nothing for so long is closed
	maxEventStreams = 200
	maxOwnStreams   = 10 // of one actor
	eventsAhead     = 64 // that wait for a reader
)

// errTrimmed is returned when the journal no longer has, or does not have, the entries after an event.
var errTrimmed = errors.New("the journal does not have the events after this one: read the lists again, and start without Last-Event-ID")

// EventSource is the journal, as those who follow events need it.
type EventSource interface {
	Head() (seq uint64, hash [32]byte)
	Follow(ctx context.Context, from uint64, apply func(journal.Record) error) error
}

// Event is one entry of the journal.
type Event struct {
	Seq        uint64          `json:"seq" doc:"Its place in the journal; the event's id"`
	Type       string          `json:"type" doc:"E.g. fence.put, fence.deleted, fence.batch, alert.raised, alert.cleared, alert.acknowledged, order.asked, order.in_effect, lease.taken, call.needed, enforcement.step, enforcement.frozen, priority.announced, priority.changed, priority.ended, plan.in_step, zone.state; with audit.read also duty.sign_on, person.create and the like"`
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
	PriorityID string          `json:"priority_id,omitempty" doc:"Of priority traffic that was announced, changed or ended: read it"`
	Plan       *Plan           `json:"plan,omitempty" doc:"What is known of what a vehicle carries, as it was then"`
	Zone       *ZoneState      `json:"zone,omitempty" doc:"What the zone may be used for from then on"`
	Hash       string          `json:"hash,omitempty" doc:"Chain hash; with audit.read"`
	Entry      json.RawMessage `json:"entry,omitempty" doc:"The entry as it is stored; with audit.read"`

	Enforcement *BreachEnforcement `json:"enforcement,omitempty" doc:"Of the breach of a vehicle, as it was then"`

	operator string // of the vehicle that an order or a lease is about
	bookings []bookedRef
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

// typeLetters are what the name of a type is made of.
const typeLetters = "abcdefghijklmnopqrstuvwxyz0123456789._-"

// eventFilter says which types are wanted; empty: all. "fence.*" is a family.
type eventFilter []string

func (f eventFilter) wants(kind string) bool {
	return len(f) == 0 || slices.ContainsFunc(f, func(t string) bool {
		family, ok := strings.CutSuffix(t, "*")
		return t == kind || ok && strings.HasPrefix(kind, family)
	})
}

// fault says why it is no filter; "" when it is one.
func (f eventFilter) fault() string {
	if len(f) > 20 {
		return "at most 20 types"
	}
	for _, t := range f {
		name, _ := strings.CutSuffix(t, "*")
		if name == "" || len(t) > 60 || strings.Trim(name, typeLetters) != "" {
			return "types are names such as alert.raised, or families such as fence.*"
		}
	}
	return ""
}

// eventStreams counts those who follow.
type eventStreams struct {
	mu    sync.Mutex // guards the fields below
	all   int
	byWho map[string]int
}

func (n *eventStreams) enter(who string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.all >= maxEventStreams || n.byWho[who] >= maxOwnStreams {
		return errTooManySessions
	}
	if n.byWho == nil {
		n.byWho = map[string]int{}
	}
	n.all++
	n.byWho[who]++
	return nil
}

func (n *eventStreams) leave(who string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all--
	if n.byWho[who]--; n.byWho[who] == 0 {
		delete(n.byWho, who)
	}
}

// eventRequest is what a follower asks for.
type eventRequest struct {
	from   uint64
	filter eventFilter
	all    bool
	sees   telemetry.View
}

// eventRequestOf reads and judges a request to follow.
func (s *Server) eventRequestOf(r *http.Request, actor airspace.Actor) (q eventRequest, err error) {
	ctx := r.Context()
	if s.cfg.Events == nil {
		return q, journal.ErrClosed
	}
	if !strings.Contains(r.Header.Get("Accept"), eventStream) {
		return q, newProblem(ctx, http.StatusNotAcceptable, "not_acceptable", "Send Accept: "+eventStream+"; this answer does not end by itself.")
	}
	fault := func(at, message string) error {
		p := newProblem(ctx, http.StatusUnprocessableEntity, "invalid", "The request has faults; see errors.")
		p.Errors = []FieldError{{at, message}}
		return p
	}
	query := r.URL.Query()
	for name := range query {
		if name != "types" && name != "after" {
			return q, fault("query."+name, "unknown query parameter")
		}
	}
	if types := query.Get("types"); types != "" {
		q.filter = strings.Split(types, ",")
		if message := q.filter.fault(); message != "" {
			return q, fault("query.types", message)
		}
	}
	head, _ := s.cfg.Events.Head()
	q.from = head + 1
	at, last := "header.Last-Event-ID", r.Header.Get("Last-Event-ID") // a browser that comes back sends it beside the first query
	if last == "" {
		at, last = "query.after", query.Get("after")
	}
	if last != "" {
		seq, err := strconv.ParseUint(last, 10, 63)
		if err != nil {
			return q, fault(at, "it is the id of an event: a number")
		}
		if seq > head || seq+1 < s.cfg.OldestEvent() {
			return q, errTrimmed
		}
		q.from = seq + 1
	}
	q.all, q.sees = actor.May(airspace.AuditRead), s.viewOfActor(actor)
	return q, nil
}

// serveEvents streams the journal as server-sent events. Nothing is kept for a
// reader: one that is slow is read for from the files, one that takes nothing
// is closed and comes back with the id of the last event that it has.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	actor, err := s.authorise(r, rules()[eventsOperation])
	if err == nil {
		err = s.principals.take(actor.ID, s.cfg.Clock())
	}
	var q eventRequest
	if err == nil {
		q, err = s.eventRequestOf(r, actor)
	}
	if err == nil {
		err = s.streams.enter(actor.ID)
	}
	if err != nil {
		s.refuse(w, r, eventsOperation, actor, s.problemOf(r.Context(), err))
		return
	}
	defer s.streams.leave(actor.ID)
	ctx, cancel := context.WithCancel(r.Context())
	records := make(chan journal.Record, eventsAhead)
	followed := make(chan error, 1)
	var follower sync.WaitGroup
	follower.Go(func() {
		followed <- s.cfg.Events.Follow(ctx, q.from, func(rec journal.Record) error {
			select {
			case records <- rec:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	err = s.streamEvents(w, r, q, records, followed)
	cancel()
	follower.Wait()
	s.log.DebugContext(r.Context(), "events ended", "request_id", requestID(r.Context()), "actor", actor.ID, "reason", err)
}

// streamEvents writes until something ends the stream, and says what it was.
func (s *Server) streamEvents(w http.ResponseWriter, r *http.Request, q eventRequest, records <-chan journal.Record, followed <-chan error) error {
	ctl := http.NewResponseController(w)
	_ = ctl.SetReadDeadline(time.Time{}) // its end would end the request
	w.Header().Set("Content-Type", eventStream)
	w.Header().Set("X-Accel-Buffering", "no") // proxies of a common kind would hold events back
	var out bytes.Buffer
	seen := q.from - 1
	send := func() error {
		_ = ctl.SetWriteDeadline(time.Now().Add(eventWriteWait))
		if _, err := w.Write(out.Bytes()); err != nil {
			return err
		}
		out.Reset()
		return ctl.Flush()
	}
	beat := time.NewTicker(eventHeartbeat)
	defer beat.Stop()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	rechecked := s.cfg.Clock()
	fmt.Fprintf(&out, ": events after %d\nretry: 3000\n\n", seen)
	if err := send(); err != nil {
		return err
	}
	for {
		select {
		case rec := <-records:
			seen = rec.Seq
			e, visible := eventOf(&rec, q.all)
			if !visible || !q.filter.wants(e.Type) || !s.shows(&e, q.sees) {
				continue
			}
			fmt.Fprintf(&out, "id: %d\nevent: %s\ndata: %s\n\n", e.Seq, e.Type, encodeJSON(&e))
		case <-beat.C:
			fmt.Fprintf(&out, "id: %d\n: nothing new\n\n", seen) // what was filtered need not be read again
		case <-second.C:
			now := s.cfg.Clock()
			if now.Sub(rechecked) < recheckEvery {
				continue
			}
			rechecked = now
			actor, err := s.authorise(r, rules()[eventsOperation])
			if err != nil || actor.May(airspace.AuditRead) != q.all || s.viewOfActor(actor) != q.sees {
				return errors.Join(errForbidden, err)
			}
			continue
		case err := <-followed:
			return err
		case <-s.live.stopping:
			return errStopping
		case <-r.Context().Done():
			return r.Context().Err()
		}
		if err := send(); err != nil {
			return err
		}
	}
}

// documentEvents puts the stream into the document.
func documentEvents(api *huma.OpenAPI) {
	problem := map[string]*huma.MediaType{problemJSON: {Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}}}
	responses := map[string]*huma.Response{"200": {
		Description: "Events; id is the sequence, event the type, data an Event as JSON. A comment comes when there was nothing for 15 seconds",
		Content:     map[string]*huma.MediaType{eventStream: {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	for _, status := range []int{401, 403, 406, 410, 422, 429, 503} {
		responses[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status), Content: problem}
	}
	api.Components.Schemas.Schema(reflect.TypeFor[Event](), true, "")
	text := &huma.Schema{Type: huma.TypeString}
	api.AddOperation(&huma.Operation{
		OperationID: eventsOperation, Method: http.MethodGet, Path: eventsPath, Tags: []string{"events"},
		Summary: "Entries of the journal as server-sent events, as they become durable",
		Description: "Send Accept: text/event-stream. With zone.read fences, alerts and orders are shown, with audit.read everything. " +
			"Each event comes in order and once; a reader that takes nothing for 10 seconds is closed and resumes with Last-Event-ID. " +
			"410 says that the journal does not have what follows that event.",
		Parameters: []*huma.Param{
			{Name: "types", In: "query", Schema: text, Description: "Only these types, with commas; fence.* is a family"},
			{Name: "after", In: "query", Schema: text, Description: "Events after this sequence, 0 for all; without it and Last-Event-ID: new ones"},
			{Name: "Last-Event-ID", In: "header", Schema: text, Description: "As after; comes first"},
		},
		Responses: responses,
	})
}
