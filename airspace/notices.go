package airspace

import (
	"fmt"
	"slices"
	"strings"

	"testzone/airspace/notice"
	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/airspace/site"
)

// noted takes the notices of the entry that is being taken in. Called with r.mu held.
func (r *Register) noted(list ...notice.Notice) {
	made := r.notices.Add(r.applying, list)
	if r.live && r.cfg.Noticed != nil {
		r.untold = append(r.untold, made...)
	}
}

// tellNotices tells of the notices of the decisions that were taken in.
func (r *Register) tellNotices() {
	r.mu.Lock()
	list := r.untold
	r.untold = nil
	r.mu.Unlock()
	if len(list) > 0 {
		r.cfg.Noticed(list)
	}
}

// departmentOrg is the organisation of a department of the packs.
func departmentOrg(dept string) string { return strings.ReplaceAll(dept, "_", "-") }

// theZone is the zone's authority: its controllers.
func theZone() notice.Audience { return notice.Audience{Scope: string(ZoneControl)} }

func holdersOf(org string) []notice.Audience {
	if org == "" { // the authority's own
		return []notice.Audience{theZone()}
	}
	return []notice.Audience{{Org: org, Scope: string(PermitApply)}}
}

func departments(names ...string) (out []notice.Audience) {
	for _, dept := range names {
		if a := (notice.Audience{Org: departmentOrg(dept), Scope: string(PermitReview)}); !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// noticesOf are what an act on a permit tells, against the permit before it.
func (r *Register) noticesOf(was, p *permit.Permit) (out []notice.Notice) {
	pack, err := r.packOf(p, 0)
	if err != nil {
		pack = nil // it is told to those who signed
	}
	asked := func(of *permit.Permit) (names []string) {
		if pack != nil {
			names, _ = of.Asked(pack)
		}
		return names
	}
	for i := len(was.History); i < len(p.History); i++ {
		e := &p.History[i]
		kind, ok := permit.Told(p, i)
		if !ok {
			continue
		}
		n := notice.Notice{Kind: notice.Kind(kind), AtUS: e.AtUS, Object: permit.Of(p.ID), Name: p.Application.Title}
		switch holder := holdersOf(p.Org); n.Kind {
		case notice.PermitSubmitted:
			n.To = departments(asked(p)...)
		case notice.PermitWithdrawn:
			n.To = departments(append(asked(was), signersOf(p, nil)...)...)
		case notice.DeadlineNear, notice.DeadlineMissed:
			n.What, n.To = e.Reason, departments(asked(p)...)
			for _, c := range p.Clocks {
				if c.ID == e.Reason {
					n.DueUS = c.DueUS
				}
			}
			if n.Kind == notice.DeadlineMissed {
				n.To = append(append(n.To, theZone()), holder...)
			}
		case notice.PermitEffective:
			n.DueUS, n.To = p.ToUS, append(holder, theZone())
		case notice.PermitSuspended, notice.PermitResumed, notice.PermitRevoked:
			n.To = append(append(holder, theZone()), departments(signersOf(p, nil)...)...)
		case notice.PermitWaits:
			n.What, n.To = e.Reason, holder
		default:
			n.To = holder
		}
		if len(n.To) > 0 {
			out = append(out, n)
		}
		if n.Kind == notice.PermitSigned {
			before := asked(was)
			next := slices.DeleteFunc(asked(p), func(dept string) bool { return slices.Contains(before, dept) })
			if n.Kind, n.To = notice.PermitToReview, departments(next...); len(next) > 0 {
				out = append(out, n)
			}
		}
	}
	return out
}

// noticeOfRestriction is what a decision about a restriction tells.
func noticeOfRestriction(act string, t *Restriction, atUS int64) (out []notice.Notice) {
	n := notice.Notice{Kind: notice.Kind(act), AtUS: atUS, Object: restrictionObject(t.ID), Name: t.Name}
	switch act {
	case actRestrict, actExtendRestriction:
		if len(t.Told) > 0 {
			n.DueUS = t.Told[0].DueUS
		}
	case actEndRestriction:
	default:
		return nil
	}
	for _, told := range t.Told {
		n.To = append(n.To, notice.Audience{Org: told.Org, Scope: string(ZoneRead)})
	}
	if len(n.To) > 0 {
		out = append(out, n)
	}
	return out
}

func restrictionObject(id string) string { return "restriction:" + id }

// noticesOfBookings are what a decision about bookings tells: of a series the first
// for each organisation. Called with r.mu held, when they are taken in.
func (r *Register) noticesOfBookings(e *siteEntry) (out []notice.Notice) {
	told := map[string]bool{}
	for _, c := range e.Changes {
		if c.Booking == nil {
			continue
		}
		b := c.Booking
		s := r.places.sites[b.Site]
		n := notice.Notice{Kind: notice.Kind(e.Type), AtUS: e.AtUS, Object: volumeID(b.ID), Name: s.Name, DueUS: b.FromUS, To: holdersOf(b.Org)}
		switch {
		case b.State == site.Displaced:
			n.Kind = notice.BookingDisplaced
		case e.Type == actBook && b.State == site.Requested:
			n.To = holdersOf(s.Owner)
		case e.Type == actBook, e.Type == actArrive:
			continue // who books gets the answer
		}
		if key := fmt.Sprint(n.Kind, n.To); !told[key] {
			out, told[key] = append(out, n), true
		}
	}
	return out
}

// viewer is somebody who reads notices. A key reads as its person.
func viewer(who Actor) notice.Viewer {
	return notice.Viewer{Person: who.responsible(), Org: who.Org, May: func(scope string) bool { return who.May(Scope(scope)) }}
}

// Notices are the notices for somebody, the newest first, and how many are unread, of
// at most MaxUnread.
func (r *Register) Notices(who Actor, q notice.Query) (list []notice.Notice, unread int, readUpTo uint64) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	v := viewer(who)
	return r.notices.List(v, q), r.notices.Unread(v, MaxUnread), r.notices.ReadUpTo(v.Person)
}

// MaxUnread is as far as unread notices are counted.
const MaxUnread = 100

// NoticesAfter are notices for everybody in order, from behind an id on.
func (r *Register) NoticesAfter(id uint64, limit int) []notice.Notice {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.notices.After(id, limit)
}

// Notice is one notice; false: it is none, or was long ago.
func (r *Register) Notice(id uint64) (notice.Notice, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.notices.Get(id)
}

// NewestNotice is the id of the newest notice.
func (r *Register) NewestNotice() uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.notices.Newest()
}

