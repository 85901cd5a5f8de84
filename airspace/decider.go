package airspace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"testzone/telemetry/journal"
)

// decision is one that is being made. It is checked against the state when its
// turn comes, written to the journal, and takes effect when it is durable.
type decision struct {
	about   []journal.Aggregate // what the check looks at: of two decisions about the same the second waits for the first
	urgent  bool                // goes before those that wait, and never with others
	request *journal.Request    // under whose key it is made; nil: none
	// plan holds what is asked against the state, which is locked for reading. It
	// may be called again when another node decided meanwhile.
	plan   func(now time.Time) error
	drafts []draft // there when plan has returned
	size   int     // bytes of the drafts, about
	after  func()  // called when it is durable and in the state; nil: nothing

	alone int           // how often it has been decided by itself, after others could not be written with it
	done  chan struct{} // closed when the fields below are final

	records []FenceRecord   // the fences that it changed, in the order of its changes
	changes []accountChange // what it made of accounts
	err     error
}

// draft is one entry of a decision, and what it changes.
type draft struct {
	entry   journal.Entry       // without what it expects
	touches []journal.Aggregate // compared, all of them
	zone    bool                // touches the zone's airspace as well

	uncompared []journal.Aggregate // touched too, whoever touched them meanwhile
	apply      func() error        // takes it into the state, which is locked
	fences     []string            // ids of those that it changes
	grants     bool                // it changes the fences that permits make
}

const (
	// A batch of decisions has at most this much, so that the first of a crowd
	// does not wait for all of it.
	maxDecisions = 256
	batchBytes   = 1 << 20
	// decideTries is how often a decision is made again when another node decided
	// meanwhile.
	decideTries = 3
	// inForceTime is how long the decider waits until the new fences are in force
	// everywhere; they will be all the same.
	inForceTime = 10 * time.Second
)

// newDecision is one that is asked for under ctx.
func newDecision(ctx context.Context, d decision) (*decision, error) {
	if IsRehearsal(ctx) {
		return nil, errRehearsal
	}
	d.request, d.done = journal.RequestOf(ctx), make(chan struct{})
	return &d, nil
}

// ended reports whether the outcome is known.
func (d *decision) ended() bool {
	select {
	case <-d.done:
		return true
	default:
		return false
	}
}

// decider holds what waits to be decided. While one batch is on its way to the
// disk the next one gathers. No two decisions of a batch are about the same, so
// that each is checked against a state that is durable, and none falls with
// another.
type decider struct {
	mu    sync.Mutex // guards the fields below
	queue []*decision
	works bool // a goroutine is making what waits
}

// put lets decisions wait, front: before all but the urgent ones; idle is true when
// nobody makes what waits.
func (q *decider) put(front bool, more ...*decision) (idle bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := len(q.queue)
	switch urgent := more[0].urgent; {
	case front && urgent:
		at = 0
	case front, urgent:
		at = 0
		for at < len(q.queue) && q.queue[at].urgent {
			at++
		}
	}
	q.queue = slices.Insert(q.queue, at, more...)
	idle = !q.works
	q.works = true
	return idle
}

// withdraw takes a decision back; false when it is being made.
func (q *decider) withdraw(d *decision) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.queue, d)
	if i < 0 {
		return false
	}
	q.queue = slices.Delete(q.queue, i, i+1)
	return true
}

// next takes the decisions of one batch out of the queue; none when nothing waits,
// and then the caller has to end.
func (q *decider) next() (batch []*decision) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue) == 0 {
		q.works = false
		return nil
	}
	first := q.queue[0]
	if len(q.queue) == 1 || first.alone > 0 {
		q.queue = slices.Delete(q.queue, 0, 1)
		return []*decision{first}
	}
	claimed, size := map[journal.Aggregate]bool{}, 0
	var later []*decision
	for i, d := range q.queue {
		size += d.size
		if len(batch) > 0 && (d.urgent != first.urgent || d.alone > 0 || len(batch) == maxDecisions || size > batchBytes) {
			later = append(later, q.queue[i:]...)
			break
		}
		waits := slices.ContainsFunc(d.about, func(a journal.Aggregate) bool { return claimed[a] })
		for _, a := range d.about { // of one that waits too: what comes behind it must not overtake it
			claimed[a] = true
		}
		if waits {
			size -= d.size
			later = append(later, d)
		} else {
			batch = append(batch, d)
		}
	}
	q.queue = later
	return batch
}

// decide makes a decision and returns its error. Whoever waits may leave: while the
// decision waits for others it is taken back; when the journal has it in hand it is
// followed to its end, because an entry must not be in the journal that the state
// does not have.
func (r *Register) decide(ctx context.Context, d *decision) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("decide: %w", err)
	}
	r.begin(d)
	select {
	case <-d.done:
		return d.err
	case <-ctx.Done():
	}
	if r.decider.withdraw(d) {
		return fmt.Errorf("wait for the decision before: %w", ctx.Err())
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		<-d.done // nobody waits for the answer
		return d.err
	}
	if d.ended() {
		return d.err
	}
	return fmt.Errorf("decide: %w: %w", journal.ErrUnknown, ctx.Err())
}

