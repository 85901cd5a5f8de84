package airspace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"testzone/airspace/activity"
	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/airspace/supervision"
	"testzone/telemetry/journal"
)

// ErrStandDown is returned when a permit is resumed that stands down.
var ErrStandDown = errors.New("the permit stands down because of an incident: a department that signed it has to lift that first")

// supervises reports whether somebody may see what is supervised of all operators.
func supervises(who Actor) bool {
	return who.May(ZoneControl) || who.May(PermitReview) || who.May(AuditRead)
}

// maySupervised reports whether somebody may read records about an operator.
func maySupervised(who Actor, org string) bool {
	return supervises(who) || who.Org == org && org != "" && (who.May(PermitApply) || who.May(ZoneRead))
}

// IncidentFilter says which incidents are listed. Its zero value takes all.
type IncidentFilter struct {
	Open   bool
	Org    string
	Permit string
}

// Incidents lists the incidents that somebody may see, the newest first.
func (r *Register) Incidents(who Actor, f IncidentFilter) []supervision.Incident {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.supervised.book.Incidents(func(x *supervision.Incident) bool {
		return maySupervised(who, x.Org) && (!f.Open || x.ClosedUS == 0) && (f.Org == "" || x.Org == f.Org) && (f.Permit == "" || x.Permit == f.Permit)
	})
}

// Incident is one incident that somebody may see.
func (r *Register) Incident(who Actor, id string) (supervision.Incident, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.seenIncident(who, id)
}

// seenIncident is Incident, called with r.mu held.
func (r *Register) seenIncident(who Actor, id string) (supervision.Incident, error) {
	x, ok := r.supervised.book.Incident(id)
	switch {
	case !ok:
		return x, fmt.Errorf("incident %s: %w", id, ErrNotFound)
	case !maySupervised(who, x.Org):
		return supervision.Incident{}, fmt.Errorf("incident %s: %w: %w", id, ErrNotFound, ErrOthers)
	}
	return x, nil
}

// ReportIncident takes the first report of an incident: by its operator or a controller.
// When its class says so, the permit is suspended in the same decision: nothing starts
// under it, and what is under way finishes and recovers (SAFETY 1 and 16).
func (r *Register) ReportIncident(ctx context.Context, who Actor, f supervision.First) (supervision.Incident, error) {
	id := newAccountID(ctx, "in_")
	var with journal.Aggregate
	if f.Permit != "" {
		with = journal.Aggregate(permit.Of(f.Permit))
	}
	out, err := r.decideSupervision(ctx, who.ID, incidentAggregate(id), with, func(now time.Time) (none supervisionRecord, _ *permit.Permit, _ error) {
		org, domain, p, err := r.concerned(who, &f)
		if err != nil {
			return none, nil, err
		}
		pack, err := r.packOfIncident(p, now)
		if err != nil {
			return none, nil, err
		}
		act := r.act(who, now, "")
		x, err := supervision.Report(id, org, domain, act, pack, f)
		if err != nil {
			return none, nil, err
		}
		halted, err := standDown(&x, p, now)
		return supervisionRecord{Incident: &x}, halted, err
	})
	return incidentOf(out), err
}

func incidentAggregate(id string) journal.Aggregate { return journal.Aggregate("incident:" + id) }

func incidentOf(out supervisionRecord) supervision.Incident {
	if out.Incident == nil {
		return supervision.Incident{}
	}
	return *out.Incident
}

// standDown is the incident's permit as it is suspended; nil: there is nothing to suspend.
func standDown(x *supervision.Incident, p *permit.Permit, now time.Time) (*permit.Permit, error) {
	if p == nil || !x.StandsDown() || p.State != rules.Effective {
		return nil, nil
	}
	q, err := p.Suspend(permit.Act{AtUS: now.UnixMicro(), Reason: "stands down: incident " + x.ID}, false)
	if err != nil {
		return nil, err
	}
	return &q, nil
}

