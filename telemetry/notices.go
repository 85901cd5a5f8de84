package telemetry

import (
	"slices"

	"testzone/vehicles"
)

// Notices tell live sessions that something which they show is another now. What
// it is stands with its owner: a session reads it there, so that it shows the
// newest, and notices that come late or twice do no harm.

// OrderChange says that an order to a vehicle is in another state.
type OrderChange struct {
	Order    string // id
	Operator string // of the vehicle when it was ordered
}

// LeaseChange says that somebody else has the control of a vehicle.
type LeaseChange struct {
	Vehicle  vehicles.VehicleID
	Operator string
}

// ZoneChange says that the state of the zone is another.
type ZoneChange struct{}

// DutyChange says that somebody signed on or off, offered, took over.
type DutyChange struct{}

// ComplianceChange says that vehicles comply with the state of the zone that did
// not, or the other way round.
type ComplianceChange struct{ Operators []string } // of these vehicles

// CoverageChange says for how many vehicles the fences are enforced now, by the
// operator of the vehicles.
type CoverageChange struct {
	By map[string]CoverageCount
}

// CoverageCount counts vehicles that are armed.
type CoverageCount struct {
	Armed       int // with an authenticated source
	NotEnforced int // of these
	Unverified  int // armed too, and never enforced
}

// Of is the sum over the operators whose vehicles a view shows.
func (c *CoverageChange) Of(v View) (sum CoverageCount) {
	for operator, n := range c.By {
		if v.Owns(operator) {
			sum.Armed += n.Armed
			sum.NotEnforced += n.NotEnforced
			sum.Unverified += n.Unverified
		}
	}
	return sum
}

func (*OrderChange) event()      {}
func (*LeaseChange) event()      {}
func (*ZoneChange) event()       {}
func (*DutyChange) event()       {}
func (*ComplianceChange) event() {}
func (*CoverageChange) event()   {}

// notice is whether a view is told of a notice.
func (v View) notice(b Body) bool {
	switch b := b.(type) {
	case *OrderChange:
		return v.Owns(b.Operator)
	case *LeaseChange:
		return v.Owns(b.Operator)
	case *ComplianceChange:
		return slices.ContainsFunc(b.Operators, v.Owns)
	case *ZoneChange, *DutyChange, *CoverageChange:
		return true
	}
	return false
}
