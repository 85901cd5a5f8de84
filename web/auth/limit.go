package auth

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxLimited bounds a table. When it is full and nobody in it is at rest, a new
// key shares one limiter with all others that found no room.
const maxLimited = 10_000

// failures counts failed attempts by key: an address, or an account. The first
// burst are free, after that one more every so often.
type failures struct {
	every time.Duration
	burst int

	mu     sync.Mutex // guards the fields below
	byKey  map[string]*rate.Limiter
	shared *rate.Limiter
}

func newFailures(every time.Duration, burst int) *failures {
	f := &failures{every: every, burst: burst, byKey: map[string]*rate.Limiter{}}
	f.shared = f.limiter()
	return f
}

func (f *failures) limiter() *rate.Limiter { return rate.NewLimiter(rate.Every(f.every), f.burst) }

// take reserves an attempt before it is judged, so that many at once do not
// slip through. Call giveBack when it did not fail. When there is none left,
// wait says for how long.
func (f *failures) take(key string, now time.Time) (giveBack func(), wait time.Duration) {
	f.mu.Lock()
	l, ok := f.byKey[key]
	if !ok {
		if len(f.byKey) >= maxLimited {
			f.forgetRested(now)
		}
		if l = f.shared; len(f.byKey) < maxLimited {
			l = f.limiter()
			f.byKey[key] = l
		}
	}
	f.mu.Unlock()
	r := l.ReserveN(now, 1)
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return nil, wait
	}
	return func() { r.CancelAt(now) }, 0
}

func (f *failures) forgetRested(now time.Time) {
	for k, l := range f.byKey {
		if l.TokensAt(now) >= float64(f.burst) {
			delete(f.byKey, k)
		}
	}
}

// limits of failed attempts. A right token is never held up: tokens cannot be
// guessed, and whoever fails from the same address must not lock others out. A
// password can be guessed, so it waits; but a person who signed in from an
// address before has an allowance of its own there, which nobody else's
// failures use up.
type limits struct {
	bearer  *failures // by address: wrong bearer tokens
	address *failures // by address: wrong tokens and passwords at sign-in
	account *failures // by login name, from everywhere that is new to it
	known   *failures // by login name and address that is known to it
}

func newLimits() limits {
	return limits{
		bearer:  newFailures(500*time.Millisecond, 200), // a script with an old token is no attack
		address: newFailures(6*time.Second, 10),
		account: newFailures(30*time.Second, 20),
		known:   newFailures(10*time.Second, 10),
	}
}

// attempt is one bucket that an attempt at a password draws from.
type attempt struct {
	from *failures
	key  string
}

// takeAll reserves from all buckets or from none.
func takeAll(now time.Time, attempts ...attempt) (giveBack func(), wait time.Duration) {
	var taken []func()
	giveBack = func() {
		for _, g := range taken {
			g()
		}
	}
	for _, a := range attempts {
		g, w := a.from.take(a.key, now)
		if w > 0 {
			giveBack()
			return nil, w
		}
		taken = append(taken, g)
	}
	return giveBack, 0
}

// peerOf is the address that a request comes from: the peer of the connection,
// or, when that is one of our proxies, the last address that the proxies did
// not add themselves. Forwarding headers of others are not believed.
func peerOf(r *http.Request, proxies []netip.Prefix) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	peer := ap.Addr().Unmap().WithZone("")
	ours := func(a netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && ours(peer); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		peer = hop.Unmap().WithZone("")
	}
	return peer
}

// addressKey is what counts as one address: IPv6 counts by /64, which is what
// one household gets.
func addressKey(peer netip.Addr) string {
	if peer.Is6() {
		if p, err := peer.Prefix(64); err == nil {
			return p.String()
		}
	}
	return peer.String()
}