// concerned is whose an incident is, of which domain, and under which permit (nil:
// none). Called with r.mu held.
func (r *Register) concerned(who Actor, f *supervision.First) (org, domain string, p *permit.Permit, err error) {
	if who.Person == "" {
		return "", "", nil, fmt.Errorf("report an incident: %w", ErrNoPerson)
	}
	if f.Vehicle != "" {
		v, ok := r.fleet.vehicle(string(f.Vehicle))
		if !ok {
			return "", "", nil, fmt.Errorf("vehicle %s: %w", f.Vehicle, ErrNotFound)
		}
		org, domain = v.Operator, v.Class
	}
	if f.Permit != "" {
		one, ok := r.permits.book.Get(f.Permit)
		switch {
		case !ok || !maySee(who, &one):
			return "", "", nil, fmt.Errorf("permit %s: %w", f.Permit, ErrNotFound)
		case one.Rehearsal:
			return "", "", nil, fmt.Errorf("permit %s: %w", f.Permit, ErrRehearsesOnly)
		case one.EffectiveUS == 0:
			return "", "", nil, fmt.Errorf("%w: permit %s was never effective", supervision.ErrIncident, f.Permit)
		case f.Vehicle != "" && !slices.Contains(one.Application.Vehicles, f.Vehicle):
			return "", "", nil, fmt.Errorf("%w: vehicle %s is none of permit %s", supervision.ErrIncident, f.Vehicle, f.Permit)
		}
		org, domain, p = one.Org, one.Domain, &one
	}
	own := who.Org == org && org != "" && (who.May(PermitApply) || who.May(VehicleCommand))
	switch {
	case f.Vehicle == "" && f.Permit == "", own, who.May(ZoneControl):
		return org, domain, p, nil
	case f.Permit == "": // nobody learns by this whether a vehicle is there
		return "", "", nil, fmt.Errorf("vehicle %s: %w", f.Vehicle, ErrNotFound)
	}
	return "", "", nil, fmt.Errorf("report an incident of %s: %w", org, ErrForbidden)
}

// packOfIncident is the pack of the permit, or the one that holds now. Called with r.mu
// held.
func (r *Register) packOfIncident(p *permit.Permit, now time.Time) (*rules.Pack, error) {
	if p != nil {
		return r.packOf(p, 0)
	}
	return r.packAt(now)
}

// onIncident decides about an incident of the revision that the caller saw.
func (r *Register) onIncident(ctx context.Context, who Actor, id string, rev uint64, act func(x supervision.Incident, now time.Time) (supervision.Incident, error)) (supervision.Incident, error) {
	out, err := r.decideSupervision(ctx, who.ID, incidentAggregate(id), "", func(now time.Time) (none supervisionRecord, _ *permit.Permit, _ error) {
		x, err := r.seenIncident(who, id)
		switch {
		case err != nil:
			return none, nil, err
		case who.Person == "":
			return none, nil, fmt.Errorf("incident %s: %w", id, ErrNoPerson)
		case x.Rev != rev:
			return none, nil, &StaleError{What: "incident", ID: id, Current: x.Rev}
		}
		y, err := act(x, now)
		return supervisionRecord{Incident: &y}, nil, err
	})
	return incidentOf(out), err
}

// StateIncident adds a statement: by the operator, a controller or a department.
func (r *Register) StateIncident(ctx context.Context, who Actor, id string, rev uint64, kind supervision.StatementKind, text, sha256 string) (supervision.Incident, error) {
	return r.onIncident(ctx, who, id, rev, func(x supervision.Incident, now time.Time) (supervision.Incident, error) {
		own := who.Org == x.Org && (who.May(PermitApply) || who.May(VehicleCommand))
		if !own && !who.May(ZoneControl) && !who.May(PermitDecide) {
			return x, fmt.Errorf("speak about incident %s: %s: %w", id, who.ID, ErrForbidden)
		}
		pack, err := r.incidentPack(&x)
		if err != nil {
			return x, err
		}
		return x.Say(r.act(who, now, ""), pack, kind, text, sha256)
	})
}

func (r *Register) incidentPack(x *supervision.Incident) (*rules.Pack, error) {
	set, err := r.packs()
	if err != nil {
		return nil, err
	}
	return set.Get(x.Pack)
}

// LiftStandDown ends the stand-down of an incident: by a department that had to sign
// the permit, and never by the operator. The permit is then resumed by an act of its own.
func (r *Register) LiftStandDown(ctx context.Context, who Actor, id string, rev uint64, reason string) (supervision.Incident, error) {
	return r.onIncident(ctx, who, id, rev, func(x supervision.Incident, now time.Time) (supervision.Incident, error) {
		a := r.act(who, now, reason)
		if !r.responsible(who, a.By.Department, &x) {
			return x, fmt.Errorf("lift the stand-down of incident %s: %s: %w", id, who.ID, ErrForbidden)
		}
		return x.Lift(a)
	})
}

// CloseIncident ends an incident: by a department that had to sign its permit.
func (r *Register) CloseIncident(ctx context.Context, who Actor, id string, rev uint64, reason string) (supervision.Incident, error) {
	return r.onIncident(ctx, who, id, rev, func(x supervision.Incident, now time.Time) (supervision.Incident, error) {
		a := r.act(who, now, reason)
		if !r.responsible(who, a.By.Department, &x) {
			return x, fmt.Errorf("close incident %s: %s: %w", id, who.ID, ErrForbidden)
		}
		return x.Close(a)
	})
}

