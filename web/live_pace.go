package web

import "time"

// Flow control of one live session, ui.md section 5.7.
const (
	maxInFlight = 2                // frames that may wait for their acknowledgement
	ackTimeout  = 10 * time.Second // without an acknowledgement the client is too slow
	lowerAfter  = 2 * time.Second  // of coalescing
	raiseAfter  = 10 * time.Second // of prompt acknowledgements
	tickHz      = 10
	slowestHz   = 1
)

// rates are the steps in Hz.
func rates() [4]int { return [4]int{10, 5, 2, 1} }

// pace decides when a session may have its next frame. It belongs to the
// session's writer; times are given to it.
type pace struct {
	granted int // index in rates: what the client asked for
	step    int // index in rates: what it gets, never faster than granted

	sent     [maxInFlight]sentFrame // oldest first
	inFlight int
	newest   uint64 // highest sequence that was sent

	lastSent     time.Time
	blockedSince time.Time // frames have been held back again and again
	blockedLast  time.Time
	promptSince  time.Time // every acknowledgement has been prompt
}

type sentFrame struct {
	seq uint64
	at  time.Time
}

// grant sets what the client asked for; 0 is the fastest. A client that was
// slow has to earn a faster rate again.
func (p *pace) grant(hz int) {
	unslowed := p.step == p.granted
	p.granted = 0
	for i, r := range rates() {
		if hz == r {
			p.granted = i
		}
	}
	if p.step = max(p.step, p.granted); unslowed {
		p.step = p.granted
	}
}

func (p *pace) hz() int { return rates()[p.step] }

// ticks is the distance between two frames.
func (p *pace) ticks() uint64 { return uint64(tickHz / p.hz()) }

func (p *pace) interval() time.Duration { return time.Second / time.Duration(p.hz()) }

// reduced reports whether the client gets less than it asked for.
func (p *pace) reduced() bool { return p.step > p.granted }

func (p *pace) full() bool { return p.inFlight == maxInFlight }

// blocked notes that a frame is due and cannot go. A slow client lets frames
// through now and then: only a pause without any ends the count.
func (p *pace) blocked(now time.Time) {
	if p.blockedLast.IsZero() || now.Sub(p.blockedLast) > 2*p.interval()+time.Second/2 {
		p.blockedSince = now
	}
	p.blockedLast = now
	p.promptSince = time.Time{}
	if now.Sub(p.blockedSince) >= lowerAfter && p.hz() > slowestHz {
		p.step++
		p.blockedSince = now
	}
}

// sentOne notes a frame.
func (p *pace) sentOne(seq uint64, now time.Time) {
	p.sent[p.inFlight] = sentFrame{seq, now}
	p.inFlight++
	p.newest = max(p.newest, seq)
	p.lastSent = now
}

// ack takes an acknowledgement; false when it is of a frame that was not sent.
func (p *pace) ack(seq uint64, now time.Time) bool {
	if seq > p.newest {
		return false
	}
	for p.inFlight > 0 && p.sent[0].seq <= seq {
		p.judge(now.Sub(p.sent[0].at), now)
		copy(p.sent[:], p.sent[1:])
		p.inFlight--
	}
	return true
}

func (p *pace) judge(took time.Duration, now time.Time) {
	switch {
	case took > p.interval()/2:
		p.promptSince = time.Time{}
	case p.promptSince.IsZero():
		p.promptSince = now
	case p.step > p.granted && now.Sub(p.promptSince) >= raiseAfter:
		p.step--
		p.promptSince = now
	}
}

// tooSlow reports whether an acknowledgement is overdue.
func (p *pace) tooSlow(now time.Time) bool {
	return p.inFlight > 0 && now.Sub(p.sent[0].at) >= ackTimeout
}
