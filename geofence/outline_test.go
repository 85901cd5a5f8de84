package geofence

import (
	"slices"
	"testing"

	"testzone/geofence/geo"
)

// A fence made of the outlines of another one is the same fence.
func TestOutlines(t *testing.T) {
	outer := geo.MustRing("31.0,121.0 31.0,121.1 31.1,121.1 31.05,121.05 31.1,121.0")
	hole := geo.MustRing("31.01,121.02 31.01,121.03 31.02,121.03")
	apart := geo.MustRing("31.2,121.0 31.2,121.1 31.3,121.05")
	for _, f := range []Fence{
		{Kind: KeepOut, Shape: Shape{Polygons: []geo.Polygon{{Outer: outer, Holes: []geo.Ring{hole}}, {Outer: apart}}}},
		{Kind: KeepIn, Shape: Shape{Circle: &geo.Circle{Center: outer[0], RadiusM: 300}}},
		{Kind: KeepOut, Shape: Shape{Corridor: &geo.Corridor{Line: outer[:3], WidthM: 100}}},
		{Kind: KeepOut, Edges: Geodesic, Shape: Shape{Polygons: []geo.Polygon{{Outer: apart}}}},
	} {
		c, err := Compile(f)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Compile(Fence{Kind: f.Kind, Shape: Shape{Polygons: c.Outlines()}})
		if f.Shape.Corridor != nil { // its pieces overlap, which a fence of polygons may not
			if len(c.Outlines()) != 2 {
				t.Errorf("a corridor of two pieces has %d outlines", len(c.Outlines()))
			}
			continue
		}
		if err != nil {
			t.Errorf("%v: %v", f.Shape, err)
			continue
		}
		edges := func(c *Compiled) (all []geo.Edge) {
			for _, p := range c.parts {
				for _, r := range p.region.Rings() {
					all = append(all, r...)
				}
			}
			slices.SortFunc(all, func(a, b geo.Edge) int {
				return slices.Compare([]int32{a.A.Lat, a.A.Lon, a.B.Lat, a.B.Lon}, []int32{b.A.Lat, b.A.Lon, b.B.Lat, b.B.Lon})
			})
			return all
		}
		if !slices.Equal(edges(c), edges(again)) {
			t.Errorf("the outlines of %v are another shape", f.Shape)
		}
	}
}
