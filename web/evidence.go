package web

import (
	"testzone/telemetry"
	"testzone/vehicles"
)

// Grounds are what a judgement rests on, and what they lack for an automatic order.
type Grounds struct {
	Fixes   int      `json:"fixes" doc:"Consecutive plausible fixes: no jump, none late, no gap"`
	Quality string   `json:"quality" enum:"good,bad,unknown" doc:"Of the position, by receiver and estimator"`
	AgeS    float64  `json:"age_s" doc:"Of the fix, when it was judged"`
	Lacks   []string `json:"lacks" enum:"unverified,few_fixes,jump,out_of_order,quality_unknown,estimator_bad,altitude_unknown,stale,gnss_interference" doc:"Why an automatic order may not rest on it; empty: it may"`
}

// Jump is how far a position jumped in what time.
type Jump struct {
	DistanceM float64 `json:"distance_m"`
	DtS       float64 `json:"dt_s"`
}

func groundsOf(g *telemetry.Grounds, class vehicles.Class) *Grounds {
	return &Grounds{Fixes: int(g.Fixes), Quality: g.Quality.String(), AgeS: float64(g.AgeUS) / 1e6, Lacks: g.Lacks(class).Names()}
}

// evidenceGrounds are those of an alert; nil when it is not one of a crossing or
// a jump, or older than the rule.
func evidenceGrounds(e *telemetry.Evidence) *Grounds {
	if e.Quality == "" {
		return nil
	}
	g := &Grounds{Fixes: int(e.Fixes), Quality: e.Quality, AgeS: float64(e.AgeUS) / 1e6, Lacks: e.Lacks}
	if g.Lacks == nil {
		g.Lacks = []string{}
	}
	return g
}

// jumpMessage is a transition of the vehicle itself.
type jumpMessage struct {
	T       string            `json:"t"`
	CSeq    uint64            `json:"cseq"`
	Kind    string            `json:"kind"`
	Flags   []string          `json:"flags"`
	At      string            `json:"at"`
	Vehicle transitionVehicle `json:"vehicle"`
	Fence   any               `json:"fence"`
	Before  *Fix              `json:"before"`
	After   *Fix              `json:"after"`
	Jump    Jump              `json:"jump"`
	Grounds *Grounds          `json:"grounds"`
	Held    bool              `json:"held"`
}

func jumpOf(seq uint64, j *telemetry.Jump) jumpMessage {
	return jumpMessage{
		T: "transition", CSeq: seq, Kind: "jump", Flags: []string{}, At: timeOf(j.ReceivedUS), Vehicle: transitionVehicleOf(j.Vehicle),
		Before: fixOf(&j.Before), After: fixOf(&j.After), Jump: Jump{DistanceM: j.DistanceM, DtS: float64(j.DtUS) / 1e6},
		Grounds: groundsOf(&j.Grounds, j.Vehicle.Class), Held: j.Again,
	}
}

func transitionVehicleOf(id *vehicles.Identity) transitionVehicle {
	return transitionVehicle{ID: string(id.ID), H: uint32(id.Handle), Name: id.Name, Class: id.Class.String(), Verified: id.Verified}
}
