// Package mail sends letters to people by SMTP, one at a time and later again when the
// mail server is not well.
//
// What is sent is derived: Next yields who is to be written to of what, from a place
// on, and Write makes the letter when it is sent, so that an address is read at the last
// moment and stands in no file of this package. The file, of mode 0600, has the place,
// the letters that are left, and which person's last letter was given up. It is written
// before a letter is sent for the first time and after each that was taken: a restart
// repeats none that was taken, a crash just then at most one, under the same Message-ID.
//
// A server that refuses a recipient or a letter for good (5xx to RCPT or DATA) ends that
// letter; whatever else goes wrong is tried again, each time later, until the letter is
// too old. While the server cannot be reached nobody else's letter is tried. The queue
// is bounded: what is beyond stays where it is derived from. Nothing waits for a Mailer.
//
// A Mailer is safe for concurrent use.
package mail

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

var (
	// ErrConfig is returned when a Mailer cannot work as it is configured; it wraps why.
	ErrConfig = errors.New("mail is not configured")
	// ErrStore is returned when the file of letters cannot be read or written.
	ErrStore = errors.New("the file of letters")
	// errRefused is returned when the server does not take this letter, now and ever.
	errRefused = errors.New("refused")
	// errUnreachable is returned when no letter could be sent.
	errUnreachable = errors.New("the mail server cannot be used")
)

// Policy is how the connection is encrypted.
type Policy string

// The policies. None is for a server on the same machine.
const (
	StartTLS Policy = "starttls" // and nothing is sent without it
	TLS      Policy = "tls"      // from the first byte on
	None     Policy = "none"
)

// Letter is one that is to be sent: of what, and to whom.
type Letter struct {
	Notice uint64 `json:"notice"`
	Person string `json:"person"`
}

// Message is a letter as it is sent: plain text.
type Message struct {
	To, Subject, Body string
}

// Failure is a letter that was given up.
type Failure struct {
	AtUS  int64  `json:"at_us"`
	Error string `json:"error"`
}

// Config of a Mailer. Addr, From, Next and Write are needed.
type Config struct {
	Addr               string // host:port
	From               string
	Username, Password string // empty: no authentication
	TLS                Policy // default StartTLS
	RootCAs            *x509.CertPool

	Path string // file of the letters; default none: they are forgotten at the stop
	// Next are the letters behind a place, of at most limit notices, and the place
	// behind these; the same place: there are none.
	Next func(place uint64, limit int) (letters []Letter, next uint64)
	// Write makes a letter; false: nobody wants it any more.
	Write func(Letter) (Message, bool)
	Begin uint64 // place when there is no file: nobody is written to of what was before

	First   time.Duration // until the second attempt; twice as long each time; default 30 s
	Longest time.Duration // between two attempts; default 30 min
	GiveUp  time.Duration // how old a letter becomes; default 48 h
	Timeout time.Duration // of one letter; default 20 s
	Most    int           // letters that wait; default 5,000

	Clock  func() time.Time // default time.Now
	Logger *slog.Logger     // default slog.Default
}

// waiting is a letter that is left to send.
type waiting struct {
	Letter
	SinceUS  int64  `json:"since_us"`
	NextUS   int64  `json:"next_us,omitempty"`
	Attempts int    `json:"attempts,omitempty"`
	Error    string `json:"error,omitempty"`
}

// Mailer sends.
type Mailer struct {
	cfg  Config
	wake chan struct{} // 1: there may be something new

	mu     sync.Mutex // guards the fields below
	place  uint64
	queue  []*waiting
	failed map[string]Failure // by person
	sent   uint64
}