// NoticeFor reports whether a notice is for a person as it is now.
func (r *Register) NoticeFor(n *notice.Notice, person string) bool {
	who, _, err := r.PersonActor(person)
	return err == nil && n.For(viewer(who))
}

// undecided reports whether a missed clock of a permit still waits for somebody.
func undecided(p *permit.Permit) bool {
	return p.State == rules.Submitted || p.State == rules.UnderReview || p.State == rules.Approved && p.Waits != ""
}

// Escalation is a clock that was missed, and who has not decided.
type Escalation struct {
	Permit permit.Permit
	Clock  permit.Clock
	Asked  []string // organisations that have not decided
	// Urgent: it fell on the day of the planned start, in the time of the pack: somebody
	// has to be called, there is no time to wait for a mail to be read.
	Urgent bool
}

// MissedClocks are the missed clocks of permits for which nobody has decided and whose
// time is not over, by permit.
func (r *Register) MissedClocks() (out []Escalation) {
	now := r.cfg.Clock()
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, p := range r.permits.book.List(func(p *permit.Permit) bool {
		return undecided(p) && now.UnixMicro() < p.Application.ToUS && slices.ContainsFunc(p.Clocks, func(c permit.Clock) bool { return c.State == permit.ClockMissed })
	}) {
		pack, err := r.packOf(&p, 0)
		if err != nil {
			continue
		}
		var asked []string
		required, _ := p.Asked(pack)
		for _, dept := range required {
			asked = append(asked, departmentOrg(dept))
		}
		day := func(us int64) rules.Date { return rules.DateOf(timeIn(pack, us)) }
		for _, c := range p.Clocks {
			if c.State == permit.ClockMissed {
				out = append(out, Escalation{p, c, asked, day(c.DueUS) == day(p.Application.FromUS)})
			}
		}
	}
	return out
}

// Escalations are the urgent ones among the missed clocks, one of each permit.
func (r *Register) Escalations() []Escalation {
	last := ""
	return slices.DeleteFunc(r.MissedClocks(), func(e Escalation) bool {
		if !e.Urgent || e.Permit.ID == last {
			return true
		}
		last = e.Permit.ID // one call tells of it
		return false
	})
}
