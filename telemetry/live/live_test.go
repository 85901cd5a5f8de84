package live_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"testzone/geofence/geo"
	"testzone/telemetry/live"
)

// The vectors of the protocol's specification; the browser decodes the same.
const (
	vectorHeader  = "5a 02 00 00 07 00 00 00 00 04 00 00 00 00 00 00 40 d2 66 ab 2d 44 06 00 02 00 00 00 00 00 00 00"
	vectorRecord1 = "2a 00 00 00 ea f9 82 48 4e 04 9e 12 5e 01 ff 69 e2 04 d3 ff 02 53 78 00"
	vectorRecord2 = "2b 00 00 00 00 00 00 80 00 00 00 80 00 80 ff ff ff ff 00 80 30 ff ff ff"
)

var vectorRecords = []live.Record{
	{Handle: 42, Lon: 1_216_543_210, Lat: 312_345_678, Alt: 350, Heading: 27135, Speed: 1250, VZ: -45, Status: 2, Battery: 83, Age: 120},
	{
		Handle: 43, Lon: live.UnknownCoord, Lat: live.UnknownCoord, Alt: live.UnknownAlt, Heading: live.UnknownHeading,
		Speed: live.UnknownSpeed, VZ: live.UnknownVZ, Status: 3 << live.StatusAlertShift, Battery: live.UnknownBattery, Age: live.AgeNever,
	},
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVectors(t *testing.T) {
	head := live.Header{Type: live.Delta, Epoch: 7, Seq: 1024, TimeUS: 1763812800123456, Count: 2}
	got := live.AppendHeader(nil, head)
	for i := range vectorRecords {
		got = live.AppendRecord(got, &vectorRecords[i])
	}
	want := unhex(t, vectorHeader+vectorRecord1+vectorRecord2)
	if diff := cmp.Diff(hex.EncodeToString(want), hex.EncodeToString(got)); diff != "" {
		t.Errorf("encoded (-want +got):\n%s", diff)
	}
	f, err := live.Decode(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(live.Frame{Header: head, Groups: []live.Group{{Records: vectorRecords}}}, f); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
}

// The browser decodes the vector of vectors.json; its bytes are these.
func TestBrowserDecodesTheSameVector(t *testing.T) {
	raw, err := os.ReadFile("../../web/ui/src/live/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Hex string }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	want := hex.EncodeToString(unhex(t, vectorHeader+vectorRecord1+vectorRecord2))
	if file.Hex != want {
		t.Errorf("vectors.json has\n%s, want\n%s", file.Hex, want)
	}
}

func TestCellGroups(t *testing.T) {
	b := live.AppendHeader(nil, live.Header{Type: live.Snapshot, Flags: live.FlagLast, Count: 2, Cells: 2})
	b = live.AppendRecord(live.AppendGroup(b, 17, 1), &vectorRecords[0])
	b = live.AppendRecord(live.AppendGroup(b, live.CellNoPlace, 1), &vectorRecords[1])
	f, err := live.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	want := []live.Group{{Cell: 17, Records: vectorRecords[:1]}, {Cell: live.CellNoPlace, Records: vectorRecords[1:]}}
	if diff := cmp.Diff(want, f.Groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	for cut := range b {
		if _, err := live.Decode(b[:cut]); err == nil {
			t.Errorf("a frame cut at %d of %d bytes was accepted", cut, len(b))
		}
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() {
		b := live.AppendHeader(buf, live.Header{})
		live.AppendRecord(live.AppendGroup(b, 1, 1), &vectorRecords[0])
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestGrid(t *testing.T) {
	g := live.Grid{Box: live.BBox{West: 0, South: 0, East: 1600, North: 1600}}
	for _, tc := range []struct {
		name string
		p    geo.Point
		cell uint32
	}{
		{"south-west corner", geo.Point{Lat: 0, Lon: 0}, 0},
		{"second column", geo.Point{Lat: 0, Lon: 100}, 1},
		{"second row", geo.Point{Lat: 100, Lon: 0}, 16},
		{"north-east corner belongs to the last cell", geo.Point{Lat: 1600, Lon: 1600}, 255},
		{"outside is clamped", geo.Point{Lat: -900_000_000, Lon: 1_800_000_000}, 15},
	} {
		if got := g.Cell(tc.p); got != tc.cell {
			t.Errorf("%s: cell %d, want %d", tc.name, got, tc.cell)
		}
	}
	view := g.Within(live.BBox{West: 150, South: 150, East: 250, North: 199})
	for c := range uint32(live.CellCount) {
		want := c == 17 || c == 18 || c == live.CellNoPlace
		if view.Has(c) != want {
			t.Errorf("cell %d in view: %v", c, view.Has(c))
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(live.AppendHeader(nil, live.Header{Type: live.Heartbeat}))
	f.Add(live.AppendRecord(live.AppendHeader(nil, live.Header{Type: live.Delta, Count: 1}), &vectorRecords[0]))
	f.Add(live.AppendRecord(live.AppendGroup(live.AppendHeader(nil, live.Header{Type: live.Delta, Count: 1, Cells: 1}), 3, 1), &vectorRecords[0]))
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := live.Decode(b)
		if err != nil {
			return
		}
		again := live.AppendHeader(nil, frame.Header)
		for _, h := range frame.Removed {
			again = append(again, byte(h), byte(h>>8), byte(h>>16), byte(h>>24))
		}
		for _, g := range frame.Groups {
			if frame.Cells > 0 {
				again = live.AppendGroup(again, g.Cell, uint32(len(g.Records)))
			}
			for i := range g.Records {
				again = live.AppendRecord(again, &g.Records[i])
			}
		}
		if diff := cmp.Diff(b, again); diff != "" {
			t.Errorf("what decodes must re-encode to the same (-want +got):\n%s", diff)
		}
	})
}
