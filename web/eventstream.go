package web

import (
	"bytes"
	"context"
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
