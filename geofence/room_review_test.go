package geofence

import (
	"testing"

	"testzone/geofence/geo"
)

// TestRoomBeyondTheSeam: a square of 400 m with a margin of 50 m has room, on
// longitude 180 as anywhere.
func TestRoomBeyondTheSeam(t *testing.T) {
	for _, west := range []int64{1_200_000_000, geo.MaxLon - 20_000} {
		east := wrap(west + 40_000)
		_, err := Compile(Fence{Kind: KeepIn, MarginM: 50, Shape: Shape{Polygons: []geo.Polygon{{Outer: geo.Ring{
			{Lat: 300_000_000, Lon: int32(west)}, {Lat: 300_000_000, Lon: east}, {Lat: 300_040_000, Lon: east}, {Lat: 300_040_000, Lon: int32(west)}}}}}})
		if err != nil {
			t.Errorf("from longitude %d: %v", west, err)
		}
	}
}
