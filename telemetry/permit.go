package telemetry

import (
	"context"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// The alerts about permits.
const (
	// Unpermitted is about a vehicle that moves without a permit where its class needs one.
	Unpermitted AlertType = "unpermitted"
	// PermitEnding is about a vehicle that moves under a permit which is about to end,
	// or which ended and leaves it the way home.
	PermitEnding AlertType = "permit_ending"
)

// PermitNotice says that something about the permit of a moving vehicle has to be
// dealt with, or not any more. Another Why ends the notice before it, and is an alert
// of its own.
type PermitNotice struct {
	Vehicle *vehicles.Identity
	Type    AlertType // Unpermitted or PermitEnding
	Began   bool
	Level   uint8
	Why     string // for people
	Cause   string // why it ended
	Fix     *FixEvidence
}

func (*PermitNotice) event() {}

func (b *Book) takePermit(n *PermitNotice, nowUS int64) {
	key := alertKey{typ: n.Type, vehicle: n.Vehicle.ID}
	if a := b.byKey[key]; n.Began && a != nil && a.ClearedUS == 0 {
		if a.Why == n.Why {
			return
		}
		b.clear(a, nowUS, causeOtherReason)
	}
	b.change(key, condition{
		begins: n.Began, ends: !n.Began, anew: true, id: n.Vehicle, level: n.Level, timeUS: nowUS, cause: n.Cause,
		fill: func(a *Alert) {
			a.Why = n.Why
			a.Evidence = &Evidence{After: n.Fix, Datum: geo.NoDatum.String(), ReceivedUS: nowUS}
		},
	})
}

// Operate says under which permit a vehicle operates from now on; empty: none. When
// it returns its fences are judged by it. A vehicle that is not followed is nobody's.
func (p *Pipeline) Operate(ctx context.Context, h vehicles.Handle, permit string) error {
	done := make(chan struct{})
	p.of(h).in.do(func(s *shard) {
		defer close(done)
		k := uint32(h) / s.p.shardCount()
		if k >= uint32(len(s.byNum)) || s.byNum[k] == nil {
			return
		}
		id := s.byNum[k].id
		s.fences.Admit(h, geofence.Subject{Class: id.Class, Operator: id.Operator, Vehicle: id.ID, Permit: permit, Verified: id.Verified})
		s.refresh()
	})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
