package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"testzone/airspace"
)

// Rate bounds requests. The zero value is a default.
type Rate struct {
	PerSecond float64
	Burst     int // at once
}

func (r Rate) or(usual Rate) Rate {
	if r.PerSecond <= 0 {
		r.PerSecond = usual.PerSecond
	}
	if r.Burst <= 0 {
		r.Burst = max(usual.Burst, int(r.PerSecond))
	}
	return r
}

// maxThrottled bounds the table of one throttle, about 150 bytes per name. When
// it is full and nobody in it is at rest, a new name shares one limiter with all
// others that found no room.
const maxThrottled = 20_000

// throttle limits requests by name: of an address or of a principal.
type throttle struct {
	rate Rate

	mu     sync.Mutex // guards the fields below
	byName map[string]*rate.Limiter
	shared *rate.Limiter
	swept  time.Time // when those at rest were last looked for
}

func newThrottle(r Rate) *throttle {
	t := &throttle{rate: r, byName: map[string]*rate.Limiter{}}
	t.shared = t.limiter()
	return t
}

func (t *throttle) limiter() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(t.rate.PerSecond), t.rate.Burst)
}

// rateError is returned when a caller asks too often.
type rateError struct{ wait time.Duration }

func (e *rateError) Error() string {
	return fmt.Sprintf("too many requests: wait %.1f s", e.wait.Seconds())
}

// take counts one request, or refuses it with a *rateError.
func (t *throttle) take(name string, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, known := t.byName[name]
	if !known {
		if l = t.room(now); l != t.shared {
			t.byName[name] = l
		}
	}
	if l.AllowN(now, 1) {
		return nil
	}
	return &rateError{time.Duration((1 - l.TokensAt(now)) / t.rate.PerSecond * float64(time.Second))}
}

// room is a limiter for a new name: one of its own if the table has a place.
func (t *throttle) room(now time.Time) *rate.Limiter {
	if len(t.byName) >= maxThrottled && now.Sub(t.swept) >= time.Second { // it takes a millisecond
		t.swept = now
		for name, l := range t.byName {
			if l.TokensAt(now) >= float64(t.rate.Burst) {
				delete(t.byName, name)
			}
		}
	}
	if len(t.byName) >= maxThrottled {
		return t.shared
	}
	return t.limiter()
}

// perAddress refuses an address that asks too often, before anything is done for it.
func (s *Server) perAddress(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := s.addresses.take(peerOf(r), s.cfg.Clock())
		if err != nil && r.URL.Path == emergencyPath {
			// Others of the same address must not keep a controller from this.
			_, err = s.authorise(r, rules()["emergencyFence"])
		}
		if err != nil {
			s.refuse(w, r, "", airspace.Actor{}, s.problemOf(r.Context(), err))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// peerOf is the address of the connection; forwarding headers are not believed.
// IPv6 counts by /64, which is what one household gets.
func peerOf(r *http.Request) string {
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
