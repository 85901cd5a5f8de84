package dialogue

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"testzone/vehicles"
)

const (
	// settle is how long a vehicle is left alone after it was heard first: its
	// route is known then, and its streams run.
	settle = time.Second
	// again is how long after a greeting the next one may begin: a vehicle that
	// restarts over and over is not asked all the time.
	again    = 30 * time.Second
	maxTries = 3 // greetings of a vehicle that answers nothing

	// window is for how long the rates of messages are measured.
	window = 5 * time.Second
	// backMS is how far time_boot_ms must jump back to be a restart and no late
	// datagram.
	backMS = 1000
)

// stream is telemetry that the zone needs at a rate.
type stream struct {
	id    uint32
	hz    int
	group vehicles.Fields // of a Report, that it fills
}

// in reports whether a report is of the stream. A position that is not to be
// believed yet, indoors, leaves nothing but its time.
func (s *stream) in(r *vehicles.Report) bool {
	return r.Has&s.group != 0 || s.group == vehicles.HasPosition && r.Has == 0 && r.BootMS != 0
}

// streams are what is followed at 5 Hz and what at 1 Hz.
var streams = [...]stream{
	{33, 5, vehicles.HasPosition}, // GLOBAL_POSITION_INT
	{30, 5, vehicles.HasAttitude}, // ATTITUDE
	{1, 1, vehicles.HasBattery},   // SYS_STATUS
	{24, 1, vehicles.HasQuality},  // GPS_RAW_INT
	{245, 1, vehicles.HasLanded},  // EXTENDED_SYS_STATE
}

// counts are how often each of the streams came, while that is measured.
type counts struct {
	on atomic.Bool
	n  [len(streams)]atomic.Uint32
}

// Reports watches the telemetry of vehicles, as mavlink.Sink.Reports: how often it
// comes, and whether a vehicle restarted. It does not allocate.
func (e *Exchange) Reports(batch []vehicles.Report) {
	for i := range batch {
		r := &batch[i]
		p := e.peers.get(r.Handle)
		if p == nil {
			continue
		}
		if r.BootMS != 0 && p.restarted(r.BootMS) {
			e.askToGreet(p)
			if e.cfg.Restarted != nil {
				e.cfg.Restarted(p.vehicle)
			}
		}
		if p.rates.on.Load() {
			for k := range streams {
				if streams[k].in(r) {
					p.rates.n[k].Add(1)
				}
			}
		}
	}
}

// restarted follows the vehicle's clock and reports whether it began anew. It
// wraps after 49 days, which is no restart.
func (p *peer) restarted(bootMS uint32) bool {
	last := p.bootMS.Load()
	switch behind := int32(last - bootMS); {
	case last == 0 || behind < 0:
		p.bootMS.Store(bootMS)
	case behind > backMS:
		if p.bootMS.CompareAndSwap(last, bootMS) { // one listener says so
			p.boots.Add(1)
			return true
		}
	}
	return false
}

// askToGreet has a vehicle asked, soon and once.
func (e *Exchange) askToGreet(p *peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.greeting {
		p.again = true
		return
	}
	p.greeting, p.tries = true, 0
	e.enqueue(p)
}

func (e *Exchange) enqueue(p *peer) {
	select {
	case e.greet <- p:
	default:
		e.ungreeted.Add(1)
	}
}

// Run asks vehicles that were heard first, or again after a restart, and answers
// those who ask for our clock, until ctx ends.
func (e *Exchange) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { e.answerAll(ctx) })
	for range armAnswerers {
		wg.Go(func() { e.answerArming(ctx) })
	}
	turns := make(chan struct{}, e.cfg.Greetings)
	for {
		select {
		case turns <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		select {
		case p := <-e.greet:
			wg.Go(func() {
				defer func() { <-turns }()
				e.acquaint(ctx, p)
			})
		case <-ctx.Done():
			return nil
		}
	}
}

