package telemetry

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// TestAlertsHaveSectors: an alert is of the sectors in which it began: of the place that
// it names, else of where its vehicle was seen last. It stays so wherever the vehicle
// goes, over a restart, and when the zone has other sectors by then.
func TestAlertsHaveSectors(t *testing.T) {
	west := func(p geo.Point) []string {
		if p.Lon < 1219300000 {
			return []string{"west"}
		}
		return []string{"east"}
	}
	synctest.Test(t, func(t *testing.T) {
		kept := &memory{}
		r := newRig(t, kept)
		r.cfg.SectorsAt = west
		of := func(typ AlertType) string {
			t.Helper()
			for _, a := range r.Alerts(WholeZone(), true) {
				if a.Type == typ && a.Vehicle.ID == drone.ID {
					return strings.Join(a.Sectors, " ")
				}
			}
			t.Fatalf("no alert %s", typ)
			return ""
		}
		hidden := *drone
		hidden.ID, hidden.Handle = "uav-hidden", drone.Handle+1
		r.publish(&LinkChange{Vehicle: &hidden, To: vehicles.LinkLost, Armed: true})
		if all := r.Alerts(WholeZone(), true); len(all) != 1 || len(all[0].Sectors) != 0 {
			t.Errorf("never seen anywhere: %+v", all)
		}
		link := &LinkChange{Vehicle: drone, To: vehicles.LinkLost, Armed: true}
		seen := func(lon int32) {
			tr := vehicles.Track{}
			tr.FixUS, tr.Fix.Point = 1, geo.Point{Lat: 309000000, Lon: lon}
			r.cfg.Pipeline.table.slot(drone.Handle).store(&tr, time.Now().UnixMicro(), true)
		}
		seen(1219200000)
		r.publish(link)
		if got := of(LinkLost); got != "west" {
			t.Errorf("lost in the west: %q", got)
		}
		seen(1219400000)
		r.publish(&Call{Vehicle: drone, Source: CallOrders, Began: true, Why: "refused"})
		if got := of(CallPerson); got != "east" {
			t.Errorf("refused in the east: %q", got)
		}
		r.publish(&LinkChange{Vehicle: drone, To: vehicles.LinkNominal})
		r.publish(link)
		if got := of(LinkLost); got != "west" {
			t.Errorf("began in the west, again in the east: %q", got)
		}
		jump := &Jump{Vehicle: drone}
		jump.ReceivedUS, jump.After.Point = time.Now().UnixMicro(), geo.Point{Lat: 309000000, Lon: 1219900000}
		r.publish(jump)
		if got := of(PositionJump); got != "east" {
			t.Errorf("jumped to the east: %q", got)
		}
		r.stop(t)

		r = newRig(t, kept)
		defer r.stop(t)
		r.cfg.SectorsAt = func(geo.Point) []string { return []string{"other"} }
		if link, call := of(LinkLost), of(CallPerson); link != "west" || call != "east" {
			t.Errorf("after a restart: %q, %q", link, call)
		}
	})
}
