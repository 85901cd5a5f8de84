package web

import (
	"testzone/airspace"
	"testzone/telemetry"
	"testzone/vehicles"
)

// Messages that tell what else changed. Each shows what is so now, which may be
// newer than what it tells of; after hello the client reads the rest over HTTP.
type (
	ordersMessage struct {
		T      string  `json:"t"`
		CSeq   uint64  `json:"cseq"`
		Orders []Order `json:"orders"`
		Leases []Lease `json:"leases"`

		Terminations []Termination `json:"terminations,omitempty"`
	}
	zoneMessage struct {
		T     string    `json:"t"`
		CSeq  uint64    `json:"cseq"`
		State ZoneState `json:"state"`
	}
	dutyMessage struct {
		T         string   `json:"t"`
		CSeq      uint64   `json:"cseq"`
		Present   int      `json:"present"`
		Uncovered []Sector `json:"uncovered"`
	}
	complianceMessage struct {
		T       string `json:"t"`
		CSeq    uint64 `json:"cseq"`
		State   string `json:"state"`
		Against int    `json:"against"`
	}
	coverageMessage struct {
		T           string `json:"t"`
		CSeq        uint64 `json:"cseq,omitempty"` // after hello: none
		Armed       int    `json:"armed"`
		NotEnforced int    `json:"notEnforced"`
		Unverified  int    `json:"unverified"`
	}
)

// notice is the message of a notice as a view is told; nil: it is no notice.
func (s *Server) notice(seq uint64, body telemetry.Body, sees telemetry.View) any {
	switch b := body.(type) {
	case *telemetry.OrderChange:
		return s.ordersMessage(seq, b.Of(sees))
	case *telemetry.ZoneChange:
		state := s.cfg.Register.State()
		return zoneMessage{T: "zone", CSeq: seq, State: zoneStateOf(&state)}
	case *telemetry.DutyChange:
		m := dutyMessage{T: "duty", CSeq: seq, Uncovered: sectorsOf(s.cfg.Register.Uncovered())}
		for _, d := range s.cfg.Register.OnDuty() {
			if d.Present {
				m.Present++
			}
		}
		return m
	case *telemetry.ComplianceChange:
		m := complianceMessage{T: "compliance", CSeq: seq, State: b.State, Against: b.Of(sees)}
		if m.State == "" {
			m.State = string(airspace.ZoneOpen)
		}
		return m
	case *telemetry.NotificationChange:
		return notificationsMessage{T: "notifications", CSeq: seq}
	case *telemetry.CoverageChange:
		return coverageOf(seq, b.Of(sees))
	}
	return nil
}

func coverageOf(seq uint64, n telemetry.CoverageCount) coverageMessage {
	return coverageMessage{T: "coverage", CSeq: seq, Armed: n.Armed, NotEnforced: n.NotEnforced, Unverified: n.Unverified}
}

func (s *Server) ordersMessage(seq uint64, c *telemetry.OrderChange) ordersMessage {
	m := ordersMessage{T: "orders", CSeq: seq, Orders: []Order{}, Leases: []Lease{}}
	for _, x := range c.Orders {
		if o, err := s.cfg.Orders.Order(x.ID); err == nil {
			m.Orders = append(m.Orders, orderOf(&o))
		}
	}
	for _, x := range c.Leases {
		l, _ := s.cfg.Orders.Lease(vehicles.VehicleID(x.ID)) // nobody has it: an empty holder says so
		l.Vehicle = vehicles.VehicleID(x.ID)
		m.Leases = append(m.Leases, leaseOf(&l))
	}
	for _, x := range c.Terminations {
		if p, err := s.cfg.Register.Termination(x.ID); err == nil {
			m.Terminations = append(m.Terminations, s.terminationOf(&p))
		}
	}
	return m
}
