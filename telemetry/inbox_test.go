package telemetry

import (
	"testing"

	"testzone/vehicles"
)

func position(h vehicles.Handle, bootMS uint32) vehicles.Report {
	return vehicles.Report{Handle: h, Has: vehicles.HasPosition, BootMS: bootMS}
}

func TestFullInboxKeepsTheNewestOfEachVehicle(t *testing.T) {
	in := newInbox(4)
	in.put([]vehicles.Report{position(1, 10), position(2, 10), position(1, 20), position(2, 20)}, 0, 1)
	heartbeat := vehicles.Report{Handle: 1, Has: vehicles.HasHeartbeat}
	in.put([]vehicles.Report{position(1, 30), heartbeat, position(3, 10), position(2, 30), position(1, 40)}, 0, 1)

	reports, _ := in.take(nil)
	last := map[vehicles.Handle]uint32{}
	heartbeats := 0
	for _, r := range reports {
		if r.Has == vehicles.HasHeartbeat {
			heartbeats++
			continue
		}
		if r.BootMS < last[r.Handle] {
			t.Errorf("vehicle %d goes back from %d to %d", r.Handle, last[r.Handle], r.BootMS)
		}
		last[r.Handle] = r.BootMS
	}
	if last[1] != 40 || last[2] != 30 || last[3] != 10 || heartbeats != 1 {
		t.Errorf("newest kept: %v, heartbeats %d", last, heartbeats)
	}
	if n, waiting := in.counts(); n != 3 || waiting != 0 {
		t.Errorf("coalesced %d, waiting %d", n, waiting)
	}
	if len(reports) != 6 {
		t.Errorf("%d reports wait, want 4 and one for each of the two new kinds", len(reports))
	}
}

func TestInboxForgetsItsIndexWhenItIsEmptied(t *testing.T) {
	in := newInbox(2)
	in.put([]vehicles.Report{position(1, 10), position(2, 10), position(1, 20)}, 0, 1)
	in.take(nil)
	in.put([]vehicles.Report{position(2, 30), position(3, 30), position(1, 30)}, 0, 1)
	reports, _ := in.take(nil)
	if len(reports) != 3 || reports[0].Handle != 2 || reports[1].Handle != 3 || reports[2].Handle != 1 {
		t.Errorf("got %v", reports)
	}
}

func TestInboxTakesOnlyItsShare(t *testing.T) {
	in := newInbox(100)
	in.put([]vehicles.Report{position(1, 1), position(2, 1), position(3, 1), position(4, 1)}, 1, 2)
	reports, _ := in.take(nil)
	if len(reports) != 2 || reports[0].Handle != 1 || reports[1].Handle != 3 {
		t.Errorf("got %v", reports)
	}
}

func TestInboxBatchDoesNotAllocate(t *testing.T) {
	in := newInbox(1024)
	batch := []vehicles.Report{position(1, 1), position(2, 1)}
	var spare []vehicles.Report
	for range 4 { // both buffers grow once
		in.put(batch, 0, 1)
		spare, _ = in.take(spare)
	}
	if n := testing.AllocsPerRun(100, func() {
		in.put(batch, 0, 1)
		spare, _ = in.take(spare)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