// begin has a decision made; d.done tells when.
func (r *Register) begin(d *decision) {
	if d.request != nil { // the same request again waits for the answer of the first
		d.about = append(slices.Clone(d.about), journal.Aggregate("request:"+d.request.By+"\x00"+d.request.Key))
	}
	if r.decider.put(false, d) {
		go r.decideAll()
	}
}

// decideAll makes decisions until none waits.
func (r *Register) decideAll() {
	for {
		batch := r.decider.next()
		if len(batch) == 0 {
			return
		}
		r.decideBatch(batch)
	}
}

// decideBatch makes decisions of which none depends on another: all of them go to
// the journal in one append.
func (r *Register) decideBatch(batch []*decision) {
	ready, entries := r.planAll(batch)
	if len(ready) == 0 {
		return
	}
	seqs, err := r.cfg.Journal.Append(context.Background(), entries...)
	if err != nil {
		r.refused(ready, fmt.Errorf("write decision to the journal: %w", err))
		return
	}
	if r.applyAll(ready, entries, seqs) {
		ctx, cancel := context.WithTimeout(context.Background(), inForceTime)
		err := r.publishFences(ctx)
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			for _, d := range ready {
				if d.records == nil {
					continue
				}
				d.err = errors.Join(d.err, fmt.Errorf("decided but not yet in force: %w", err))
			}
		}
	}
	r.tellNotices()
	for _, d := range ready {
		r.tell(d.records)
		if d.after != nil && d.err == nil {
			d.after()
		}
		close(d.done)
	}
}

// planAll answers what cannot be done or was done before; ready is the rest.
func (r *Register) planAll(batch []*decision) (ready []*decision, entries []journal.Entry) {
	now := r.cfg.Clock()
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, d := range batch {
		var before *answer
		before, d.err = r.answered(d.request, now)
		switch {
		case d.err != nil:
		case before != nil:
			d.records, d.changes = before.records, before.changes
		default:
			if d.err = d.plan(now); d.err == nil {
				ready = append(ready, d)
				for i := range d.drafts {
					entries = append(entries, r.entry(&d.drafts[i]))
				}
				continue
			}
		}
		close(d.done)
	}
	return ready, entries
}

// entry is the entry of a draft. It names what the decision depends on with the
// sequence that it was checked against, and the zone's airspace, so that another
// node that decided meanwhile is noticed; an urgent one touches the airspace
// without compare. The journal compares all of one append with the state before it.
func (r *Register) entry(d *draft) journal.Entry {
	e := d.entry
	e.Expect = make([]journal.Expect, 0, len(d.touches)+1)
	for _, a := range d.touches {
		e.Expect = append(e.Expect, journal.Expect{Agg: a, Seq: r.seqs[a]})
	}
	for _, a := range d.uncompared {
		e.Expect = append(e.Expect, journal.Expect{Agg: a, Any: true})
	}
	switch {
	case d.zone && e.Emergency:
		e.Expect = append(e.Expect, journal.Expect{Agg: r.zone, Any: true})
	case d.zone:
		e.Expect = append(e.Expect, journal.Expect{Agg: r.zone, Seq: r.seqs[r.zone]})
	}
	return e
}

// refused ends decisions that are not in the journal, or decides each by itself:
// none is refused because of another.
func (r *Register) refused(batch []*decision, err error) {
	var again []*decision
	final := errors.Is(err, journal.ErrReadOnly) || errors.Is(err, journal.ErrClosed)
	for _, d := range batch {
		if d.alone++; !final && (len(batch) > 1 || errors.Is(err, journal.ErrConflict) && d.alone < decideTries) {
			again = append(again, d)
			continue
		}
		d.err = err
		close(d.done)
	}
	if len(again) > 0 {
		if len(batch) > 1 {
			for _, d := range again {
				d.alone = 1
			}
		}
		r.decider.put(true, again...)
	}
}

// applyAll takes durable decisions into the state; fences is true when fences
// changed.
func (r *Register) applyAll(batch []*decision, entries []journal.Entry, seqs []uint64) (fences bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.last
	for _, d := range batch {
		n := len(d.drafts)
		if slices.ContainsFunc(seqs[:n], func(seq uint64) bool { return seq <= last }) {
			d.err = errAnsweredBefore
		}
		for i := range d.drafts {
			if d.err == nil {
				r.applying, r.live = seqs[i], true
				d.err = d.drafts[i].apply() // only a defect of ours: it was checked
				r.live = false
				r.touched(entries[i].Expect, seqs[i])
				fences = fences || d.drafts[i].grants
			}
		}
		for i := range d.drafts {
			for _, id := range d.drafts[i].fences {
				if f := r.fences[id]; f != nil && d.err == nil {
					d.records, fences = append(d.records, *f), true
				}
			}
		}
		entries, seqs = entries[n:], seqs[n:]
	}
	return fences
}

// touched notes an entry as the newest. Called with r.mu held.
func (r *Register) touched(expect []journal.Expect, seq uint64) {
	for _, e := range expect {
		r.seqs[e.Agg] = seq
	}
	r.last = max(r.last, seq)
}
