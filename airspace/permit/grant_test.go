package permit

import (
	"testing"
	"time"

	"testzone/vehicles"
)

func TestGrantAllows(t *testing.T) {
	from := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	to := from.Add(time.Hour)
	for _, c := range []struct {
		name  string
		state GrantState
		id    vehicles.VehicleID
		at    time.Time
		want  bool
	}{
		{"at its begin", GrantEffective, "uav-7", from, true},
		{"before", GrantEffective, "uav-7", from.Add(-time.Microsecond), false},
		{"at its end", GrantEffective, "uav-7", to, false},
		{"another vehicle", GrantEffective, "uav-8", from, false},
		{"suspended", GrantSuspended, "uav-7", from, false},
		{"ending", GrantEnding, "uav-7", from, false},
	} {
		g := Grant{Vehicles: []vehicles.VehicleID{"uav-1", "uav-7"}, From: from, To: to, State: c.state}
		if got := g.Allows(c.id, c.at); got != c.want {
			t.Errorf("%s: allows is %v", c.name, got)
		}
	}
}
