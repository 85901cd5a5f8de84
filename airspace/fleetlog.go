package airspace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"testzone/telemetry/journal"
)

// FleetSchema is the payload type of the journal's entries about vehicles, their
// keys and gateways: JSON, a fleetEntry.
const FleetSchema = 11

// errFleetEntry is returned when a fleet entry of the journal cannot be read,
// e.g. because a newer program wrote it.
var errFleetEntry = errors.New("fleet entry is not readable by this program")

// fleetEntry is the journal's form of a decision about vehicles and gateways:
// the record as it is from now on. Members are added, never changed.
type fleetEntry struct {
	Act     string           `json:"act"` // e.g. vehicle.key.revoke; for whoever reads the journal
	Changes []fleetChange    `json:"changes"`
	Reason  string           `json:"reason,omitempty"`
	By      string           `json:"by"`
	AtUS    int64            `json:"at_us"`
	Request *journal.Request `json:"request,omitempty"`
}

// fleetChange is one record, a vehicle or a gateway.
type fleetChange struct {
	Vehicle *Vehicle `json:"vehicle,omitempty"`
	Key     *keyRef  `json:"key,omitempty"` // of the vehicle, that it is about
	Gateway *Gateway `json:"gateway,omitempty"`
}

type keyRef struct {
	ID string `json:"id"`
}

func (c *fleetChange) aggregate() journal.Aggregate {
	if c.Vehicle != nil {
		return journal.Aggregate("vehicle:" + c.Vehicle.ID)
	}
	return journal.Aggregate("gateway:" + c.Gateway.ID)
}

func (c *fleetChange) stamp() *Stamp {
	if c.Vehicle != nil {
		return &c.Vehicle.Stamp
	}
	return &c.Gateway.Stamp
}

// fleetAct is what somebody does about vehicles and gateways.
type fleetAct struct {
	name   string
	key    string // of the vehicle, that it is about
	reason string
	dry    bool // check, and change nothing
}

// FleetAnswer is the vehicle, and the key, that the request of ctx led to before;
// ok is false when it is a new request.
func (r *Register) FleetAnswer(ctx context.Context) (v Vehicle, key string, ok bool, err error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	before, ok, err := r.fleet.answers.of(journal.RequestOf(ctx), r.cfg.Clock())
	if !ok || before.Vehicle == nil {
		return Vehicle{}, "", false, err
	}
	if before.Key != nil {
		key = before.Key.ID
	}
	return before.Vehicle.clone(), key, true, nil
}

func (r *Register) decideVehicle(ctx context.Context, who Actor, act fleetAct, check func(now time.Time) (Vehicle, error)) (Vehicle, error) {
	done, err := r.decideFleet(ctx, who, act, func(now time.Time) (fleetChange, error) {
		v, err := check(now)
		return fleetChange{Vehicle: &v}, err
	})
	if err != nil {
		return Vehicle{}, err
	}
	return done.Vehicle.clone(), nil
}

func (r *Register) decideGateway(ctx context.Context, who Actor, act fleetAct, check func(now time.Time) (Gateway, error)) (Gateway, error) {
	done, err := r.decideFleet(ctx, who, act, func(now time.Time) (fleetChange, error) {
		g, err := check(now)
		return fleetChange{Gateway: &g}, err
	})
	if err != nil {
		return Gateway{}, err
	}
	return done.Gateway.clone(), nil
}

// decideFleet decides about a vehicle or a gateway: check looks at the state,
// which is locked for reading, and says what the record shall be. Its stamp is
// written here. Every such decision also depends on the whole fleet: that a
// system id is one vehicle is a rule about all of them. A request that was
// decided before gets its first answer.
func (r *Register) decideFleet(ctx context.Context, who Actor, act fleetAct, check func(now time.Time) (fleetChange, error)) (fleetChange, error) {
	if act.dry || IsRehearsal(ctx) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		return r.stampedFleet(who, act, r.cfg.Clock(), check)
	}
	all := journal.Aggregate("fleet:" + r.cfg.Zone.ID)
	d, err := newDecision(ctx, decision{about: []journal.Aggregate{all}, after: r.cfg.FleetChanged})
	if err != nil {
		return fleetChange{}, err
	}
	var change fleetChange // the decider's: whoever leaves before it is done does not touch it
	d.plan = func(now time.Time) (err error) {
		before, ok, err := r.fleet.answers.of(journal.RequestOf(ctx), now)
		if err != nil {
			return err
		}
		if ok {
			change = before
			return errAnswered
		}
		if change, err = r.stampedFleet(who, act, now, check); err != nil {
			return err
		}
		e := fleetEntry{Act: act.name, Changes: []fleetChange{change}, Reason: act.reason, By: who.ID, AtUS: now.UnixMicro(), Request: d.request}
		only, err := r.fleetDraft(&e, []journal.Aggregate{all, change.aggregate()})
		d.drafts = []draft{only}
		return err
	}
	if err := r.decide(ctx, d); err != nil && !errors.Is(err, errAnswered) {
		return fleetChange{}, err
	}
	return change, nil
}

// errAnswered ends a decision whose request was answered before.
var errAnswered = errors.New("the request was answered before")

// stampedFleet is what check says, with the stamp of a change that who makes now.
func (r *Register) stampedFleet(who Actor, act fleetAct, now time.Time, check func(now time.Time) (fleetChange, error)) (fleetChange, error) {
	change, err := check(now)
	if err != nil {
		return change, err
	}
	s := change.stamp()
	if s.Rev++; s.Rev == 1 {
		s.CreatedUS = now.UnixMicro()
	}
	s.UpdatedUS, s.UpdatedBy = now.UnixMicro(), who.ID
	if act.key != "" {
		change.Key = &keyRef{act.key}
	}
	return change, nil
}

func (r *Register) fleetDraft(e *fleetEntry, touches []journal.Aggregate) (draft, error) {
	entry, kept, err := encodedEntry(FleetSchema, e, e.AtUS, e.Request)
	return draft{entry: entry, touches: touches, apply: func() error { return r.applyFleet(kept) }}, err
}

// applyFleet takes the records of a durable entry into the state. Called with
// r.mu held.
func (r *Register) applyFleet(e *fleetEntry) error {
	for _, c := range e.Changes {
		switch {
		case c.Vehicle != nil:
			r.fleet.settle(c.Vehicle, e.AtUS)
			r.fleet.vehicles[c.Vehicle.ID] = *c.Vehicle
		case c.Gateway != nil:
			r.fleet.gateways[c.Gateway.ID] = *c.Gateway
		default:
			return fmt.Errorf("%w: %s", errFleetEntry, e.Act)
		}
		if e.Request != nil {
			r.fleet.answers.note(e.Request, e.AtUS, c)
		}
	}
	return nil
}
