package ladder

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"testzone/geofence"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/vehicles"
)

// situation is all that a decision rests on, at one moment.
type situation struct {
	nowUS    int64
	mode     Mode
	ladder   *Ladder
	before   Ladder // as it was
	machine  machine
	t        *telemetry.TrackView // nil: nothing is known of it
	modeName string
	byHand   bool
	breaches []fact // of fences that ask more than to warn
	newest   *command.Order
	failsafe bool // it flies home or lands by a mode that nobody ordered
	unfit    string
	guarded  bool // by the restart
	jammed   bool // its area is
	drifts   bool // it moves although it was seen to hold
}

// fact is a breach that is open.
type fact struct {
	fence     Fence
	now       bool // the newest sample is in it, too
	height    bool // and its height is known in the datum of the fence
	beganUS   int64
	confirmed bool
	changed   bool
}

// answer is what shall be.
type answer struct {
	state State
	why   string
	call  string       // why people call the contact; empty: nobody has to
	order command.Kind // "": nothing is ordered
	until bool         // only until its turn comes
	cause string       // why it ended
}

func is(s State, format string, args ...any) answer {
	return answer{state: s, why: fmt.Sprintf(format, args...)}
}

func (a answer) calling(format string, args ...any) answer {
	a.call = fmt.Sprintf(format, args...)
	return a
}

// decide is the ladder: what shall be done in a situation. It changes nothing but the
// steps and the override of the ladder that it is given.
func (s *situation) decide() answer {
	if len(s.breaches) == 0 {
		return answer{state: Ended, cause: "complied"}
	}
	f := s.deciding()
	s.ladder.Fence = f.fence
	if s.t != nil {
		s.ladder.Stood = !s.t.Armed || s.t.Landed == vehicles.OnGround
	}
	if s.t == nil || s.t.Link == vehicles.LinkLost {
		if s.ladder.Stood {
			return is(Watching, "it stood when it was heard last")
		}
		return is(Frozen, "the link is lost: nothing is sent, and nothing is concluded from its silence").
			calling("its link was lost while it breaches %q: ask where it is and what it does", f.fence.Name)
	}
	s.note()
	if s.ladder.verdict(f.beganUS) == LetItBe {
		return is(LetBe, "%s decided that nothing is ordered in this breach: %s", s.ladder.Decision.By, s.ladder.Decision.Reason)
	}
	for _, look := range []func(*fact) (answer, bool){s.underPerson, s.underOrder, s.underPilot, s.heldBack, s.unproven} {
		if a, is := look(f); is {
			return a
		}
	}
	return s.climb(f)
}

