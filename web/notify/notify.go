// Package notify tells other systems what happened: it sends the events of the
// journal to webhooks.
//
// A hook gets every event of its types in order, at least once: its place in the
// journal is kept in a file and moves when the receiver answered 2xx. The queue of
// a hook is the journal itself; in memory there is one event per hook. A receiver
// that fails is asked again, later and later; after a day the hook is given up
// and stays so until somebody resumes it, with nothing lost.
//
// Each request is signed: Testzone-Signature is t=<unix seconds>,v1=<hex>, the
// HMAC-SHA-256 of "<t>.<body>" under the hook's secret. Receivers check it and
// that t is recent, and know an event that comes twice by Testzone-Event.
//
// Addresses within are refused when connecting, after the name was resolved, and
// redirects are not followed. Hooks and their secrets stand beside the journal,
// in a file of mode 0600: the journal is read by auditors and never forgets,
// and the place of a hook changes with every event. That a hook was made, resumed
// or deleted, by whom and to which host, is a decision in the journal; of the file
// and the journal the journal holds, when a crash came between the two.
//
// A Notifier is safe for concurrent use.
package notify

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"testzone/telemetry/journal"
)

var (
	// ErrNotFound is returned when there is no hook of that id.
	ErrNotFound = errors.New("no such webhook")
	// ErrStale is returned when the hook changed since the revision that the caller saw.
	ErrStale = errors.New("the webhook changed since you read it")
	// ErrURL is returned when an address cannot be that of a hook.
	ErrURL = errors.New("not the address of a webhook")
	// ErrTooMany is returned when there are as many hooks as there may be.
	ErrTooMany = errors.New("too many webhooks: delete one first")
	// ErrInternal is returned when an address leads into the inner network.
	ErrInternal = errors.New("the address is one of the inner network")
	// ErrDeleted is returned when a request is repeated whose hook was deleted since.
	ErrDeleted = errors.New("this request made a webhook that was deleted since: use a new Idempotency-Key")
	// ErrStore is returned when the file of hooks cannot be read or written.
	ErrStore = errors.New("the file of webhooks")
)

// Source is the journal.
type Source interface {
	Append(ctx context.Context, batch ...journal.Entry) ([]uint64, error)
	Head() (seq uint64, hash [32]byte)
	Follow(ctx context.Context, from uint64, apply func(journal.Record) error) error
}

// Config of a Notifier. Source and Encode are needed.
type Config struct {
	Path   string // file of the hooks; default none: they are forgotten at the stop
	Source Source
	// Encode writes the event of a record for a hook of these types; not ok: it
	// is not for that hook.
	Encode func(rec *journal.Record, types []string) (body []byte, ok bool)

	MaxHooks int           // default 50
	First    time.Duration // until the second attempt; twice as long each time; default 1 s
	Longest  time.Duration // between two attempts; default 5 min
	GiveUp   time.Duration // from the first attempt of an event to giving up; default 24 h
	Save     time.Duration // how often places are written, and so how much is repeated after a crash; default 1 s

	// UnsafeAllowInternal lets hooks be http and lead to loopback and private
	// addresses: whoever may make a hook can then reach every service there.
	UnsafeAllowInternal bool

	Clock  func() time.Time // default time.Now
	Logger *slog.Logger     // default slog.Default
}

// State says whether a hook is sent to.
type State string

// The states.
const (
	Active  State = "active"
	GivenUp State = "given_up"
)

// Hook is one receiver.
type Hook struct {
	ID        string   `json:"id"`
	Rev       uint64   `json:"rev"`
	URL       string   `json:"url"`
	Types     []string `json:"types"`
	CreatedUS int64    `json:"created_us"`
	CreatedBy string   `json:"created_by"`
	State     State    `json:"state"`
	Acked     uint64   `json:"acked"` // journal sequence up to which nothing is left to send

	Attempts  int    `json:"attempts,omitempty"`   // of the event that is being sent, that failed
	FailedUS  int64  `json:"failed_us,omitempty"`  // when the first of them did
	LastError string `json:"last_error,omitempty"` // of the last of them
}

// stored is a hook with what nobody is shown.
type stored struct {
	Hook
	Secret   string           `json:"secret"`
	Request  *journal.Request `json:"request,omitempty"`  // that made it
	Doubtful bool             `json:"doubtful,omitempty"` // was not known to be decided when the file was written
}

// Notifier keeps the hooks and sends.
type Notifier struct {
	cfg    Config
	client *http.Client
	wake   chan struct{} // 1: hooks came or went
	turn   chan struct{} // holds one token while somebody decides

	saving sync.Mutex // one write of the file at a time

	mu       sync.Mutex // guards the fields below
	hooks    map[string]*stored
	doubtful map[string]*stored // in the file, and not known to be decided: see Replay
	gone     map[string]bool    // that were deleted
	dirty    bool
}

// New reads the hooks. Replay every record of the journal into it before it is used.
func New(cfg Config) (*Notifier, error) {
	if cfg.Source == nil || cfg.Encode == nil {
		return nil, errors.New("notify: source and encode are needed")
	}
	cfg.MaxHooks = cmp.Or(cfg.MaxHooks, 50)
	cfg.First, cfg.Longest = cmp.Or(cfg.First, time.Second), cmp.Or(cfg.Longest, 5*time.Minute)
	cfg.GiveUp, cfg.Save = cmp.Or(cfg.GiveUp, 24*time.Hour), cmp.Or(cfg.Save, time.Second)
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	n := &Notifier{cfg: cfg, client: newClient(cfg.UnsafeAllowInternal), wake: make(chan struct{}, 1), turn: make(chan struct{}, 1)}
	n.hooks, n.doubtful, n.gone = map[string]*stored{}, map[string]*stored{}, map[string]bool{}
	return n, n.load()
}

// Hooks lists the hooks, by id.
func (n *Notifier) Hooks() []Hook {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make([]Hook, 0, len(n.hooks))
	for _, h := range n.hooks {
		out = append(out, h.Hook)
	}
	slices.SortFunc(out, func(a, b Hook) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Hook is one hook.
func (n *Notifier) Hook(id string) (Hook, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h, ok := n.hooks[id]
	if !ok {
		return Hook{}, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	return h.Hook, nil
}

// Check says why no hook can be made of an address; nil if one can.
func (n *Notifier) Check(url string) error {
	if err := checkURL(url, n.cfg.UnsafeAllowInternal); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.hooks) >= n.cfg.MaxHooks {
		return ErrTooMany
	}
	return nil
}

// answered is the hook that a request made before.
func (n *Notifier) answered(r *journal.Request, nowUS int64) (*stored, error) {
	if r == nil {
		return nil, nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, h := range n.hooks {
		if q := h.Request; q != nil && q.By == r.By && q.Key == r.Key && nowUS-h.CreatedUS <= journal.RequestWindowUS {
			if q.SHA256 != r.SHA256 {
				return nil, journal.ErrKeyReused
			}
			copied := *h
			return &copied, nil
		}
	}
	return nil, nil
}

func (n *Notifier) signal() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func random(bytes int) []byte {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // crypto/rand.Read never fails
	return b
}
