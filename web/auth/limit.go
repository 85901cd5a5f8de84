package auth

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// failureBurst failed sign-ins are free; after that one more every failureEvery.
	failureBurst = 10
	failureEvery = 6 * time.Second
	// maxAddresses bounds the table. When it is full and nobody in it is at
	// rest, a new address shares one limiter with all others that found no room.
	maxAddresses = 10_000
)

// failures counts failed sign-ins per address.
type failures struct {
	mu     sync.Mutex // guards the fields below
	byAddr map[string]*rate.Limiter
	shared *rate.Limiter
}

func newFailures() *failures {
	return &failures{byAddr: map[string]*rate.Limiter{}, shared: newLimiter()}
}

func newLimiter() *rate.Limiter { return rate.NewLimiter(rate.Every(failureEvery), failureBurst) }

// wait is how long the address must wait before its next attempt.
func (f *failures) wait(address string, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	l, ok := f.byAddr[address]
	if !ok {
		if len(f.byAddr) < maxAddresses {
			return 0
		}
		l = f.shared
	}
	if have := l.TokensAt(now); have < 1 {
		return time.Duration((1 - have) * float64(failureEvery))
	}
	return 0
}

func (f *failures) add(address string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l, ok := f.byAddr[address]
	if !ok {
		if len(f.byAddr) >= maxAddresses {
			f.forgetRested(now)
		}
		if len(f.byAddr) >= maxAddresses {
			f.shared.AllowN(now, 1)
			return
		}
		l = newLimiter()
		f.byAddr[address] = l
	}
	l.AllowN(now, 1)
}

func (f *failures) forgetRested(now time.Time) {
	for a, l := range f.byAddr {
		if l.TokensAt(now) >= failureBurst {
			delete(f.byAddr, a)
		}
	}
}

// addressOf is the peer of the connection; forwarding headers are not
// believed. IPv6 counts by /64, which is what one household gets.
func addressOf(r *http.Request) string {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr := ap.Addr().Unmap().WithZone("")
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}
