package gateway

import (
	"cmp"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"sync"
	"time"

	"testzone/telemetry/mavlink"
)

// intake decodes what one enrolled gateway brings. It outlives connections: the
// tracks of its vehicles fall silent when the gateway is lost, they do not end.
type intake struct {
	gateway Gateway
	feed    *mavlink.Feed
	from    netip.AddrPort // stands for the gateway: its vehicles do not move when it reconnects

	mu     sync.Mutex // guards the fields below
	run    [8]byte
	seq    uint64
	status Status
}

// intakeKey is what a decoder belongs to: an enrolment.
type intakeKey struct {
	print Fingerprint
	keys  *mavlink.Keyring
	id    string
}

// Status is the health of one gateway.
type Status struct {
	ID          string
	Fingerprint Fingerprint
	Connected   bool
	Remote      netip.AddrPort // of the connection of now
	Since       time.Time      // of the connection of now
	Trip        time.Duration  // shortest round trip of the last pings
	Lag         time.Duration  // age of the last datagram when it arrived

	Uplink      uint64 // datagrams
	Stale       uint64 // of those, refused because they were older than 2 s
	Forbidden   uint64 // of those, refused because they set up signing
	LostInside  uint64 // datagrams that the gateway had and did not send
	Downlink    uint64 // frames for vehicles
	Connections uint64
	Reported    Report // what the gateway counted itself

	MAVLink mavlink.Stats // what became of the frames
}

// Counters yields the numbers of the gateway itself under the names that metrics
// use; those of its frames are MAVLink.Counters.
func (st *Status) Counters() iter.Seq2[string, uint64] {
	r := &st.Reported
	return func(yield func(string, uint64) bool) {
		for _, c := range []struct {
			name string
			v    uint64
		}{
			{"uplink", st.Uplink}, {"stale", st.Stale}, {"forbidden", st.Forbidden}, {"lost", st.LostInside},
			{"downlink", st.Downlink}, {"connections", st.Connections},
			{"gateway_received", r.Received}, {"gateway_overflow", r.Overflow}, {"gateway_answers_lost", r.AnswersLost},
			{"gateway_stale", r.Stale}, {"gateway_forbidden", r.Forbidden}, {"gateway_oversized", r.Oversized},
			{"gateway_delivered", r.Delivered}, {"gateway_unroutable", r.Unroutable}, {"gateway_expired", r.Expired},
			{"gateway_malformed", r.Malformed},
		} {
			if !yield(c.name, c.v) {
				return
			}
		}
	}
}

func (in *intake) count(change func(*Status)) {
	in.mu.Lock()
	defer in.mu.Unlock()
	change(&in.status)
}

// sequence follows the datagrams of a gateway, across connections, and counts
// what it dropped.
func (in *intake) sequence(run [8]byte, seq uint64) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if run != in.run && seq > 0 {
		in.run, in.seq = run, seq-1 // it may have run for long before this server started
	}
	if seq <= in.seq {
		return fmt.Errorf("%w: datagram %d after %d", ErrProtocol, seq, in.seq)
	}
	in.status.LostInside += seq - in.seq - 1
	in.seq = seq
	return nil
}

// intake is the decoder of an enrolment, made when it connects first.
func (s *Server) intake(print Fingerprint, g Gateway) (*intake, error) {
	k := intakeKey{print, g.Keys, g.ID}
	s.mu.Lock()
	in := s.intakes[k]
	s.mu.Unlock()
	if in != nil {
		return in, nil
	}
	cfg := s.cfg.MAVLink
	cfg.Name, cfg.Keys, cfg.Recorder = g.ID, g.Keys, nil
	if s.cfg.Recorder != nil {
		cfg.Recorder = s.cfg.Recorder(g.ID)
	}
	feed, err := mavlink.NewFeed(cfg, s.cfg.Sink)
	if err != nil {
		return nil, fmt.Errorf("decoder of gateway %s: %w", g.ID, err)
	}
	in = &intake{gateway: g, feed: feed, from: mavlink.NamedAddr(g.ID), status: Status{ID: g.ID, Fingerprint: print}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if have := s.intakes[k]; have != nil {
		return have, nil
	}
	s.intakes[k] = in
	return in, nil
}

// forget drops the decoders of gateways that are neither enrolled nor have
// vehicles left.
func (s *Server) forget() {
	s.mu.Lock()
	all := make(map[intakeKey]*intake, len(s.intakes))
	for k, in := range s.intakes {
		if p := s.peers[k.print]; p == nil || p.in != in {
			all[k] = in
		}
	}
	s.mu.Unlock()
	for k, in := range all {
		if st := in.feed.Stats(); st.Sessions == 0 && !s.enrolled(k.print, in) {
			s.mu.Lock()
			delete(s.intakes, k)
			s.mu.Unlock()
		}
	}
}

// Status lists the gateways that connected since the start, by ID.
func (s *Server) Status() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Status, 0, len(s.intakes))
	for k, in := range s.intakes {
		in.mu.Lock()
		st := in.status
		in.mu.Unlock()
		st.MAVLink = in.feed.Stats()
		if p := s.peers[k.print]; p != nil && p.in == in {
			st.Connected, st.Remote, st.Since = p.ended.Load() == 0, p.remote, p.since
		}
		out = append(out, st)
	}
	slices.SortFunc(out, func(a, b Status) int { return cmp.Compare(a.ID, b.ID) })
	return out
}
