package telemetry

// Notices tell live sessions that something which they show is another now. What
// it is stands with its owner: a session reads it there, so that it shows the
// newest, and notices that come late or twice do no harm.

// OrderChange says which orders are in another state, and of which vehicles somebody
// else has the control. A bulk order is one, not a thousand: nobody's session ends
// because the zone is cleared.
type OrderChange struct {
	Orders []Changed // by id
	Leases []Changed // by vehicle

	Terminations []Changed // by id
}

// Changed is one order or vehicle, and whose it is.
type Changed struct {
	ID       string
	Operator string
}

// Of is the part of it that a view shows.
func (c *OrderChange) Of(v View) *OrderChange {
	if v.whole {
		return c
	}
	own := func(all []Changed) (out []Changed) {
		for _, x := range all {
			if v.Owns(x.Operator) {
				out = append(out, x)
			}
		}
		return out
	}
	return &OrderChange{own(c.Orders), own(c.Leases), own(c.Terminations)}
}

// ZoneChange says that the state of the zone is another.
type ZoneChange struct{}

// DutyChange says that somebody signed on or off, offered, took over.
type DutyChange struct{}

// ComplianceChange says how many vehicles do not comply with the state of the zone
// now, by operator.
type ComplianceChange struct {
	State   string // of the zone; empty: it is open
	Against map[string]int
}

// Of is the sum over the operators whose vehicles a view shows.
func (c *ComplianceChange) Of(v View) (n int) {
	for operator, against := range c.Against {
		if v.Owns(operator) {
			n += against
		}
	}
	return n
}

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

// NotificationChange says that there are new notifications, and of which organisations;
// an empty one is the zone. What they are each session reads for itself.
type NotificationChange struct {
	Orgs map[string]bool
}

// For reports whether some of them may be for a view.
func (c *NotificationChange) For(v View) bool {
	for org := range c.Orgs {
		if v.whole || org != "" && v.Owns(org) {
			return true
		}
	}
	return false
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
func (*ZoneChange) event()       {}
func (*DutyChange) event()       {}
func (*ComplianceChange) event() {}
func (*CoverageChange) event()   {}

func (*NotificationChange) event() {}

// notice is whether a view is told of a notice.
func (v View) notice(b Body) bool {
	switch b := b.(type) {
	case *OrderChange:
		own := b.Of(v)
		return len(own.Orders)+len(own.Leases)+len(own.Terminations) > 0
	case *NotificationChange:
		return b.For(v)
	case *ZoneChange, *DutyChange, *CoverageChange, *ComplianceChange:
		return true
	}
	return false
}