// responsible reports whether somebody decides for the department of an incident: one
// that had to sign its permit; without a permit any. Called with r.mu held.
func (r *Register) responsible(who Actor, department string, x *supervision.Incident) bool {
	if !who.May(PermitDecide) || department == "" || who.Org == x.Org {
		return false
	}
	p, ok := r.permits.book.Get(x.Permit)
	if !ok {
		return true
	}
	pack, _ := r.packOf(&p, 0) // without it those that did
	return slices.Contains(signersOf(&p, pack), department)
}

// standsDown refuses to resume a permit that stands down. Called with r.mu held.
func (r *Register) standsDown(permitID string) error {
	if id, ok := r.supervised.book.StandsDown(permitID); ok {
		return fmt.Errorf("permit %s, incident %s: %w", permitID, id, ErrStandDown)
	}
	return nil
}

// TickSupervision does what the clock does to incidents: it warns, and marks what was
// missed.
func (r *Register) TickSupervision(ctx context.Context) (err error) {
	r.mu.RLock()
	ids := r.supervised.book.Due(r.cfg.Clock().UnixMicro())
	r.mu.RUnlock()
	for _, id := range ids {
		_, one := r.decideSupervision(ctx, "", incidentAggregate(id), "", func(now time.Time) (none supervisionRecord, _ *permit.Permit, _ error) {
			x, _ := r.supervised.book.Incident(id)
			y, changed := x.Tick(now.UnixMicro())
			if !changed {
				return none, nil, errNothingDue
			}
			return supervisionRecord{Incident: &y}, nil, nil
		})
		if one != nil && !errors.Is(one, errNothingDue) {
			err = errors.Join(err, fmt.Errorf("incident %s: %w", id, one))
		}
	}
	return err
}

// Month is a monthly report as the journal has it now, and as it was submitted.
type Month struct {
	Org, Month string
	Pack       *rules.Pack
	FromUS     int64
	ToUS       int64
	DueUS      int64 // 0: the pack asks for none
	Over       bool  // the month is
	Overdue    bool
	Figures    supervision.Figures
	Submitted  *supervision.Monthly // nil: it was not
}

// MonthOf counts an operator's month. The figures follow from the journal alone: the
// same entries give the same figures.
func (r *Register) MonthOf(who Actor, org, month string) (Month, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.monthOf(who, org, month)
}

// monthOf is MonthOf, called with r.mu held.
func (r *Register) monthOf(who Actor, org, month string) (m Month, err error) {
	if _, ok := r.accounts.organisations[org]; !ok || !maySupervised(who, org) {
		return m, fmt.Errorf("organisation %s: %w", org, ErrNotFound)
	}
	now := r.cfg.Clock()
	pack, err := r.packAt(now)
	if err != nil {
		return m, err
	}
	from, to, err := supervision.Span(pack, month)
	if err != nil {
		return m, err
	}
	m = Month{Org: org, Month: month, Pack: pack, FromUS: from.UnixMicro(), ToUS: to.UnixMicro(), Over: !now.Before(to)}
	permits := r.permits.book.List(func(p *permit.Permit) bool { return p.Org == org && !p.Rehearsal })
	acts := r.activities.book.List("", func(x *activity.Activity) bool { return x.Org == org })
	incidents := r.supervised.book.Incidents(func(x *supervision.Incident) bool { return x.Org == org })
	m.Figures = supervision.Count(m.FromUS, m.ToUS, permits, acts, incidents)
	if due, asked, err := supervision.DueOf(pack, month); err != nil {
		return m, err
	} else if asked {
		m.DueUS = due.UnixMicro()
		m.Overdue = now.Truncate(time.Second).After(due)
	}
	if had, ok := r.supervised.book.Month(org, month); ok {
		m.Submitted, m.Overdue = &had, false
	}
	return m, nil
}

// SubmitMonth hands the report of a month in with its figures of now, or adds a note
// to the one that was.
func (r *Register) SubmitMonth(ctx context.Context, who Actor, org, month, note string) (Month, error) {
	about := journal.Aggregate("monthly:" + supervision.MonthKey(org, month))
	_, err := r.decideSupervision(ctx, who.ID, about, "", func(now time.Time) (none supervisionRecord, _ *permit.Permit, _ error) {
		m, err := r.monthOf(who, org, month)
		switch {
		case err != nil:
			return none, nil, err
		case who.Org != org || !who.May(PermitApply):
			return none, nil, fmt.Errorf("submit the report of %s: %w", org, ErrForbidden)
		case who.Person == "":
			return none, nil, fmt.Errorf("submit the report of %s: %w", org, ErrNoPerson)
		}
		act, out := r.act(who, now, ""), supervision.Monthly{}
		if m.Submitted != nil {
			out, err = m.Submitted.Correct(act, note)
		} else {
			out, err = supervision.Submit(org, month, act, m.Pack, m.Figures, note)
		}
		return supervisionRecord{Monthly: &out}, nil, err
	})
	if err != nil {
		return Month{}, err
	}
	return r.MonthOf(who, org, month)
}
