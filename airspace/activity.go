package airspace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"testzone/airspace/activity"
	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/vehicles"
)

// maxActivities bounds what one permit holds room for at a time.
const maxActivities = 1000

// ErrManyActivities is returned when a permit has as many activities before it as can be kept.
var ErrManyActivities = errors.New("1,000 activities of this permit have not ended: cancel some")

// ActivityFilter says which activities are listed. Its zero value takes all.
type ActivityFilter struct {
	Permit  string
	State   activity.State
	Day     string // of the begin, in the pack's zone: 2026-11-27
	Vehicle vehicles.VehicleID
}

// Activities lists the activities under permits that somebody may see, by their begin.
func (r *Register) Activities(who Actor, f ActivityFilter) []activity.Activity {
	r.mu.RLock()
	defer r.mu.RUnlock()
	seen := map[string]bool{}
	return r.activities.book.List(f.Permit, func(x *activity.Activity) bool {
		if f.State != "" && x.State != f.State || f.Day != "" && x.Day != f.Day || f.Vehicle != "" && !x.Names(f.Vehicle) {
			return false
		}
		may, known := seen[x.Permit]
		if !known {
			_, err := r.seenPermit(who, x.Permit)
			may = err == nil
			seen[x.Permit] = may
		}
		return may
	})
}

// Activity is one activity that somebody may see.
func (r *Register) Activity(who Actor, id string) (activity.Activity, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.seenActivity(who, id)
}

// seenActivity is an activity that somebody may see. Called with r.mu held.
func (r *Register) seenActivity(who Actor, id string) (activity.Activity, error) {
	x, ok := r.activities.book.Get(id)
	if !ok {
		return x, fmt.Errorf("activity %s: %w", id, ErrNotFound)
	}
	if _, err := r.seenPermit(who, x.Permit); err != nil {
		return activity.Activity{}, fmt.Errorf("activity %s: %w: %w", id, ErrNotFound, ErrOthers)
	}
	return x, nil
}

// RunningActivities are those whose vehicles may be under way, by id.
func (r *Register) RunningActivities() []activity.Activity {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.DeleteFunc(r.activities.book.Open(), func(x activity.Activity) bool { return !x.Running() })
}

// RunningActivity is the activity that a vehicle may move under now, by its own time.
func (r *Register) RunningActivity(id vehicles.VehicleID, now time.Time) (x activity.Activity, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, x := range r.activities.book.Of(id) {
		if us := now.UnixMicro(); x.Running() && x.FromUS <= us && us < x.ToUS {
			return x, true
		}
	}
	return activity.Activity{}, false
}

// PlanActivity files a plan under a permit of the caller's organisation. That its room
// is free is checked, and it is taken, in one decision.
func (r *Register) PlanActivity(ctx context.Context, who Actor, permitID string, plan activity.Plan) (activity.Activity, error) {
	id := newAccountID(ctx, "ac_")
	return r.decideActivity(ctx, who.ID, id, permitID, true, true, func(now time.Time) (activity.Activity, error) {
		p, pack, err := r.permitFor(who, permitID)
		if err == nil {
			err = holder(who, &p)
		}
		if err != nil {
			return activity.Activity{}, err
		}
		if p.Rehearsal {
			return activity.Activity{}, ErrRehearsesOnly
		}
		if r.activities.book.Holding(permitID) >= maxActivities {
			return activity.Activity{}, ErrManyActivities
		}
		// First without the zone: what it takes is known then.
		x, err := activity.New(id, r.act(who, now, ""), &p, pack, plan, nil)
		var against *permit.RulesError
		if err != nil && !errors.As(err, &against) {
			return x, err
		}
		if against != nil {
			return x, err
		}
		if more := r.activityFaults(&x, &p); len(more) > 0 {
			return x, &permit.RulesError{Faults: more}
		}
		return x, nil
	})
}

// onActivity decides about an existing activity of a revision that the caller saw;
// 0: whichever.
func (r *Register) onActivity(ctx context.Context, who Actor, id string, rev uint64, act func(x activity.Activity, p *permit.Permit, pack *rules.Pack, now time.Time) (activity.Activity, error)) (activity.Activity, error) {
	had, err := r.Activity(who, id)
	if err != nil {
		return had, err
	}
	return r.decideActivity(ctx, who.ID, id, had.Permit, true, false, func(now time.Time) (activity.Activity, error) {
		x, err := r.seenActivity(who, id)
		if err != nil {
			return x, err
		}
		if rev != 0 && x.Rev != rev {
			return x, &StaleError{What: "activity", ID: id, Current: x.Rev}
		}
		p, pack, err := r.permitFor(who, x.Permit)
		if err != nil {
			return x, err
		}
		return act(x, &p, pack, now)
	})
}

// byHolder is an act of the permit's holder.
func (r *Register) byHolder(ctx context.Context, who Actor, id string, rev uint64, act func(x activity.Activity, p *permit.Permit, pack *rules.Pack, now time.Time) (activity.Activity, error)) (activity.Activity, error) {
	return r.onActivity(ctx, who, id, rev, func(x activity.Activity, p *permit.Permit, pack *rules.Pack, now time.Time) (activity.Activity, error) {
		if err := holder(who, p); err != nil {
			return x, err
		}
		return act(x, p, pack, now)
	})
}

// ReportActivity reports readiness and the expected begin; 0: as planned.
func (r *Register) ReportActivity(ctx context.Context, who Actor, id string, rev uint64, expectedUS int64, checked []vehicles.VehicleID) (activity.Activity, error) {
	return r.byHolder(ctx, who, id, rev, func(x activity.Activity, p *permit.Permit, pack *rules.Pack, now time.Time) (activity.Activity, error) {
		return x.Readied(r.act(who, now, ""), p, pack, expectedUS, checked)
	})
}

