package web

import (
	"context"
	"time"

	"testzone/telemetry/command/bulk"
)

// PermitEnds is what a suspension or revocation would do to who moves under a permit
// (SAFETY 5, 16).
type PermitEnds struct {
	Vehicles []PermitEnd `json:"vehicles" doc:"That move under it now and are allowed to by no other"`
	Orders   int         `json:"orders" doc:"How many would be ordered"`
	Calls    int         `json:"calls" doc:"About how many somebody would have to be called"`
	LastsS   int         `json:"lasts_s" doc:"Seconds until the last orders leave: those whose ways come close leave one after another"`
}

// PermitEnd is what would become of one vehicle.
type PermitEnd struct {
	VehicleID string `json:"vehicle_id"`
	Name      string `json:"name"`
	Class     string `json:"class"`
	Operator  string `json:"operator"`
	Kind      string `json:"kind" enum:"hold,return,finish," doc:"What it is told; finish: nothing, it is warned, may finish and come home; empty: it cannot be ordered by itself"`
	AfterS    int    `json:"after_s" doc:"Seconds after the first orders at which its own leaves"`
	Held      bool   `json:"held" doc:"It is held until then"`
	Holder    string `json:"holder" doc:"Person that has its control; empty: nobody"`
	Call      string `json:"call" doc:"Why somebody has to be called about it; empty: nobody has to"`
}

// permitEndTime bounds how long a dry run asks who moves.
const permitEndTime = 3 * time.Second

func (s *Server) permitEnds(ctx context.Context, permit string, now bool) (*PermitEnds, error) {
	ctx, cancel := context.WithTimeout(ctx, permitEndTime)
	defer cancel()
	p, err := s.cfg.PermitEnd(ctx, permit)
	if err != nil {
		return nil, err
	}
	out := &PermitEnds{Vehicles: []PermitEnd{}}
	if now {
		out.Orders, out.Calls, out.LastsS = p.Orders, p.Calls, int(p.Lasts.Seconds())
	}
	for i := range p.Items {
		out.Vehicles = append(out.Vehicles, permitEndOf(&p.Items[i], now))
	}
	return out, nil
}

func permitEndOf(it *bulk.Item, now bool) PermitEnd {
	out := PermitEnd{VehicleID: string(it.Vehicle), Name: it.Name, Class: it.Class, Operator: it.Operator, Holder: it.Holder, Kind: "finish"}
	if now {
		out.Kind, out.AfterS, out.Held, out.Call = string(it.Kind), it.AfterS, it.Held, it.Call
	}
	return out
}
