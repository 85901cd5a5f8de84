package dialogue

import (
	"slices"
	"testing"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"

	"testzone/vehicles"
)

// TestPlanIDs: other plans on board are told once, whatever number of links they
// are told over.
func TestPlanIDs(t *testing.T) {
	var got []PlanIDs
	e, _ := newPair(t, Config{PlanIDs: func(v vehicles.VehicleID, ids PlanIDs) {
		if v != "uav-9" {
			t.Errorf("of vehicle %s", v)
		}
		got = append(got, ids)
	}}, nil)
	for _, m := range []*ardupilotmega.MessageMissionCurrent{{Seq: 1}, {MissionId: 5}, {Seq: 2, MissionId: 5}, {MissionId: 5, FenceId: 6}, {MissionId: 5, FenceId: 6, RallyPointsId: 7}, {}} {
		e.Note(handle, 0, m)
	}
	want := []PlanIDs{{5, 0, 0}, {5, 6, 0}, {5, 6, 7}, {}}
	if !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}
