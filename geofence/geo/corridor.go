package geo

import "math"

// pieceM is the longest piece of a line that is made a straight edge: its bend
// against the line beside it stays below 4 cm at 60 degrees of latitude.
const pieceM = 1000

// bend is how far a straight lon/lat edge of this length can leave the geodesic
// at a latitude, with an allowance for the lattice, in metres.
func bend(lengthM float64, lat int32) float64 {
	phi := math.Min(math.Abs(float64(lat))*unit+lengthM/earthB, 1.56)
	return 0.03 + 1.1*lengthM*lengthM*math.Tan(phi)/(8*earthB)
}

// heading is the direction at vertex i of a line of pieces: the mean of that of
// the piece before and the one after.
func heading(line []Point, i int) float64 {
	switch {
	case i == 0:
		return Bearing(line[0], line[1])
	case i == len(line)-1:
		return Bearing(line[i-1], line[i])
	}
	in, out := Bearing(line[i-1], line[i]), Bearing(line[i], line[i+1])
	return in + turn(in, out)/2
}

// turn is the change from one direction to another, -180 to 180 degrees; right
// is positive.
func turn(from, to float64) float64 { return math.Remainder(to-from, 360) }

// Capsule is a ring around the line from a to b that encloses every point within
// radiusM of it. Arc says how many edges each of its round ends has; the ring
// leaves the true outline by 3 cm and the bend of a 1 km edge (see pieceM), and
// by radiusM (1/cos(90 degrees/arc) - 1) at the ends. Its longitudes may lie
// beyond 180 degrees, as those of a and b.
func Capsule(a, b Point, geodesic bool, radiusM float64, arc int) Ring {
	line := append(Along(a, b, geodesic, pieceM, []Point{a}), b)
	if a == b {
		line = []Point{a, {a.Lat + 1, a.Lon}}
	}
	margin := bend(pieceM+2*radiusM/float64(arc), a.Lat)
	side, end := radiusM+margin, radiusM/math.Cos(math.Pi/2/float64(arc))+margin
	var ring Ring
	last := len(line) - 1
	for _, tip := range [2]struct {
		at  Point
		dir float64
	}{{line[0], heading(line, 0) + 180}, {line[last], heading(line, last)}} {
		for k := range arc + 1 {
			ring = append(ring, beyond(tip.at, tip.dir-90+180*float64(k)/float64(arc), end))
		}
		// Now on the other side of the line: back along it.
		for i := 1; i < last; i++ {
			k, off := i, -90.0
			if tip.at == line[last] {
				k, off = last-i, 90
			}
			ring = append(ring, beyond(line[k], heading(line, k)+off, side))
		}
	}
	return ring
}

// ArcFor is how many edges a half circle needs to leave the true one by at most
// 0.1 m, within 6 and 48.
func ArcFor(radiusM float64) int {
	n := math.Pi / 2 / math.Acos(1/(1+0.1/math.Max(radiusM, 0.1)))
	return int(math.Min(math.Max(math.Ceil(n), 6), 48))
}

// Outline is a ring within the band of all points that lie within radiusM of a
// line: it follows its sides within 3 cm and the bend of its edges, its outer
// corners within 1 % of radiusM. It fails with the number of a vertex at which
// the line turns too sharply for the length of its pieces. The ring crosses
// itself where the line comes back to itself.
func Outline(line []Point, geodesic bool, radiusM float64) (ring Ring, bad int) {
	n := len(line)
	pieces := make([][]Point, n-1) // with both ends
	turns := make([]float64, n)    // at inner vertices
	longest := float64(pieceM)
	for i := range pieces {
		pieces[i] = append(Along(line[i], line[i+1], geodesic, pieceM, []Point{line[i]}), line[i+1])
		if i > 0 {
			before := pieces[i-1]
			turns[i] = turn(Bearing(before[len(before)-2], line[i]), Bearing(line[i], pieces[i][1]))
			if math.Abs(turns[i]) > 170 {
				return nil, i
			}
			longest = max(longest, 2*radiusM*math.Tan(math.Abs(turns[i])/2*math.Pi/180))
		}
	}
	r := radiusM - bend(longest, line[0].Lat)
	if r <= 0 {
		return nil, 0
	}
	right := make([]Ring, 2)
	for side, s := range [2]float64{1, -1} { // right, left
		for i, p := range pieces {
			out := &right[side]
			// An inner corner takes this much of each of its pieces.
			taken := func(v int) float64 { return math.Max(s*turns[v], 0) * math.Pi / 360 }
			from, to := r*math.Tan(taken(i)), r*math.Tan(taken(i+1))
			length := Distance(p[0], p[len(p)-1])
			if from+to >= length && from+to > 0 {
				return nil, i + 1 - b2i(from > to)
			}
			first := Bearing(p[0], p[1])
			if i == 0 {
				*out = append(*out, beyond(p[0], first+90*s, r))
			} else if t := s * turns[i]; t > 0 {
				*out = append(*out, beyond(p[0], first-s*t/2+90*s, r/math.Cos(t/2*math.Pi/180)))
			} else { // an outer corner: an arc of chords
				steps := math.Ceil(-t / 15)
				for k := range int(steps) + 1 {
					part := 0.0
					if steps > 0 {
						part = float64(k) / steps
					}
					*out = append(*out, beyond(p[0], first-s*t*(1-part)+90*s, r))
				}
			}
			for k := 1; k < len(p)-1; k++ {
				if Distance(p[0], p[k]) > from+1 && Distance(p[k], p[len(p)-1]) > to+1 {
					*out = append(*out, beyond(p[k], heading(p, k)+90*s, r))
				}
			}
			if i == len(pieces)-1 {
				*out = append(*out, beyond(p[len(p)-1], heading(p, len(p)-1)+90*s, r))
			}
		}
	}
	ends := pieces[n-2]
	last := heading(ends, len(ends)-1)
	ring = append(ring, right[0]...)
	for k := 1; k < 12; k++ {
		ring = append(ring, beyond(line[n-1], last+90-15*float64(k), r))
	}
	for i := len(right[1]) - 1; i >= 0; i-- {
		ring = append(ring, right[1][i])
	}
	first := heading(pieces[0], 0)
	for k := 1; k < 12; k++ {
		ring = append(ring, beyond(line[0], first-90-15*float64(k), r))
	}
	return ring, -1
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