func (e *Exchange) answerAll(ctx context.Context) {
	for {
		select {
		case r := <-e.replies:
			_ = e.answer(r) // the Sender counts what it does not send; the vehicle asks again
		case <-ctx.Done():
			return
		}
	}
}

// acquaint asks a vehicle, and once more later if it restarted meanwhile or said
// nothing at all.
func (e *Exchange) acquaint(ctx context.Context, p *peer) {
	answered := e.greetOnce(ctx, p)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tries++; answered {
		p.tries = 0
	}
	if !p.again && (answered || p.tries >= maxTries) {
		p.greeting = false
		return
	}
	p.again = false
	time.AfterFunc(again, func() {
		select {
		case <-p.done:
		default:
			e.enqueue(p)
		}
	})
}

// greetOnce asks all that is wanted; answered: the vehicle said something.
func (e *Exchange) greetOnce(ctx context.Context, p *peer) (answered bool) {
	if !pause(ctx, p, settle) {
		return true
	}
	failed := func(what string, err error) bool {
		if err == nil {
			answered = true
			return false
		}
		answered = answered || errors.Is(err, ErrRefused) || errors.Is(err, ErrGone) || ctx.Err() != nil
		e.cfg.Logger.Info("vehicle was asked in vain", "vehicle", p.vehicle, "what", what, "err", err)
		return true
	}
	if e.cfg.Identified != nil || e.cfg.LostLink != nil { // parameters need its capabilities
		v, err := e.version(ctx, p)
		if !failed("version", err) && e.cfg.Identified != nil {
			e.cfg.Identified(p.vehicle, v)
		}
	}
	if e.cfg.Home != nil {
		l, err := e.request(ctx, p, idHomePosition)
		if !failed("home", err) {
			if h, ok := homeOf(l); ok {
				e.cfg.Home(p.vehicle, h)
			}
		}
	}
	if e.cfg.LostLink != nil && ctx.Err() == nil {
		profile, err := e.lostLink(ctx, p)
		failed("lost-link parameters", err)
		if err == nil || errors.Is(err, ErrNoAnswer) { // then it says that nothing is known
			e.cfg.LostLink(p.vehicle, profile)
		}
	}
	e.raiseRates(ctx, p)
	return answered
}

// raiseRates sets the intervals of the messages that come too seldom.
func (e *Exchange) raiseRates(ctx context.Context, p *peer) {
	r, err := e.cfg.Sender.Route(p.handle)
	if err != nil || r.Credential == nil || r.Credential.Vouched && !e.cfg.VouchedRates {
		return
	}
	slow, ok := p.slow(ctx)
	if !ok || len(slow) == 0 {
		return
	}
	for _, s := range slow {
		err := e.interval(ctx, p, s.id, time.Second/time.Duration(s.hz))
		switch {
		case errors.Is(err, ErrGone) || ctx.Err() != nil:
			return
		case err != nil:
			e.cfg.Logger.Info("message rate not set", "vehicle", p.vehicle, "message", s.id, "rate_hz", s.hz, "err", err)
		}
	}
	if slow, ok = p.slow(ctx); !ok { // a radio may not carry what was accepted
		return
	}
	for _, s := range slow {
		e.cfg.Logger.Info("vehicle sends a message less often than the zone needs it", "vehicle", p.vehicle, "message", s.id, "wanted_hz", s.hz)
	}
}

// slow measures which streams come at less than four fifths of their rate.
func (p *peer) slow(ctx context.Context) (slow []stream, ok bool) {
	for k := range streams {
		p.rates.n[k].Store(0)
	}
	p.rates.on.Store(true)
	defer p.rates.on.Store(false)
	if !pause(ctx, p, window) {
		return nil, false
	}
	for k, s := range streams {
		if want := s.hz * int(window/time.Second); int(p.rates.n[k].Load())*5 < want*4 {
			slow = append(slow, s)
		}
	}
	return slow, true
}

// pause waits; false: the vehicle or ctx is gone.
func pause(ctx context.Context, p *peer, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-p.done:
	}
	return false
}
