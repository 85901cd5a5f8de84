package dialogue

import (
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"
)

// PlanIDs are the numbers that a vehicle gives the plans that it carries: another
// number is another plan. 0: there is none, or it numbers none.
type PlanIDs struct{ Mission, Fence, Rally uint32 }

// newPlans tells of other plans on board than before; other messages than
// MISSION_CURRENT are left to others.
func (e *Exchange) newPlans(p *peer, msg message.Message) bool {
	m, ok := msg.(*ardupilotmega.MessageMissionCurrent)
	if !ok {
		return false
	}
	ids := PlanIDs{m.MissionId, m.FenceId, m.RallyPointsId}
	p.mu.Lock()
	changed := ids != p.plans
	p.plans = ids
	p.mu.Unlock()
	if changed && e.cfg.PlanIDs != nil {
		e.cfg.PlanIDs(p.vehicle, ids)
	}
	return true
}
