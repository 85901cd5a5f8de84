package airspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"testzone/airspace/activity"
	"testzone/airspace/permit"
	"testzone/airspace/volumes"
	"testzone/telemetry/journal"
)

// ActivitySchema is the payload type of the journal's entries about activities under
// permits: JSON, an activityEntry.
const ActivitySchema = 24

// errActivityEntry is returned when an entry about an activity cannot be read, e.g.
// because a newer program wrote it.
var errActivityEntry = errors.New("entry about an activity is not readable by this program")

// activityEntry is the journal's form of an act on an activity: the activity as it is
// from now on. Members are added, never changed.
type activityEntry struct {
	Type     string             `json:"type"` // the newest act of its history
	Activity *activity.Activity `json:"activity"`
	Reason   string             `json:"reason,omitempty"`
	By       string             `json:"by"`
	AtUS     int64              `json:"at_us"`
	Request  *journal.Request   `json:"request,omitempty"`
}

// activities is the part of the register's state that is about activities.
type activities struct {
	book    *activity.Book
	answers keptAnswers[activity.Activity]
	// taken is the register's index: it has the volumes of what holds room, beside
	// those of permits and bookings.
	taken *volumes.Index
}

func newActivities(taken *volumes.Index) activities {
	return activities{activity.NewBook(), keptAnswers[activity.Activity]{}, taken}
}

// domainOf is uav, icv, usv or site. Called with r.mu held.
func (r *Register) domainOf(x *activity.Activity) string {
	p, _ := r.permits.book.Get(x.Permit)
	return p.Domain
}

// put takes an activity as it is from now on, and its room.
func (a *activities) put(next activity.Activity, domain string) error {
	if old, ok := a.book.Get(next.ID); ok && old.Holds() {
		for _, v := range old.Volumes4D(domain) {
			a.taken.Remove(v.ID)
		}
	}
	a.book.Put(next)
	if !next.Holds() {
		return nil
	}
	for _, v := range next.Volumes4D(domain) {
		solid, err := volumes.Compile(v)
		if err == nil {
			err = a.taken.Insert(solid)
		}
		if err != nil {
			return fmt.Errorf("%w: %s: %w", errActivityEntry, next.ID, err)
		}
	}
	return nil
}

// decideActivity decides about an activity under a permit: plan looks at the state,
// which is locked for reading, and says what the activity shall be. with: the act
// depends on the permit as well; room: on what others take. A request that was decided
// before gets its first answer.
func (r *Register) decideActivity(ctx context.Context, by, id, permitID string, with, room bool, plan func(now time.Time) (activity.Activity, error)) (activity.Activity, error) {
	if IsRehearsal(ctx) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		return plan(r.cfg.Clock())
	}
	about := []journal.Aggregate{journal.Aggregate("activity:" + id)}
	if with {
		about = append(about, journal.Aggregate(permit.Of(permitID)))
	}
	d, err := newDecision(ctx, decision{about: about})
	if err != nil {
		return activity.Activity{}, err
	}
	if room {
		d.about = append(d.about, r.zone)
	}
	var out activity.Activity // the decider's: whoever leaves before it is done does not touch it
	d.after = func() {
		if r.cfg.ActivityChanged != nil {
			r.cfg.ActivityChanged(out)
		}
	}
	d.plan = func(now time.Time) error {
		before, ok, err := r.activities.answers.of(d.request, now)
		if err != nil {
			return err
		}
		if ok {
			out = before
			return errAnswered
		}
		if out, err = plan(now); err != nil {
			return err
		}
		was, _ := r.activities.book.Get(id)
		last := out.History[len(out.History)-1]
		e := &activityEntry{Type: last.Act, Activity: &out, Reason: last.Reason, By: by, AtUS: now.UnixMicro(), Request: d.request}
		entry, kept, err := encodedEntry(ActivitySchema, e, e.AtUS, e.Request)
		only := draft{entry: entry, touches: about, zone: room, grants: was.Running() != out.Running(), apply: func() error { return r.applyActivity(kept) }}
		d.drafts, d.size = []draft{only}, len(entry.Body)
		return err
	}
	if err := r.decide(ctx, d); err != nil && !errors.Is(err, errAnswered) {
		return activity.Activity{}, err
	}
	return out, nil
}

// applyActivity takes a durable entry into the state. Called with r.mu held.
func (r *Register) applyActivity(e *activityEntry) error {
	if e.Activity == nil || e.Activity.ID == "" {
		return fmt.Errorf("%w: %s", errActivityEntry, e.Type)
	}
	if e.Request != nil {
		r.activities.answers.note(e.Request, e.AtUS, *e.Activity)
	}
	return r.activities.put(*e.Activity, r.domainOf(e.Activity))
}

// activitiesState is the activities' part of a snapshot.
type activitiesState struct {
	Book    json.RawMessage                `json:"book"`
	Answers []keptState[activity.Activity] `json:"answers"`
}

func (a *activities) save() (s activitiesState, err error) {
	s.Book, err = a.book.SaveState()
	s.Answers = a.answers.save()
	return s, err
}

// loadActivities needs the permits loaded before: they say which room is shared.
func (r *Register) loadActivities(s *activitiesState) error {
	book, err := activity.LoadState(s.Book)
	if err != nil {
		return err
	}
	for _, x := range book.List("", func(*activity.Activity) bool { return true }) {
		if err := r.activities.put(x, r.domainOf(&x)); err != nil {
			return err
		}
	}
	r.activities.answers.load(s.Answers)
	return nil
}
