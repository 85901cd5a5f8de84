package main

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"testzone/airspace"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// hungJournal is one whose disk may hang until the gate opens.
type hungJournal struct {
	seq   atomic.Uint64
	hangs atomic.Bool
	gate  chan struct{}
}

func (j *hungJournal) Append(_ context.Context, batch ...journal.Entry) (seqs []uint64, err error) {
	if j.hangs.Load() {
		<-j.gate
	}
	for range batch {
		seqs = append(seqs, j.seq.Add(1))
	}
	return seqs, nil
}

// TestSettledOnFreshEvidenceOnly: a vehicle had stopped when the disk began to hang.
// When the disk goes on, much later, its keys do not retire by that: it may fly again
// (SAFETY 1).
func TestSettledOnFreshEvidenceOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &hungJournal{gate: make(chan struct{})}
		e := bareEnrolment(t)
		var err error
		e.register, err = airspace.NewRegister(airspace.Config{
			Zone: airspace.Zone{ID: "north"}, Journal: j, Listeners: []string{"signed"},
			Vehicles: []vehicles.Registration{{ID: "uav-1", Name: "One", Class: vehicles.UAV, Operator: "acme",
				MAVLink: vehicles.MAVLink{Listener: "signed", SystemID: 7, Component: 1}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		who := airspace.Actor{ID: "set-up", Roles: []airspace.Role{airspace.TestOperator, airspace.Controller}}
		if _, err := e.register.AddVehicleKey(t.Context(), who, "uav-1", "vk_1", false); err != nil {
			t.Fatal(err)
		}
		if _, err := e.register.RevokeVehicleKey(t.Context(), who, "uav-1", "vk_1", ""); err != nil {
			t.Fatal(err)
		}
		e.unsettled = []string{"uav-1"}
		e.seen = map[string]*sighting{"uav-1": {beatUS: 1, heard: time.Now(), stopped: true}}
		j.hangs.Store(true)
		var before, settling sync.WaitGroup
		before.Go(func() {
			fence := geofence.Fence{Name: "river", Kind: geofence.KeepOut, Shape: geofence.Shape{Circle: &geo.Circle{RadiusM: 100}}}
			if _, err := e.register.CreateFence(t.Context(), who, fence); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		settling.Go(func() { e.settle(t.Context(), time.Now(), nil) })
		time.Sleep(time.Minute) // of the bubble
		close(j.gate)
		before.Wait()
		settling.Wait()
		if v, err := e.register.Vehicle(airspace.Everybody, "uav-1"); err != nil || !v.Unsettled() {
			t.Errorf("the keys retired a minute after the vehicle was seen: %+v, %v", v.Keys, err)
		}
		if e.failed == nil {
			t.Error("health says nothing of it")
		}
		e.seen["uav-1"].heard = time.Now()
		e.settle(t.Context(), time.Now(), nil)
		if v, err := e.register.Vehicle(airspace.Everybody, "uav-1"); err != nil || v.Unsettled() || e.failed != nil {
			t.Errorf("seen anew: %+v, %v, %v", v.Keys, err, e.failed)
		}
	})
}
