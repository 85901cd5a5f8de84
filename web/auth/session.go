package auth

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"sync"
	"time"
)

// CookieName is the session cookie. The prefix makes browsers insist on
// Secure, Path=/ and no Domain, so that no other host can plant one.
const CookieName = "__Host-tz_session"

// sessions holds who is signed in, by the digest of the cookie.
type sessions struct {
	idle, absolute time.Duration
	limit          int

	mu       sync.Mutex // guards the fields below
	byDigest map[digest]*session
}

type session struct {
	who     principal
	started time.Time
	used    time.Time
}

// principal is who a session is of: a token of the configuration, an API key,
// or a person with the rights that it had at the sign-in.
type principal struct {
	holder int    // 1 + place of the token in the configuration; else
	key    string // id of the API key
	person string // else: the person,
	rev    uint64 // with this revision of its rights,
	typed  bool   // that typed its password
}

func (s *sessions) ended(v *session, now time.Time) bool {
	return now.Sub(v.used) >= s.idle || now.Sub(v.started) >= s.absolute
}

func (s *sessions) start(who principal, now time.Time) string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	secret := base64.RawURLEncoding.EncodeToString(b[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byDigest) >= s.limit {
		s.makeRoom(now)
	}
	s.byDigest[digestOf(secret)] = &session{who: who, started: now, used: now}
	return secret
}

// makeRoom forgets the sessions that ended, else the one that was idle longest.
func (s *sessions) makeRoom(now time.Time) {
	var oldest digest
	var at time.Time
	before := len(s.byDigest)
	for d, v := range s.byDigest {
		switch {
		case s.ended(v, now):
			delete(s.byDigest, d)
		case at.IsZero() || v.used.Before(at):
			oldest, at = d, v.used
		}
	}
	if len(s.byDigest) == before {
		delete(s.byDigest, oldest)
	}
}

func (s *sessions) use(d digest, now time.Time) (principal, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.byDigest[d]
	if !ok {
		return principal{}, false
	}
	if s.ended(v, now) {
		delete(s.byDigest, d)
		return principal{}, false
	}
	v.used = now
	return v.who, true
}

func (s *sessions) end(d digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byDigest, d)
}

// endPerson ends all sessions of a person.
func (s *sessions) endPerson(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for d, v := range s.byDigest {
		if v.who.person == id {
			delete(s.byDigest, d)
		}
	}
}

func cookie(value string, maxAgeS int) *http.Cookie {
	return &http.Cookie{
		Name: CookieName, Value: value, Path: "/", MaxAge: maxAgeS,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}
