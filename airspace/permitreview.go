package airspace

import (
	"cmp"
	"slices"
	"strings"

	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/airspace/volumes"
	"testzone/geofence"
)

// Review is a permit as it lies on a department's desk.
type Review struct {
	Permit   permit.Permit
	Desk     permit.Desk
	WaitsUS  int64         // since when its step is open
	Deadline *permit.Clock // nil: none runs
	Blocks   []permit.Block
}

// Reviews are the permits on the desk of the caller's department, by deadline; of a
// controller, who has none, those that wait for some department.
func (r *Register) Reviews(who Actor, desk permit.Desk) (out []Review, counts map[permit.Desk]int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	dept := r.signerOf(who).Department
	counts = map[permit.Desk]int{}
	for _, p := range r.permits.book.List(func(p *permit.Permit) bool { return p.SubmittedUS != 0 && maySee(who, p) }) {
		pack, err := r.packOf(&p, 0)
		if err != nil {
			continue
		}
		at := p.DeskOf(dept, pack)
		if dept == "" && who.May(ZoneControl) {
			at = anyDesk(&p)
		}
		if at == "" {
			continue
		}
		if counts[at]++; at != desk {
			continue
		}
		one := Review{Permit: p, Desk: at, WaitsUS: p.WaitingUS(), Blocks: p.Blocks(pack)}
		if c, ok := p.Deadline(); ok && !p.Ended() {
			one.Deadline = &c
		}
		out = append(out, one)
	}
	slices.SortStableFunc(out, func(a, b Review) int { return cmp.Compare(a.dueUS(), b.dueUS()) })
	return out, counts
}

// dueUS orders reviews: what has no deadline has to be done before its planned start.
func (v *Review) dueUS() int64 {
	if v.Deadline != nil {
		return v.Deadline.DueUS
	}
	return v.Permit.Application.FromUS
}

// anyDesk is where a permit lies for who has no department.
func anyDesk(p *permit.Permit) permit.Desk {
	switch p.State {
	case rules.Submitted, rules.UnderReview:
		return permit.DeskWaiting
	case rules.InformationRequested:
		return permit.DeskInformation
	}
	return permit.DeskDecided
}

// Near is something in the place and time of an application.
type Near struct {
	Kind, ID, Name string // fence, restriction, permit or booking
	Shape          geofence.Shape
	FromUS, ToUS   int64
}

// Assessment is what a department needs to decide about a permit.
type Assessment struct {
	Permit     permit.Permit
	Pack       *rules.Pack
	Department string
	Desk       permit.Desk
	Blocks     []permit.Block
	Faults     []permit.Fault
	May        []permit.Verdict
	Last       []string // who has to sign before the department, which decides
	Hindered   error    // why this person cannot sign
	Seen       *permit.Revision
	Near       []Near
}

// AssessPermit is a permit with all that the automatic checks find now.
func (r *Register) AssessPermit(who Actor, id string) (Assessment, error) {
	now := r.cfg.Clock()
	r.mu.RLock()
	defer r.mu.RUnlock()
	p, pack, err := r.permitFor(who, id)
	if err != nil {
		return Assessment{}, err
	}
	signer := r.signerOf(who)
	a := Assessment{Permit: p, Pack: pack, Department: signer.Department, Desk: p.DeskOf(signer.Department, pack), Blocks: p.Blocks(pack), Near: r.near(&p)}
	a.Faults = append(p.Check(pack, now.UnixMicro()), r.zoneFaults(&p, pack)...)
	if who.Org != p.Org {
		a.May, a.Last = p.May(signer.Department, pack)
		a.Hindered = p.Hindered(signer)
	}
	a.Seen, _ = p.SeenBy(signer.Department)
	return a, nil
}

// maxNear bounds what is shown beside an application.
const maxNear = 200

// near is what meets the volumes of a permit. Called with r.mu held.
func (r *Register) near(p *permit.Permit) (out []Near) {
	r.keepOuts.mu.Lock()
	defer r.keepOuts.mu.Unlock()
	r.keepOuts.follow(r)
	told := map[string]bool{}
	add := func(n Near, v *volumes.Volume) {
		if told[n.Kind+n.ID] || len(out) >= maxNear {
			return
		}
		told[n.Kind+n.ID] = true
		n.Shape = v.Shape
		if v.FromUS != volumes.Ever {
			n.FromUS = v.FromUS
		}
		if v.ToUS != volumes.Forever {
			n.ToUS = v.ToUS
		}
		out = append(out, n)
	}
	for _, v := range p.Volumes() {
		wanted, err := volumes.Compile(v)
		if err != nil {
			continue // the checks say so
		}
		for _, s := range r.keepOuts.index.Meeting(wanted, nil) {
			f := &r.keepOuts.of[s.Volume.Of].Fence
			kind := "fence"
			if f.Origin.Kind == "restriction" {
				kind = "restriction"
			}
			add(Near{Kind: kind, ID: f.ID, Name: f.Name}, &s.Volume)
		}
		for _, s := range r.volumes.Meeting(wanted, nil) {
			if id, of := bookingOf(s.Volume.ID); of {
				add(Near{Kind: "booking", ID: id, Name: r.places.bookings[id].Site}, &s.Volume)
			} else if id, is := strings.CutPrefix(s.Volume.Of, permit.Of("")); is && id != p.ID {
				o, _ := r.permits.book.Get(id)
				add(Near{Kind: "permit", ID: id, Name: o.Application.Title}, &s.Volume)
			}
		}
	}
	slices.SortFunc(out, func(a, b Near) int { return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.ID, b.ID)) })
	return out
}
