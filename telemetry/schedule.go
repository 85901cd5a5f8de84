package telemetry

import (
	"context"
	"time"

	"testzone/geofence"
)

// advanceEvery is the longest that the pipeline lets pass before it looks at
// the schedules again; it looks sooner when a fence is due.
const advanceEvery = time.Second

// runSchedules puts fences into force and out of it as the server's clock says.
func (p *Pipeline) runSchedules(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil
		}
		timer.Reset(p.advance(ctx))
	}
}

// advance judges the standing vehicles after a toggle and tells of it. It says
// when it wants to be called again.
func (p *Pipeline) advance(ctx context.Context) time.Duration {
	before := p.cfg.Engine.Fences()
	now := p.cfg.Clock()
	changed, nextUS := p.cfg.Engine.Advance(now.UnixMicro())
	if changed {
		_ = p.each(ctx, func(s *shard) { s.refresh() }) // only ctx can end it
		p.tellToggled(before, p.cfg.Engine.Fences(), now.UnixMicro())
	}
	return min(advanceEvery, max(time.Millisecond, time.Duration(nextUS-now.UnixMicro())*time.Microsecond))
}

// tellToggled publishes the fences that are in one set and not in the other.
func (p *Pipeline) tellToggled(before, after []*geofence.Compiled, nowUS int64) {
	was := make(map[string]*geofence.Compiled, len(before))
	for _, c := range before {
		was[c.Fence.ID] = c
	}
	for _, c := range after {
		if was[c.Fence.ID] == nil {
			p.cfg.Bus.Publish(nowUS, &FenceChange{ID: c.Fence.ID, Rev: c.Fence.Rev})
		}
		delete(was, c.Fence.ID)
	}
	for _, c := range was {
		p.cfg.Bus.Publish(nowUS, &FenceChange{ID: c.Fence.ID, Rev: c.Fence.Rev})
	}
}
