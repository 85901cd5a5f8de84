package airspace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"testzone/airspace/notice"
	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/telemetry/journal"
)

// NoticeSchema is the payload type of the journal's entries about notices that cannot
// be derived from others: JSON, a noticeEntry.
const NoticeSchema = 27

// errNoticeEntry is returned when an entry about notices cannot be read, e.g. because a
// newer program wrote it.
var errNoticeEntry = errors.New("entry about a notification is not readable by this program")

// actReadNotices is the act of who has read; other entries have the kind of their notice.
const actReadNotices = "notification.read"

// noticeEntry is what came with time, or how far a person has read. Members are added,
// never changed.
type noticeEntry struct {
	Type    string           `json:"type"`
	Key     string           `json:"key,omitempty"` // under which it happens once
	UntilUS int64            `json:"until_us,omitempty"`
	Notice  *notice.Notice   `json:"notice,omitempty"`
	Person  string           `json:"person,omitempty"`
	UpTo    uint64           `json:"up_to,omitempty"`
	By      string           `json:"by"`
	AtUS    int64            `json:"at_us"`
	Request *journal.Request `json:"request,omitempty"`
}

// applyNotice takes a durable entry into the state. Called with r.mu held.
func (r *Register) applyNotice(e *noticeEntry) error {
	switch {
	case e.Type == actReadNotices && e.Person != "":
		r.notices.Read(e.Person, e.UpTo)
	case e.Notice != nil && e.Key != "":
		r.notices.Say(e.Key, e.AtUS, e.UntilUS)
		r.noted(*e.Notice)
	default:
		return fmt.Errorf("%w: %s", errNoticeEntry, e.Type)
	}
	return nil
}

func (r *Register) decideNotice(ctx context.Context, about journal.Aggregate, plan func(now time.Time) (noticeEntry, error)) error {
	d, err := newDecision(ctx, decision{about: []journal.Aggregate{about}})
	if err != nil {
		return err
	}
	d.plan = func(now time.Time) error {
		e, err := plan(now)
		if err != nil {
			return err
		}
		e.AtUS = now.UnixMicro()
		if e.Notice != nil {
			e.Notice.AtUS = e.AtUS
		}
		entry, kept, err := encodedEntry(NoticeSchema, &e, e.AtUS, e.Request)
		d.drafts = []draft{{entry: entry, touches: []journal.Aggregate{about}, apply: func() error { return r.applyNotice(kept) }}}
		return err
	}
	if err := r.decide(ctx, d); err != nil && !errors.Is(err, errNothingDue) {
		return err
	}
	return nil
}

// ReadNotices notes that somebody has read what it was told, up to an id. What is read
// stays read: an older id changes nothing.
func (r *Register) ReadNotices(ctx context.Context, who Actor, upTo uint64) error {
	person := who.responsible()
	return r.decideNotice(ctx, journal.Aggregate("read:"+person), func(time.Time) (noticeEntry, error) {
		upTo = min(upTo, r.notices.Newest()) // what is to come is not read
		if upTo <= r.notices.ReadUpTo(person) {
			return noticeEntry{}, errNothingDue
		}
		return noticeEntry{Type: actReadNotices, Person: person, UpTo: upTo, By: who.ID}, nil
	})
}

// dueNotice is one that comes with time.
type dueNotice struct {
	key     string
	untilUS int64
	notice  notice.Notice
}

// maxDue bounds the notices of one look, so that a start after a long time does not
// keep the decider from others; the rest comes with the next looks.
const maxDue = 100

// TickNotices tells what comes with time: what ends soon, and who has not acknowledged.
// Call it once in a while; a restart in between tells nothing twice and leaves nothing
// out that is still to come.
func (r *Register) TickNotices(ctx context.Context) error {
	now := r.cfg.Clock()
	var errs error
	for _, due := range r.dueNotices(now) {
		errs = errors.Join(errs, r.decideNotice(ctx, journal.Aggregate("notice:"+due.key), func(time.Time) (noticeEntry, error) {
			if r.notices.Said(due.key) {
				return noticeEntry{}, errNothingDue
			}
			n := due.notice
			return noticeEntry{Type: string(n.Kind), Key: due.key, UntilUS: due.untilUS, Notice: &n, By: "zone"}, nil
		}))
	}
	return errs
}

// ahead are how long before an end it is told, the shortest first.
type ahead []time.Duration