// New reads the letters that are left.
func New(cfg Config) (*Mailer, error) {
	cfg.TLS = cmp.Or(cfg.TLS, StartTLS)
	cfg.First, cfg.Longest = cmp.Or(cfg.First, 30*time.Second), cmp.Or(cfg.Longest, 30*time.Minute)
	cfg.GiveUp, cfg.Timeout, cfg.Most = cmp.Or(cfg.GiveUp, 48*time.Hour), cmp.Or(cfg.Timeout, 20*time.Second), cmp.Or(cfg.Most, 5000)
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	m := &Mailer{cfg: cfg, wake: make(chan struct{}, 1), place: cfg.Begin, failed: map[string]Failure{}}
	if cfg.Next == nil || cfg.Write == nil {
		return nil, fmt.Errorf("%w: next and write are needed", ErrConfig)
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	found, err := m.load()
	if err == nil && !found {
		err = m.save() // the place holds from now on, whatever comes
	}
	return m, err
}

// Wake tells that there may be new letters.
func (m *Mailer) Wake() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Failed is the last letter to a person, if it was given up.
func (m *Mailer) Failed(person string) (Failure, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.failed[person]
	return f, ok
}

// Figures are how many letters were taken since the start, and how many wait.
func (m *Mailer) Figures() (sent uint64, waiting int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sent, len(m.queue)
}

// Run sends until ctx ends.
func (m *Mailer) Run(ctx context.Context) error {
	for {
		m.take()
		w, wait := m.due()
		if w != nil && ctx.Err() == nil {
			m.one(ctx, w)
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-m.wake:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// noticesAtOnce is how many notices are asked for at once.
const noticesAtOnce = 100

// take moves what is new into the queue, as long as there is room.
func (m *Mailer) take() {
	for changed := false; ; changed = true {
		m.mu.Lock()
		place, room := m.place, m.cfg.Most-len(m.queue)
		m.mu.Unlock()
		letters, next := []Letter(nil), place
		if room > 0 {
			letters, next = m.cfg.Next(place, noticesAtOnce)
		}
		if next == place {
			if changed {
				m.keep()
			}
			return
		}
		now := m.cfg.Clock().UnixMicro()
		m.mu.Lock()
		for _, l := range letters {
			m.queue = append(m.queue, &waiting{Letter: l, SinceUS: now})
		}
		m.place = next
		m.mu.Unlock()
	}
}

// idle is how long nothing is looked at when nothing is due.
const idle = time.Minute

// due is the letter to send now, else how long to wait.
func (m *Mailer) due() (*waiting, time.Duration) {
	now := m.cfg.Clock().UnixMicro()
	m.mu.Lock()
	defer m.mu.Unlock()
	wait := idle
	for _, w := range m.queue {
		if w.NextUS <= now {
			return w, 0
		}
		wait = min(wait, time.Duration(w.NextUS-now)*time.Microsecond)
	}
	return nil, wait
}

// one tries one letter.
func (m *Mailer) one(ctx context.Context, w *waiting) {
	msg, wanted := m.cfg.Write(w.Letter)
	var err error
	if wanted {
		err = m.send(ctx, w.Letter, msg)
	}
	if ctx.Err() != nil && err != nil {
		return // it is left for the next start
	}
	now := m.cfg.Clock().UnixMicro()
	m.mu.Lock()
	switch old := now-w.SinceUS > m.cfg.GiveUp.Microseconds(); {
	case err == nil:
		if wanted {
			m.sent++
			delete(m.failed, w.Person)
		}
		m.drop(w)
	case errors.Is(err, errRefused) || old:
		m.failed[w.Person] = Failure{now, err.Error()}
		m.drop(w)
	default:
		w.Attempts++
		w.Error, w.NextUS = err.Error(), now+m.backoff(w.Attempts).Microseconds()
		if errors.Is(err, errUnreachable) { // the others would fare the same
			for _, other := range m.queue {
				other.NextUS = max(other.NextUS, w.NextUS)
			}
		}
	}
	m.mu.Unlock()
	if err != nil {
		m.cfg.Logger.Warn("mail not sent", "notice", w.Notice, "person", w.Person, "attempts", w.Attempts, "err", err)
	}
	m.keep()
}

// backoff is how long to wait after so many failures.
func (m *Mailer) backoff(attempts int) time.Duration {
	wait := m.cfg.First
	for range attempts - 1 {
		if wait *= 2; wait >= m.cfg.Longest {
			return m.cfg.Longest
		}
	}
	return wait
}

// drop takes a letter out of the queue. Called with m.mu held.
func (m *Mailer) drop(w *waiting) {
	m.queue = slices.DeleteFunc(m.queue, func(x *waiting) bool { return x == w })
}

// keep writes the file; a disk that fails costs a repetition, not the mails.
func (m *Mailer) keep() {
	if err := m.save(); err != nil {
		m.cfg.Logger.Warn("letters not saved; some may be sent again after a restart", "err", err)
	}
}
