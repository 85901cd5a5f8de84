package geo

// Box is a closed box on the lattice. It never spans the antimeridian.
type Box struct{ MinLat, MinLon, MaxLat, MaxLon int32 }

// BoxOf is the smallest box around a and b.
func BoxOf(a, b Point) Box {
	return Box{min(a.Lat, b.Lat), min(a.Lon, b.Lon), max(a.Lat, b.Lat), max(a.Lon, b.Lon)}
}

// Union is the smallest box around b and o.
func (b Box) Union(o Box) Box {
	return Box{min(b.MinLat, o.MinLat), min(b.MinLon, o.MinLon), max(b.MaxLat, o.MaxLat), max(b.MaxLon, o.MaxLon)}
}

// Contains reports whether p lies in the box or on its border.
func (b *Box) Contains(p Point) bool {
	return b.MinLat <= p.Lat && p.Lat <= b.MaxLat && b.MinLon <= p.Lon && p.Lon <= b.MaxLon
}

// Covers reports whether o lies wholly in the box.
func (b *Box) Covers(o *Box) bool {
	return b.MinLat <= o.MinLat && o.MaxLat <= b.MaxLat && b.MinLon <= o.MinLon && o.MaxLon <= b.MaxLon
}

// Meets reports whether the boxes share a point.
func (b *Box) Meets(o *Box) bool {
	return b.MinLat <= o.MaxLat && o.MinLat <= b.MaxLat && b.MinLon <= o.MaxLon && o.MinLon <= b.MaxLon
}
