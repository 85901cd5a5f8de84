package gateway

import "time"

// ager knows how the clock of a gateway stands to ours, from round trips. All
// times are in µs; ours is the server's clock, theirs the gateway's.
type ager struct {
	samples [8]sample // a drifting clock makes older ones wrong
	n       int       // that were taken
}

type sample struct {
	offset int64 // ours - theirs
	trip   uint64
}

// pong takes a round trip: a ping sent and answered at times of our clock.
func (a *ager) pong(sent, answered, theirs uint64) {
	trip := answered - sent
	a.take(sample{int64(sent + trip/2 - theirs), trip})
}

func (a *ager) take(s sample) {
	a.samples[a.n%len(a.samples)] = s
	a.n++
}

// best is the sample of the shortest round trip.
func (a *ager) best() sample {
	list := a.samples[:min(a.n, len(a.samples))]
	best := list[0]
	for _, s := range list[1:] {
		if s.trip < best.trip {
			best = s
		}
	}
	return best
}

// age is how long ago, at ours, something happened at theirs. It is never
// negative.
func (a *ager) age(ours, theirs uint64) time.Duration {
	return time.Duration(max(int64(ours-theirs)-a.best().offset, 0)) * time.Microsecond
}

// theirs is the clock of the gateway at ours.
func (a *ager) theirs(ours uint64) uint64 { return uint64(int64(ours) - a.best().offset) }
