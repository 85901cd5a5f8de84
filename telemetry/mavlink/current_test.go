package mavlink

import (
	"testing"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
)

// TestPlanNumbers: a vehicle that proved who it is is heard when it carries
// another plan, and only then; what the mailbox refuses comes with the next one.
func TestPlanNumbers(t *testing.T) {
	current := func(seq uint16, mission, fence, rally uint32) *ardupilotmega.MessageMissionCurrent {
		return &ardupilotmega.MessageMissionCurrent{Seq: seq, MissionId: mission, FenceId: fence, RallyPointsId: rally}
	}
	b, _ := signedBench(t, credential("uav-7", 1, keyA))
	s := newSigner(1, keyA)
	b.send(addrA, s.next(copterBeat()))
	for n, c := range []struct {
		say  *ardupilotmega.MessageMissionCurrent
		want int // notes so far
	}{
		{current(0, 0, 0, 0), 0}, {current(1, 7, 0, 0), 1}, {current(2, 7, 0, 0), 1}, {current(2, 7, 3, 0), 2},
		{current(2, 7, 3, 4), 3}, {current(3, 7, 3, 4), 3}, {current(3, 0, 3, 4), 4},
	} {
		b.send(addrA, s.next(c.say))
		if len(b.rec.notes) != c.want {
			t.Fatalf("message %d: %d notes, want %d", n, len(b.rec.notes), c.want)
		}
	}
	balance(t, &b.stats)

	for range 2 * notesBurst { // uses up the mailbox
		b.send(addrA, s.next(&ardupilotmega.MessageHomePosition{}))
	}
	before := len(b.rec.notes)
	b.send(addrA, s.next(current(3, 8, 3, 4)))
	b.advance(1e9)
	b.send(addrA, s.next(current(3, 8, 3, 4)), s.next(current(3, 8, 3, 4)))
	if got := len(b.rec.notes) - before; got != 1 {
		t.Errorf("%d notes of a plan that came while the mailbox was full", got)
	}

	open := newBench(Limits{})
	o := sender{sys: 1, comp: 1}
	open.send(addrA, o.frame(copterBeat()), o.frame(current(1, 7, 0, 0)))
	if len(open.rec.notes) != 0 {
		t.Error("nobody asked what an UNVERIFIED vehicle carries")
	}
}