const day = 24 * time.Hour

// of is the shortest lead that holds now; false: none does, or it is over. What began
// within a lead is not told by it: who asked for an hour knows that it ends.
func (a ahead) of(fromUS, toUS, nowUS int64) (time.Duration, bool) {
	for _, lead := range a {
		if us := lead.Microseconds(); nowUS < toUS && toUS-nowUS <= us {
			return lead, toUS-fromUS > us
		}
	}
	return 0, false
}

func (r *Register) dueNotices(now time.Time) (out []dueNotice) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	nowUS := now.UnixMicro()
	take := func(untilUS int64, n notice.Notice, key string) {
		if key = string(n.Kind) + "/" + n.Object + "/" + key; len(out) < maxDue && !r.notices.Said(key) {
			out = append(out, dueNotice{key, untilUS, n})
		}
	}
	r.permits.book.List(func(p *permit.Permit) bool {
		if !p.TakesRoom() {
			return false
		}
		n := notice.Notice{Kind: notice.PermitEnds, Object: permit.Of(p.ID), Name: p.Application.Title, DueUS: p.ToUS, To: holdersOf(p.Org)}
		if lead, due := (ahead{time.Hour, day, 7 * day}).of(p.FromUS, p.ToUS, nowUS); due && p.State != rules.Approved {
			take(p.ToUS, n, fmt.Sprintf("%v/%d", lead, p.ToUS))
		}
		n.Kind = notice.InsuranceEnds
		for i := range p.Application.Insurance {
			have := &p.Application.Insurance[i]
			lead, due := (ahead{day, 7 * day, 30 * day}).of(have.FromUS, have.ToUS, nowUS)
			if due && !followed(p, have) {
				n.DueUS, n.What = have.ToUS, have.Kind
				take(have.ToUS, n, fmt.Sprintf("%s/%v/%d", have.Kind, lead, have.ToUS))
			}
		}
		return false
	})
	for _, t := range sorted(r.restrictions.of) {
		for _, late := range t.Unacknowledged(nowUS) {
			to := []notice.Audience{theZone(), {Org: late.Org, Scope: string(ZoneRead)}}
			n := notice.Notice{Kind: notice.RestrictionUnacknowledged, Object: restrictionObject(t.ID), Name: t.Name, What: late.Org, DueUS: late.DueUS, To: to}
			take(t.ToUS, n, fmt.Sprintf("%s/%d", late.Org, t.ToldRev))
		}
	}
	r.duePack(now, take)
	return out
}

// followed reports whether another policy of the kind goes on where one ends.
func followed(p *permit.Permit, ends *permit.Policy) bool {
	for i := range p.Application.Insurance {
		other := &p.Application.Insurance[i]
		if other.Kind == ends.Kind && other.FromUS <= ends.ToUS && other.ToUS > ends.ToUS {
			return true
		}
	}
	return ends.ToUS >= cmp.Or(p.ApprovedToUS, p.Application.ToUS) // what was approved ends before it
}

// duePack tells that the rule pack of today ends soon and none follows it. Called with
// r.mu held.
func (r *Register) duePack(now time.Time, take func(untilUS int64, n notice.Notice, key string)) {
	set, err := r.packs()
	if err != nil {
		return
	}
	pack, err := r.packAt(now)
	if err != nil || pack.ValidTo == nil {
		return
	}
	if _, err := set.At(*pack.ValidTo, r.cfg.Place); err == nil {
		return // another goes on
	}
	end := time.Date(pack.ValidTo.Year, pack.ValidTo.Month, pack.ValidTo.Day, 0, 0, 0, 0, pack.Location())
	lead, due := ahead{day, 7 * day, 30 * day}.of(0, end.UnixMicro(), now.UnixMicro())
	if !due {
		return
	}
	n := notice.Notice{Kind: notice.PackEnds, Object: "rules:" + pack.Key(), Name: pack.Key(), DueUS: end.UnixMicro(), To: []notice.Audience{theZone()}}
	for _, o := range sorted(r.accounts.organisations) {
		if o.Kind == Department {
			n.To = append(n.To, notice.Audience{Org: o.ID, Scope: string(PermitReview)})
		}
	}
	take(end.UnixMicro(), n, fmt.Sprintf("%v/%d", lead, end.UnixMicro()))
}

func timeIn(pack *rules.Pack, us int64) time.Time { return time.UnixMicro(us).In(pack.Location()) }
