package telemetry

import (
	"sync"

	"testzone/vehicles"
)

// inbox is a shard's mailbox: one lock per batch, not per report. When it is
// full it keeps the newest report of each kind per vehicle, so that a vehicle's
// last position is never lost. The fence engine tests the straight segment
// between two fixes: it still sees a fence that was crossed, but not a way that
// left the segment and came back. Merging is counted, and health says so.
type inbox struct {
	wake chan struct{}

	mu        sync.Mutex // guards the fields below
	reports   []vehicles.Report
	limit     int
	newest    map[reportKey]int // only while full
	coalesced uint64
	jobs      []func(*shard) // done after the reports that wait
}

type reportKey struct {
	handle vehicles.Handle
	has    vehicles.Fields
}

func newInbox(limit int) *inbox {
	return &inbox{wake: make(chan struct{}, 1), limit: limit, reports: make([]vehicles.Report, 0, min(limit, 1024))}
}

// put takes the reports of this batch that belong to shard i of n.
func (in *inbox) put(batch []vehicles.Report, i, n uint32) {
	in.mu.Lock()
	took := false
	for k := range batch {
		r := &batch[k]
		if uint32(r.Handle)%n != i {
			continue
		}
		took = true
		if len(in.reports) < in.limit {
			in.reports = append(in.reports, *r)
			continue
		}
		in.replace(r)
	}
	in.mu.Unlock()
	if took {
		in.signal()
	}
}

// replace puts r in the place of the vehicle's newest waiting report of the
// same kind. A vehicle that has none waits beyond the limit: that adds at most
// one report per vehicle and kind.
func (in *inbox) replace(r *vehicles.Report) {
	if in.newest == nil {
		in.newest = make(map[reportKey]int, len(in.reports))
		for k := range in.reports {
			in.newest[reportKey{in.reports[k].Handle, in.reports[k].Has}] = k
		}
	}
	key := reportKey{r.Handle, r.Has}
	if k, ok := in.newest[key]; ok {
		in.reports[k] = *r
		in.coalesced++
		return
	}
	in.newest[key] = len(in.reports)
	in.reports = append(in.reports, *r)
}

// do asks the shard to run job after the reports that wait now.
func (in *inbox) do(job func(*shard)) {
	in.mu.Lock()
	in.jobs = append(in.jobs, job)
	in.mu.Unlock()
	in.signal()
}

func (in *inbox) signal() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// take swaps the waiting reports against an empty buffer.
func (in *inbox) take(spare []vehicles.Report) ([]vehicles.Report, []func(*shard)) {
	in.mu.Lock()
	defer in.mu.Unlock()
	reports, jobs := in.reports, in.jobs
	in.reports, in.jobs, in.newest = spare[:0], nil, nil
	return reports, jobs
}

// counts is how many reports were merged because the shard was behind, and how
// many wait now.
func (in *inbox) counts() (coalesced uint64, waiting int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.coalesced, len(in.reports)
}