// deciding is the breach that asks most: of those whose evidence is complete, if there
// is one.
func (s *situation) deciding() *fact {
	return &slices.SortedStableFunc(slices.Values(s.breaches), func(a, b fact) int {
		for _, less := range []int{
			boolInt(b.confirmed) - boolInt(a.confirmed),
			strength(b.fence.Response) - strength(a.fence.Response),
			strings.Compare(a.fence.ID, b.fence.ID),
		} {
			if less != 0 {
				return less
			}
		}
		return 0
	})[0]
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// own reports whether the newest order is one of the ladder.
func (s *situation) own() bool { return s.newest != nil && s.newest.Person == command.Enforcement }

// inMode reports whether the vehicle shows the mode of the newest order.
func (s *situation) inMode() bool {
	return len(s.newest.Modes) == 0 || slices.Contains(s.newest.Modes, s.t.Mode)
}

// note takes what has become of the newest step.
func (s *situation) note() {
	last := s.ladder.last()
	if last == nil || s.newest == nil {
		return
	}
	o := s.newest
	if last.Order != o.ID {
		if last.open() {
			last.end(Outcome(command.Superseded), "by "+o.ID+" of "+o.Person, s.nowUS)
		}
		return
	}
	if last.ModeUS == 0 && o.SentUS != 0 && s.inMode() && s.seen(o.SentUS) {
		last.ModeUS = s.nowUS
	}
	if last.failed() && o.EffectUS <= last.EndedUS { // it was judged before the Dispatcher did, and no effect came since
		return
	}
	last.take(o)
}

// underPerson: somebody has ordered since the breach began, or after a step. The
// ladder waits, and calls when nothing comes of it (SAFETY 2).
func (s *situation) underPerson(f *fact) (answer, bool) {
	o := s.newest
	if o == nil || s.own() || s.ladder.verdict(o.AskedUS) == Continue {
		return answer{}, false
	}
	last := s.ladder.last()
	after := last != nil && o.AskedUS >= last.AskedUS
	if !after && (!o.Zone || o.AskedUS < f.beganUS) {
		return answer{}, false // what an operator ordered before does not keep the ladder from acting
	}
	a := is(Waiting, "%s ordered %s: the ladder waits for what becomes of it", o.Person, o.Kind)
	held := o.State == command.InEffect && o.Kind.Safe()
	if !held && (o.State.Final() && o.State != command.InEffect || s.nowUS-o.AskedUS > us(personTime)) {
		a = a.calling("%s ordered %s, and it breaches %q all the same: the ladder does not order over a person; order it, or have the ladder go on",
			o.Person, o.Kind, f.fence.Name)
	}
	return a, true
}

// underOrder: a step is under way, or in effect.
func (s *situation) underOrder(f *fact) (answer, bool) {
	last := s.ladder.last()
	if last == nil || !s.own() || last.Order != s.newest.ID || last.failed() {
		return answer{}, false
	}
	o := s.newest
	switch more := s.asksMore(last, f); {
	case last.ModeUS != 0 && !s.inMode() && s.seen(last.ModeUS):
		if s.failsafe {
			return is(InEffect, "it does %q by itself: it is let do so", s.modeName), true
		}
		if s.ladder.Override == nil || !s.ladder.Override.Ordered {
			s.ladder.Override = &Override{SinceUS: s.nowUS, Mode: s.modeName, Ordered: true}
		}
		return answer{}, false
	case o.State == command.InEffect && s.drifts:
		last.end(Outcome(command.NoEffect), fmt.Sprintf("it held, and moves again at %.1f m/s", float64(s.t.SpeedCMS())/100), s.nowUS)
		return answer{}, false
	case o.State == command.InEffect && more:
		return answer{}, false
	case o.State == command.InEffect:
		return s.withCall(f, is(InEffect, "it does what was ordered: %s", o.Kind)), true
	case last.Outcome == Unsent && s.nowUS-o.EndedUS < us(unsentTime):
		return is(Frozen, "%s could not be sent: %s", o.Kind, o.Why).
			calling("it breaches %q, and %s could not be sent to it: tell its contact to bring it out", f.fence.Name, o.Kind), true
	case last.Outcome != Unsent:
		if why := s.noEffect(o); why != "" {
			last.end(Outcome(command.NoEffect), why, s.nowUS)
		}
	}
	if last.failed() || o.State.Final() || s.asksMore(last, f) {
		return answer{}, false
	}
	return s.withCall(f, is(Ordered, "%s is ordered; its effect is looked for", o.Kind)), true
}

// asksMore reports whether the step was only until another one's turn came, or a
// fence asks another thing that was breached since.
func (s *situation) asksMore(last *Step, f *fact) bool {
	kinds := rungs[s.machine][f.fence.Response].kinds
	return last.Until || len(kinds) > 0 && kinds[0] != last.Kind && strength(f.fence.Response) > strength(last.For)
}

// seen reports whether a heartbeat came after a moment that still says what it does.
func (s *situation) seen(sinceUS int64) bool {
	return s.t.HeartbeatUS > sinceUS && s.nowUS-s.t.HeartbeatUS < us(freshTime)
}

// noEffect is why fresh samples show that an order does nothing; empty: they do not.
// What was not answered because the link was lost is no evidence.
func (s *situation) noEffect(o *command.Order) string {
	shown := func(sinceUS int64, wait, fresh time.Duration) bool {
		return sinceUS != 0 && s.nowUS-sinceUS >= us(wait) && s.seen(sinceUS+us(fresh))
	}
	motion := motionTime
	if s.machine == winged || s.machine == boat {
		motion = wideTime
	}
	switch {
	case (o.State == command.Refused || o.State == command.NoEffect) && s.seen(o.AskedUS):
		return o.Why
	case o.State.Final():
	case !s.inMode() && shown(o.AcceptedUS, modeTime, beatTime):
		return fmt.Sprintf("it accepted, and stays in %q", s.modeName)
	case !s.inMode() && shown(o.SentUS, ackTime, ackTime-beatTime):
		return fmt.Sprintf("it did not acknowledge for %v, is heard, and stays in %q", ackTime, s.modeName)
	case s.inMode() && shown(o.SentUS, motion, motion-freshTime) && s.nowUS-s.t.FixUS < us(freshTime):
		return fmt.Sprintf("it shows %q, and moves as if it had no order (%.1f m/s)", s.modeName, float64(s.t.SpeedCMS())/100)
	}
	return ""
}

// underPilot: the pilot has the vehicle (SAFETY 7).
func (s *situation) underPilot(f *fact) (answer, bool) {
	l := s.ladder
	if l.Override == nil && s.byHand {
		l.Override = &Override{SinceUS: s.nowUS, Mode: s.modeName}
	}
	if o := l.Override; o != nil && !o.Ordered && !s.byHand {
		l.Override = nil // the pilot gave it back
	}
	o := l.Override
	switch {
	case o == nil:
		return answer{}, false
	case l.verdict(o.SinceUS) == Continue:
		return answer{}, false
	case soft(f.fence.Response) && s.nowUS-o.SinceUS >= us(respectTime):
		return answer{}, false
	case soft(f.fence.Response):
		return is(Overridden, "the pilot has it (%s) since %.0f s: that is respected for %v, then the ladder goes on",
			o.Mode, float64(s.nowUS-o.SinceUS)/1e6, respectTime), true
	}
	return is(Overridden, "the pilot has it (%s): a controller decides whether the ladder goes on", o.Mode).
		calling("its pilot has it by hand (%s) in %q: speak with the pilot, and decide whether the ladder goes on", o.Mode, f.fence.Name), true
}

// heldBack: no automatic order is given, whatever the evidence.
func (s *situation) heldBack(f *fact) (answer, bool) {
	switch {
	case s.unfit != "":
		return is(HeldBack, "%s", s.unfit), true
	case s.guarded:
		return is(HeldBack, "the server restarted: people confirm that the samples are right, or they are good for %v", cleanTime), true
	case s.jammed && f.now:
		return is(HeldBack, "satellite navigation is interfered with here: no order rests on the position").
			calling("it is told to breach %q, under interference with satellite navigation: ask where it is", f.fence.Name), true
	case s.ladder.Stood:
		return is(Watching, "it stands and is not under way: nothing has to be ordered"), true
	case s.t.Phase() == vehicles.Arriving:
		return is(Watching, "it lands: it is let do so"), true
	case s.t.Status >= vehicles.Critical:
		return is(HeldBack, "the vehicle says that it is in an emergency: its own failsafe is not disturbed").
			calling("it breaches %q and says that it is in an emergency: ask what it does", f.fence.Name), true
	}
	return answer{}, false
}

// unproven: the evidence of SAFETY 3 is not complete, or is not any more.
func (s *situation) unproven(f *fact) (answer, bool) {
	why := s.t.Grounds.Lacks(s.t.Vehicle.Class).Names()
	if !f.height {
		why = append(why, telemetry.LacksAltitude.Names()...)
	}
	var a answer
	last := s.ladder.last()
	vain := last != nil && last.failed()
	switch {
	case vain && (!s.seen(last.EndedUS) || s.t.FixUS <= last.EndedUS):
		return s.withCall(f, is(Ordered, "%s had no effect: samples of after that decide what follows", last.Kind)), true
	case !f.now:
		return is(Watching, "the newest sample is not in breach"), true
	case len(why) > 0:
		a = is(Watching, "the evidence does not suffice for an order: %s", strings.Join(why, ", "))
	case !f.confirmed:
		a = is(Watching, "the evidence does not suffice for an order yet")
	default:
		return answer{}, false
	}
	if vain {
		a = a.calling("it breaches %q, %s had no effect, and its samples are no ground for another order: ask what it does", f.fence.Name, last.Kind)
	}
	return a, true
}

// withCall adds the call that goes with the response of the fence.
func (s *situation) withCall(f *fact, a answer) answer {
	if call := rungs[s.machine][f.fence.Response].call; call != "" {
		return a.calling("it breaches %q; %s", f.fence.Name, call)
	}
	return a
}

// climb is the next step.
func (s *situation) climb(f *fact) answer {
	want, left := s.ladder.next(rungs[s.machine][f.fence.Response].kinds)
	switch {
	case !left && len(s.ladder.Steps) == 0:
		return is(Exhausted, "nothing can be ordered of such a machine").
			calling("it breaches %q, and nothing can be ordered of such a machine: tell its contact to bring it out", f.fence.Name)
	case !left:
		return is(Exhausted, "every step was tried in vain").
			calling("it breaches %q, and nothing that was ordered had an effect: tell its contact to bring it to safety", f.fence.Name)
	case s.mode == Advise:
		return s.withCall(f, is(HeldBack, "enforcement only advises: order %s by hand", want))
	}
	a := s.withCall(f, is(Ordered, "%s is ordered; its effect is looked for", want))
	a.order = want
	return a
}

// responseOf is what a fence asks; a fence that warns asks nothing of the ladder.
func responseOf(c *geofence.Compiled) Fence {
	f := &c.Fence
	return Fence{ID: f.ID, Name: f.Name, Rev: f.Rev, Response: f.Response}
}
