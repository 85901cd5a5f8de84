package airspace

import (
	"slices"
	"time"

	"testzone/airspace/permit"
	"testzone/airspace/rules"
)

// QueueOf is what lies on the desk of one department.
type QueueOf struct {
	Department string
	Waiting    int
	OldestUS   int64 // since when the oldest step is open; 0: none is
	AgesUS     []int64
	Overdue    int // of those that wait: whose deadline is missed
	Missed     int // clocks of its steps that were missed in all, also of what was decided since
}

// QueueStatistics are the applications of the zone, in numbers.
type QueueStatistics struct {
	States      map[rules.State]int // of what was submitted
	Departments []QueueOf           // by name
	NoPack      int                 // whose rule pack is not here: in no department's queue
}

// QueueStatistics counts what somebody may see; who supervises sees all that was
// submitted.
func (r *Register) QueueStatistics(who Actor) QueueStatistics {
	now := r.cfg.Clock()
	out := QueueStatistics{States: map[rules.State]int{}}
	of := map[string]*QueueOf{}
	at := func(name string) *QueueOf {
		if of[name] == nil {
			of[name] = &QueueOf{Department: name}
		}
		return of[name]
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, p := range r.permits.book.List(func(p *permit.Permit) bool { return p.SubmittedUS != 0 && !p.Rehearsal && maySee(who, p) }) {
		out.States[p.State]++
		pack, err := r.packOf(&p, 0)
		if err != nil {
			out.NoPack++
			continue
		}
		missedOf(&p, pack, at)
		required, _ := p.Asked(pack)
		c, runs := p.Deadline()
		late := runs && (c.State == permit.ClockMissed || now.Truncate(time.Second).After(time.UnixMicro(c.DueUS)))
		for _, name := range required {
			q, since := at(name), p.WaitingUS()
			q.Waiting++
			q.AgesUS = append(q.AgesUS, now.UnixMicro()-since)
			if q.OldestUS == 0 || since < q.OldestUS {
				q.OldestUS = since
			}
			if late {
				q.Overdue++
			}
		}
	}
	for _, q := range sorted(of) {
		slices.Sort(q.AgesUS)
		out.Departments = append(out.Departments, *q)
	}
	return out
}

// missedOf counts the missed clocks of a permit for the departments of their steps.
func missedOf(p *permit.Permit, pack *rules.Pack, at func(string) *QueueOf) {
	for i := range p.Clocks {
		c := &p.Clocks[i]
		if c.State != permit.ClockMissed || c.Step == "" {
			continue
		}
		for _, s := range p.Procedure(pack) {
			if s.ID != c.Step {
				continue
			}
			by := s.By
			if s.SignOff {
				by = signersOf(p, pack)
			}
			for _, name := range by {
				at(name).Missed++
			}
		}
	}
}
