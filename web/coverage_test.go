package web

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"testzone/telemetry/coverage"
	"testzone/telemetry/journal"
	"testzone/telemetry/watchdog"
)

// minutesFact has the ledger remember what a former run counted.
func (z *testZone) minutesFact(rows string) {
	z.t.Helper()
	body := fmt.Sprintf(`{"type":"coverage.minutes","from_us":1,"to_us":2,"rows":[%s]}`, rows)
	if err := z.coverage.Replay(journal.Record{Seq: 1, Entry: journal.Entry{Schema: coverage.Schema, Body: []byte(body)}}); err != nil {
		z.t.Fatal(err)
	}
}

// TestCoverage: each sees for how long the fences were enforced for its own vehicles,
// as JSON and as a file, and who is not covered now.
func TestCoverage(t *testing.T) {
	o := newOwners(t)
	hour := o.clock.now().UnixMicro() / 3_600_000_000
	o.minutesFact(fmt.Sprintf(`{"hour":%d,"vehicle":"boat-1","operator":"acme","enforced_ms":120000,"not_enforced_ms":60000,"why_ms":{"stale":60000,"link_lost":30000}},
		{"hour":%d,"vehicle":"h-1","operator":"harbour","enforced_ms":0,"not_enforced_ms":90000,"why_ms":{"supervision_lost":90000}},
		{"hour":%d,"vehicle":"h-1","operator":"harbour","enforced_ms":60000,"not_enforced_ms":0}`, hour, hour, hour-30))
	o.coverage.NoteGap(&watchdog.Gap{FromUS: (hour-1)*3_600_000_000 + 5, ToUS: hour * 3_600_000_000, After: watchdog.AfterCrash})
	boat := o.sail(10)
	get := func(a account, query string) (c Coverage) {
		t.Helper()
		r := o.as(a, "GET", "/v1/coverage"+query, "")
		o.want(r, "200")
		r.json(t, &c)
		return c
	}
	eventually(t, "the boat is counted", func() bool { return get(o.anna, "").Armed == 1 })
	eventually(t, "its fences are not enforced: nothing says how good its position is", func() bool {
		o.heard(boat, 10)
		c := get(o.anna, "")
		return c.NotEnforced == 1 && len(c.Vehicles) == 1 && strings.Join(c.Vehicles[0].Reasons, " ") == "quality_unknown" && c.Vehicles[0].Fences != nil
	})
	for _, c := range []struct {
		name    string
		of      account
		query   string
		armed   int
		sums    string
		enforce float64
	}{
		{"its operator", o.anna, "", 1, "boat-1", 2},
		{"another operator", o.hugo, "", 0, "h-1", 0},
		{"the zone", o.carl, "", 1, "h-1 boat-1", 2},
		{"two days", o.hugo, "?since=2000-01-01T00:00:00Z", 0, "h-1", 1},
		{"before", o.carl, "?until=2000-01-01T00:00:00Z", 1, "", 0},
	} {
		got := get(c.of, c.query)
		var ids []string
		for _, s := range got.Sums {
			ids = append(ids, s.VehicleID)
		}
		if got.Armed != c.armed || strings.Join(ids, " ") != c.sums || got.Total.Enforced < c.enforce || got.Total.Enforced > c.enforce+.5 {
			t.Errorf("%s: armed %d, sums %v, total %+v", c.name, got.Armed, ids, got.Total)
		}
	}
	whole := get(o.carl, "")
	if len(whole.Operators) != 2 || whole.Operators[1].Reasons["supervision_lost"] != 1.5 || len(whole.Blind) != 1 || whole.Blind[0].After != "crash" {
		t.Errorf("of the zone: %+v, blind %+v", whole.Operators, whole.Blind)
	}

	r := o.as(o.hugo, "GET", "/v1/coverage/export", "")
	rows, err := csv.NewReader(strings.NewReader(string(r.body))).ReadAll()
	if err != nil || len(rows) != 4 || rows[3][2] != "h-1" || rows[3][5] != "supervision_lost" || rows[3][6] != "1.500" {
		t.Errorf("the file: %q, %v", rows, err)
	}

	var grid CoverageGrid
	eventually(t, "the place where the boat is not covered", func() bool {
		o.as(o.anna, "GET", "/v1/coverage/grid?hours=1", "").json(t, &grid)
		return len(grid.Cells) == 1 && grid.Cells[0].Minutes > 0 && grid.Cols == coverage.Cols && len(grid.BBox) == 4
	})
	if o.as(o.hugo, "GET", "/v1/coverage/grid", "").json(t, &grid); len(grid.Cells) != 0 {
		t.Errorf("harbour sees where acme's boat is: %+v", grid.Cells)
	}
}
