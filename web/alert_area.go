package web

import "testzone/telemetry"

// Mismatch is what a vehicle should say of itself and says.
type Mismatch struct {
	What      string  `json:"what" enum:"serial_number,uid2,position" doc:"Of its own remote id: the serial number, or the position against that of its telemetry; of its autopilot: uid2"`
	Expected  string  `json:"expected,omitempty" doc:"By the registration"`
	Seen      string  `json:"seen,omitempty"`
	DistanceM float64 `json:"distance_m,omitempty" doc:"Between the two positions"`
}

// AlertArea is where several vehicles show signs of interference at once.
type AlertArea struct {
	Position Position        `json:"position"`
	RadiusM  float64         `json:"radius_m"`
	Count    int             `json:"count" doc:"Vehicles so far, the caller's and others"`
	Vehicles []AffectedTrack `json:"vehicles" doc:"The first 50 of them, of those that the caller sees"`
}

// AffectedTrack is a vehicle that shows signs of interference.
type AffectedTrack struct {
	AlertVehicle
	Signs []string `json:"signs" enum:"jump,estimator,no_fix,jamming,spoofing" doc:"That it has shown"`
}

func alertAreaOf(a *telemetry.Area) *AlertArea {
	if a == nil {
		return nil
	}
	out := &AlertArea{
		Position: Position{Lat: degrees(a.Lat), Lon: degrees(a.Lon)}, RadiusM: a.RadiusM, Count: a.Count, Vehicles: []AffectedTrack{},
	}
	for i := range a.Vehicles {
		v := &a.Vehicles[i]
		out.Vehicles = append(out.Vehicles, AffectedTrack{AlertVehicle: alertVehicleOf(&v.AlertVehicle), Signs: v.Signs})
	}
	return out
}
