package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"testzone/airspace"
	"testzone/telemetry/journal"
)

// errBadKey is returned when an Idempotency-Key cannot be one.
var errBadKey = errors.New("an Idempotency-Key has 8 to 80 visible ASCII characters")

const (
	keyHeader      = "Idempotency-Key"
	minKey, maxKey = 8, 80
	maxRequests    = 50_000 // that are remembered, about 300 bytes each
)

func idempotencyParam() *huma.Param {
	shortest, longest := minKey, maxKey
	return &huma.Param{
		Name: keyHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString, MinLength: &shortest, MaxLength: &longest},
		Description: "Of your choice, new for every act. Within 24 hours the same call with the same key is answered as the first time and does nothing again.",
	}
}

// Requests are the requests with an Idempotency-Key that were answered within
// the last day, of all operations: a key stands for one request. Replay every
// record of the journal into it before it is given to a Server.
type Requests struct {
	mu     sync.Mutex // guards the fields below
	byName map[requestName]seenRequest
	order  []requestName            // oldest first
	busy   map[requestName]chan any // closed when the request that runs has ended
}

type requestName struct{ by, key string }

type seenRequest struct {
	sha256 string
	atUS   int64
}

// NewRequests makes an empty one.
func NewRequests() *Requests {
	return &Requests{byName: map[requestName]seenRequest{}, busy: map[requestName]chan any{}}
}

// Replay takes the request of a record, if it has one. It costs a scan of the
// body of a record without a request.
func (q *Requests) Replay(rec journal.Record) error {
	if !bytes.Contains(rec.Body, []byte(`"request":{`)) {
		return nil
	}
	var body struct {
		Request *journal.Request `json:"request"`
	}
	// Entries of others may hold the words by chance: those are not ours to judge.
	if err := json.Unmarshal(rec.Body, &body); err == nil && body.Request != nil {
		q.note(body.Request, rec.TimeUS)
	}
	return nil
}

func (q *Requests) note(r *journal.Request, atUS int64) {
	name := requestName{r.By, r.Key}
	q.mu.Lock()
	defer q.mu.Unlock()
	if old, known := q.byName[name]; known && atUS-old.atUS <= journal.RequestWindowUS {
		return
	}
	q.byName[name] = seenRequest{r.SHA256, atUS}
	q.order = append(q.order, name)
	for len(q.order) > 1 && (len(q.order) > maxRequests || atUS-q.byName[q.order[0]].atUS > journal.RequestWindowUS) {
		delete(q.byName, q.order[0])
		q.order = q.order[1:]
	}
}

// begin waits for a request of the same name that runs, and says whether it was
// answered already. Call end when it is done.
func (q *Requests) begin(ctx context.Context, r *journal.Request, nowUS int64) (again bool, err error) {
	name := requestName{r.By, r.Key}
	for {
		q.mu.Lock()
		running := q.busy[name]
		if running == nil {
			defer q.mu.Unlock()
			old, known := q.byName[name]
			known = known && nowUS-old.atUS <= journal.RequestWindowUS
			if known && old.sha256 != r.SHA256 {
				return false, journal.ErrKeyReused
			}
			q.busy[name] = make(chan any)
			return known, nil
		}
		q.mu.Unlock()
		select {
		case <-running:
		case <-ctx.Done():
			return false, fmt.Errorf("wait for the same request: %w", ctx.Err())
		}
	}
}

func (q *Requests) end(r *journal.Request) {
	name := requestName{r.By, r.Key}
	q.mu.Lock()
	defer q.mu.Unlock()
	close(q.busy[name])
	delete(q.busy, name)
}

// onlyOnce makes a request with a key happen once. What a repetition is
// answered is up to the operation, which finds the request in its context.
func (s *Server) onlyOnce(ctx huma.Context, actor airspace.Actor, to rule, body []byte, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	keys := r.Header.Values(keyHeader)
	if len(keys) == 0 {
		next(ctx)
		return
	}
	fail := func(err error) { writeProblem(w, s.problemOf(ctx.Context(), err)) }
	if len(keys) > 1 || !isKey(keys[0]) {
		fail(errBadKey)
		return
	}
	q := &journal.Request{By: actor.ID, Key: keys[0], SHA256: digestOf(r, body)}
	if to.secret { // the journal never forgets, and a password could be guessed from its digest
		q.SHA256 = s.cfg.Auth.Secrets().Blind(q.SHA256)
	}
	again, err := s.cfg.Requests.begin(ctx.Context(), q, s.cfg.Clock().UnixMicro())
	if err != nil {
		fail(err)
		return
	}
	defer s.cfg.Requests.end(q)
	if again {
		w.Header().Set("Idempotency-Replayed", "true")
		ctx = huma.WithValue(ctx, repeatedKey{}, true)
	}
	next(huma.WithContext(ctx, journal.WithRequest(ctx.Context(), q)))
	if status := ctx.Status(); status >= 200 && status < 300 && !isTrial(r) {
		s.cfg.Requests.note(q, s.cfg.Clock().UnixMicro())
	}
}

type repeatedKey struct{}

// isRepeated reports whether the request of ctx was answered before. Whoever keeps
// answers by request need not ask.
func isRepeated(ctx context.Context) bool { return ctx.Value(repeatedKey{}) != nil }

func isKey(s string) bool {
	if len(s) < minKey || len(s) > maxKey {
		return false
	}
	for i := range len(s) {
		if s[i] < '!' || s[i] > '~' {
			return false
		}
	}
	return true
}

// digestOf is of all that says what a request asks for.
func digestOf(r *http.Request, body []byte) string {
	h := sha256.New()
	for _, part := range []string{r.Method, r.URL.RequestURI(), r.Header.Get("If-Match")} {
		fmt.Fprintf(h, "%d %s\n", len(part), part)
	}
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}