// ConfirmActivity answers a plan or confirms what was reported: by a controller or a
// department that had to sign the permit. no refuses it instead.
func (r *Register) ConfirmActivity(ctx context.Context, who Actor, id string, rev uint64, no bool, reason string) (activity.Activity, error) {
	return r.onActivity(ctx, who, id, rev, func(x activity.Activity, p *permit.Permit, pack *rules.Pack, now time.Time) (activity.Activity, error) {
		a := r.act(who, now, reason)
		department := who.May(PermitDecide) && slices.Contains(signersOf(p, pack), a.By.Department)
		if !department && !who.May(ZoneControl) {
			return x, fmt.Errorf("confirm activity %s: %s: %w", id, who.ID, ErrForbidden)
		}
		if no {
			return x.Refuse(a)
		}
		return x.Confirm(a)
	})
}

// ActivateActivity lets the vehicles of an activity move, if nothing speaks against it:
// what the permit, the zone and the loop say is said at once.
func (r *Register) ActivateActivity(ctx context.Context, who Actor, id string, rev uint64) (activity.Activity, error) {
	had, err := r.Activity(who, id)
	if err != nil {
		return had, err
	}
	loop := r.loopFaults(ctx, &had) // asks goroutines of others: not under the lock
	return r.byHolder(ctx, who, id, rev, func(x activity.Activity, p *permit.Permit, pack *rules.Pack, now time.Time) (activity.Activity, error) {
		return x.Activate(r.act(who, now, ""), p, pack, append(r.startFaults(&x, p, now), loop...))
	})
}

// EndActivity says that the vehicles of an activity are at rest: by its holder or a
// controller. While one of them moves it is refused.
func (r *Register) EndActivity(ctx context.Context, who Actor, id string, rev uint64, reason string) (activity.Activity, error) {
	return r.onActivity(ctx, who, id, rev, func(x activity.Activity, p *permit.Permit, pack *rules.Pack, now time.Time) (activity.Activity, error) {
		if !who.May(ZoneControl) {
			if err := holder(who, p); err != nil {
				return x, err
			}
		}
		for _, v := range x.Vehicles {
			if r.cfg.Moves != nil && r.cfg.Moves(string(v)) {
				return x, fmt.Errorf("%w: vehicle %s may still be moving: bring it to rest first", activity.ErrState, v)
			}
		}
		return x.End(r.act(who, now, reason), p, pack)
	})
}

// CancelActivity gives up what has not begun.
func (r *Register) CancelActivity(ctx context.Context, who Actor, id string, rev uint64, reason string) (activity.Activity, error) {
	return r.byHolder(ctx, who, id, rev, func(x activity.Activity, _ *permit.Permit, _ *rules.Pack, now time.Time) (activity.Activity, error) {
		return x.Cancel(r.act(who, now, reason))
	})
}

// CloseActivity takes the report of what was done.
func (r *Register) CloseActivity(ctx context.Context, who Actor, id string, rev uint64, report activity.EndReport) (activity.Activity, error) {
	return r.byHolder(ctx, who, id, rev, func(x activity.Activity, _ *permit.Permit, _ *rules.Pack, now time.Time) (activity.Activity, error) {
		return x.Close(r.act(who, now, ""), report)
	})
}

// ObserveActivity takes what the loop saw of an activity that runs. What says nothing
// new is not written.
func (r *Register) ObserveActivity(ctx context.Context, id string, seen activity.Seen) error {
	return r.clockActivity(ctx, id, func(x *activity.Activity, p *permit.Permit, pack *rules.Pack, now time.Time) (activity.Activity, bool) {
		return x.Observe(seen, p, pack, now.UnixMicro())
	})
}

// TickActivities does what the clock does to activities: reports and confirmations are
// missed, their time passes, their permits end.
func (r *Register) TickActivities(ctx context.Context) (err error) {
	for _, id := range r.dueActivities() {
		one := r.clockActivity(ctx, id, func(x *activity.Activity, p *permit.Permit, pack *rules.Pack, now time.Time) (activity.Activity, bool) {
			return x.Tick(p, pack, now.UnixMicro())
		})
		if one != nil {
			err = errors.Join(err, fmt.Errorf("activity %s: %w", id, one))
		}
	}
	return err
}

// clockActivity is an act of nobody.
func (r *Register) clockActivity(ctx context.Context, id string, act func(x *activity.Activity, p *permit.Permit, pack *rules.Pack, now time.Time) (activity.Activity, bool)) error {
	_, err := r.decideActivity(ctx, "", id, "", false, false, func(now time.Time) (activity.Activity, error) {
		x, ok := r.activities.book.Get(id)
		if !ok {
			return x, errNothingDue
		}
		p, _ := r.permits.book.Get(x.Permit)
		pack, missing := r.packOf(&p, 0)
		y, changed := act(&x, &p, pack, now)
		if !changed {
			return x, cmp.Or(missing, errNothingDue)
		}
		return y, nil
	})
	if errors.Is(err, errNothingDue) {
		return nil
	}
	return err
}

// dueActivities are those to which the clock does something now, by id.
func (r *Register) dueActivities() (ids []string) {
	now := r.cfg.Clock().UnixMicro()
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, x := range r.activities.book.Open() {
		p, _ := r.permits.book.Get(x.Permit)
		var recover time.Duration
		if pack, err := r.packOf(&p, 0); err == nil {
			recover = activity.Recover(pack)
		}
		if now >= x.Due(recover) || x.Waiting() && p.Ended() {
			ids = append(ids, x.ID)
		}
	}
	return ids
}
