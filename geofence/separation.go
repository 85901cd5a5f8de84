package geofence

import (
	"math"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// Minima are the distances that two vehicles keep. They are lost while the
// vehicles are closer than both at once; at exactly a minimum it is kept. A pair
// with a minimum of 0 or less is not separated.
type Minima struct {
	HorizontalM, VerticalM float64
}

// NoVertical is the vertical minimum of a pair whose heights do not matter:
// boats are apart or they are not.
const NoVertical = 1e9

// DefaultMinima separates aircraft from aircraft by 50 m or 30 m in height, and
// boats from boats by 50 m. A vehicle of unknown class is taken for both. Traffic
// that is not the zone's does not know of it: aircraft by 500 m or 100 m in
// height, ships by 200 m.
func DefaultMinima(a, b vehicles.Class) Minima {
	if a.Traffic() {
		a, b = b, a
	}
	switch {
	case b == vehicles.Aircraft && (a == vehicles.UAV || a == vehicles.ClassUnknown):
		return Minima{HorizontalM: 500, VerticalM: 100}
	case b == vehicles.Vessel && (a == vehicles.USV || a == vehicles.ClassUnknown):
		return Minima{HorizontalM: 200, VerticalM: NoVertical}
	}
	is := func(c vehicles.Class) bool {
		return (a == c || a == vehicles.ClassUnknown) && (b == c || b == vehicles.ClassUnknown)
	}
	switch {
	case is(vehicles.USV): // the stricter rule where both hold
		return Minima{HorizontalM: 50, VerticalM: NoVertical}
	case is(vehicles.UAV):
		return Minima{HorizontalM: 50, VerticalM: 30}
	}
	return Minima{}
}

// SeparationConfig says which pairs are separated and how far ahead to look.
type SeparationConfig struct {
	HorizonS float64 // default 10 s; the search grows with its square
	// MaxSpeed is about the ground speed in m/s up to which vehicles are searched
	// together; default 60. Faster ones are found as well, one by one: a single
	// fast vehicle must not widen the search for all.
	MaxSpeed float64
	// Between gives the minima of a pair of classes; default DefaultMinima. Asked
	// in both orders by NewSeparation, the greater minima hold. Traffic is never
	// separated from traffic.
	Between func(a, b vehicles.Class) Minima
	// UnverifiedPairs is how many conflicts between two unverified bodies one
	// Find reports; default 10,000. Anybody can claim 4,096 vehicles at one place,
	// which are 8 million conflicts.
	UnverifiedPairs int
}

// Body is a vehicle as Separation sees it.
type Body struct {
	Handle      vehicles.Handle
	Class       vehicles.Class
	Unverified  bool
	HeightKnown bool
	Point       geo.Point
	HeightMM    int32   // in one datum for all bodies
	N, E, D     int16   // velocity, cm/s
	AgeS        float32 // age of Point and HeightMM; at most a minute of it is made up for
	HeightOffM  float32 // how far the height may be off: it counts as too close by as much more
}

// Conflict is a pair that loses its minima within the horizon if both go on as
// they do now. A has the smaller handle.
type Conflict struct {
	A, B vehicles.Handle
	InS  float64 // seconds until the minima are lost; 0: they are lost now
	// AtS is the closest approach: when the pair is nearest horizontally while its
	// minima are lost; where that distance does not change, nearest in height.
	AtS           float64
	HorizontalM   float64 // at AtS
	VerticalM     float64 // at AtS; 0 when it is not known
	VerticalKnown bool    // false: a height is unknown, which counts as too close
	HeightOffM    float64 // how far VerticalM may be off
	Minima        Minima
}

const (
	separationClasses = 6 // the values of vehicles.Class
	maxAgeS           = 60
	greatestSpeed     = 464                 // m/s, of velocities in int16 cm/s
	latticeRad        = math.Pi / 180 / 1e7 // radians in one unit of the lattice
)

// Separation finds the pairs of vehicles that will be too close. It belongs to
// one goroutine and keeps its memory from call to call.
type Separation struct {
	horizonS  float64
	maxSpeed  float64
	most      float64 // greatest horizontal minimum among the zone's own
	mostOther float64 // and of its own from traffic, at least that
	minima    [separationClasses][separationClasses]Minima
	separated [separationClasses]bool // from anything
	quota     int

	movers   []mover // as they came
	fast     []mover // faster than about maxSpeed
	traffic  []mover // searched one by one as the fast ones: its minima are ten times as wide
	sweep    sweep
	bodies   []Body
	out      []Conflict
	between  int // conflicts between unverified bodies in this call
	withheld int
}

// NewSeparation makes a Separation.
func NewSeparation(cfg SeparationConfig) *Separation {
	if !(cfg.HorizonS > 0) {
		cfg.HorizonS = 10
	}
	if !(cfg.MaxSpeed > 0) {
		cfg.MaxSpeed = 60
	}
	if cfg.Between == nil {
		cfg.Between = DefaultMinima
	}
	if cfg.UnverifiedPairs <= 0 {
		cfg.UnverifiedPairs = 10_000
	}
	s := &Separation{horizonS: cfg.HorizonS, maxSpeed: cfg.MaxSpeed, quota: cfg.UnverifiedPairs}
	for a := range vehicles.Class(separationClasses) {
		for b := range vehicles.Class(separationClasses) {
			m, n := cfg.Between(a, b), cfg.Between(b, a)
			m = Minima{max(m.HorizontalM, n.HorizontalM), max(m.VerticalM, n.VerticalM)}
			if !(m.HorizontalM > 0 && m.VerticalM > 0) || a.Traffic() && b.Traffic() {
				continue
			}
			s.minima[a][b] = m
			s.separated[a] = true
			s.mostOther = max(s.mostOther, m.HorizontalM)
			if !a.Traffic() && !b.Traffic() {
				s.most = max(s.most, m.HorizontalM)
			}
		}
	}
	return s
}

// Find appends the conflicts among bodies to out, in no particular order.
// Bodies off the globe are passed over. Does not allocate once its memory has
// grown to the number of bodies, as long as out has room.
func (s *Separation) Find(bodies []Body, out []Conflict) []Conflict {
	s.bodies, s.out = bodies, out
	s.between, s.withheld = 0, 0
	slow := s.load()
	s.sweep.arrange(s.movers, s.most, slow)
	s.sweep.neighbours(s)
	for i := range s.fast {
		f := &s.fast[i]
		for j := range s.fast[:i] {
			s.meet(f, &s.fast[j], s.most)
		}
		s.sweep.around(f, s, s.most)
	}
	for i := range s.traffic {
		f := &s.traffic[i]
		for j := range s.fast {
			s.meet(f, &s.fast[j], s.mostOther)
		}
		s.sweep.around(f, s, s.mostOther)
	}
	out = s.out
	s.bodies, s.out = nil, nil
	return out
}

// Withheld is how many conflicts between unverified bodies the last Find did
// not report.
func (s *Separation) Withheld() int { return s.withheld }

// mover is a body brought to the present, with what the search needs of it, in
// one cache line. The search goes by the middle of the way until the horizon: from
// there nobody strays by more than half the way, which makes the search half as
// wide as one from the present places.
type mover struct {
	lon         uint32 // of the middle: units east of 180 W, less than 360 degrees
	lat         int32
	window      uint32 // units of longitude within which a partner may be; fullTurn: anywhere
	body        int32
	east, north float64 // metres in one unit of longitude, of latitude
	radius      float64 // half the way in metres, and what the scales may be off
	height      float64 // metres, now
	nowLon      uint32
	nowLat      int32
	n, e, d     int16
	class       uint8
	heightKnown bool
}

const fullTurn = 2 * geo.MaxLon

// load makes movers of the bodies and returns the greatest radius of those
// that are not fast.
func (s *Separation) load() (slow float64) {
	s.movers, s.fast, s.traffic = s.movers[:0], s.fast[:0], s.traffic[:0]
	for i := range s.bodies {
		b := &s.bodies[i]
		class := b.Class
		if class >= separationClasses {
			class = vehicles.ClassUnknown
		}
		if !s.separated[class] || !b.Point.Valid() {
			continue
		}
		m := s.mover(b)
		m.body, m.class = int32(i), uint8(class)
		if class.Traffic() {
			s.traffic = append(s.traffic, m)
			continue
		}
		// So near a pole that its scale says little, it would widen the search
		// for all just as a fast one.
		if m.radius > s.maxSpeed*s.horizonS/2*1.05 {
			s.fast = append(s.fast, m)
			continue
		}
		slow = max(slow, m.radius)
		s.movers = append(s.movers, m)
	}
	return slow
}

func (s *Separation) mover(b *Body) mover {
	// A unit each way about the body: the middle latitude is its own.
	north, east := geo.Offset(geo.Point{Lat: b.Point.Lat - 1}, geo.Point{Lat: b.Point.Lat + 1, Lon: 2})
	m := mover{
		east: max(east/2, 1e-9), north: north / 2, n: b.N, e: b.E, d: b.D,
		height: float64(b.HeightMM) / 1000, heightKnown: b.HeightKnown,
	}
	age := 0.0
	if b.AgeS > 0 {
		age = min(float64(b.AgeS), maxAgeS)
		m.height -= float64(b.D) * age / 100
	}
	lat, lon := float64(b.Point.Lat), float64(b.Point.Lon)
	vlat, vlon := float64(b.N)/100/m.north, float64(b.E)/100/m.east
	m.nowLat, m.nowLon = onLattice(lat+vlat*age, lon+vlon*age)
	age += s.horizonS / 2
	m.lat, m.lon = onLattice(lat+vlat*age, lon+vlon*age)

	m.radius = math.Hypot(float64(b.N), float64(b.E)) / 100 * s.horizonS / 2
	// The partner's units of longitude differ by a unit's radians for each metre
	// between the two northwards.
	apart := s.mostOther + 2*m.radius + greatestSpeed*s.horizonS
	m.radius += m.radius * apart * latticeRad / m.east
	return m
}

// onLattice rounds to the lattice, longitude as units east of 180 W.
func onLattice(lat, lon float64) (int32, uint32) {
	lon = math.Floor(lon + geo.MaxLon + 0.5)
	if lon < 0 || lon >= fullTurn {
		lon = math.Mod(lon, fullTurn)
		if lon < 0 {
			lon += fullTurn
		}
	}
	return int32(max(-geo.MaxLat, min(geo.MaxLat, math.Floor(lat+0.5)))), uint32(lon)
}

// offset is how far north and east something lies from a that is lat and lon
// units away. The scale is the mean of the two latitudes', which at 10 km differs
// from that of the middle latitude by 3 mm.
func offset(a, b *mover, lat int32, lon int64) (north, east float64) {
	if lon > geo.MaxLon {
		lon -= fullTurn
	} else if lon < -geo.MaxLon {
		lon += fullTurn
	}
	return float64(lat) * (a.north + b.north) / 2, float64(lon) * (a.east + b.east) / 2
}

// near reports whether the pair can come within most metres of each other.
func near(a, b *mover, most float64) bool {
	north, east := offset(a, b, b.lat-a.lat, int64(b.lon)-int64(a.lon))
	most += a.radius + b.radius
	return north*north+east*east < most*most
}

// meet appends the conflict of a and b, if there is one; most is the greatest
// minimum that they may have.
func (s *Separation) meet(a, b *mover, most float64) {
	if near(a, b, most+reachMargin) {
		s.judge(a, b)
	}
}

// judge finds out whether the pair comes too close. Most pairs end here: the
// least distance is found without a branch that is hard to foretell, and only
// where it may be too small the times are worked out.
func (s *Separation) judge(a, b *mover) {
	most := s.minima[a.class][b.class].HorizontalM
	north, east := offset(a, b, b.nowLat-a.nowLat, int64(b.nowLon)-int64(a.nowLon))
	vn, ve := float64(int(b.n)-int(a.n)), float64(int(b.e)-int(a.e)) // cm/s
	closest := max(0, min(-100*(north*vn+east*ve)/(vn*vn+ve*ve+1e-9), s.horizonS)) / 100
	n, e := north+vn*closest, east+ve*closest
	if n*n+e*e <= most*most*(1+1e-9) {
		s.conflict(a, b, north, east, vn/100, ve/100)
	}
}

// conflict intersects the time in which the pair is too close horizontally with
// the time in which it is too close in height. Looking at the height only at
// the closest horizontal approach would miss pairs that climb into each other.
func (s *Separation) conflict(a, b *mover, north, east, vn, ve float64) {
	minima := s.minima[a.class][b.class]
	from, to := horizontally(north, east, vn, ve, minima.HorizontalM)
	known := a.heightKnown && b.heightKnown
	off := float64(s.bodies[a.body].HeightOffM + s.bodies[b.body].HeightOffM)
	up, vup := b.height-a.height, float64(int(a.d)-int(b.d))/100
	if known {
		lo, hi := vertically(up, vup, minima.VerticalM+off)
		from, to = max(from, lo), min(to, hi)
	}
	// The times are open intervals, the horizon is closed.
	if !(from < to) || to <= 0 || from >= s.horizonS {
		return
	}
	c := Conflict{InS: max(from, 0), Minima: minima, VerticalKnown: known}
	to = min(to, s.horizonS)
	switch square := vn*vn + ve*ve; {
	case square > 0:
		c.AtS = -(north*vn + east*ve) / square
	case known && vup != 0:
		c.AtS = -up / vup
	}
	c.AtS = max(c.InS, min(c.AtS, to))
	c.HorizontalM = math.Hypot(north+vn*c.AtS, east+ve*c.AtS)
	if known {
		c.VerticalM, c.HeightOffM = math.Abs(up+vup*c.AtS), off
	}
	s.report(c, &s.bodies[a.body], &s.bodies[b.body])
}

// horizontally is the open interval of seconds in which the distance is less
// than most metres.
func horizontally(north, east, vn, ve, most float64) (from, to float64) {
	square := vn*vn + ve*ve
	if square == 0 { // velocities are whole cm/s: this is exact
		return always(north*north+east*east < most*most)
	}
	cross := north*ve - east*vn
	half := most*most*square - cross*cross
	if half <= 0 {
		return 0, 0 // passes at most metres or more
	}
	middle := -(north*vn + east*ve) / square
	half = math.Sqrt(half) / square
	return middle - half, middle + half
}

// vertically is the open interval of seconds in which the heights differ by less
// than most metres.
func vertically(up, vup, most float64) (from, to float64) {
	if vup == 0 {
		return always(math.Abs(up) < most)
	}
	from, to = (-most-up)/vup, (most-up)/vup
	return min(from, to), max(from, to)
}

func always(yes bool) (from, to float64) {
	if yes {
		return math.Inf(-1), math.Inf(1)
	}
	return 0, 0
}

func (s *Separation) report(c Conflict, a, b *Body) {
	if a.Unverified && b.Unverified {
		if s.between >= s.quota {
			s.withheld++
			return
		}
		s.between++
	}
	c.A, c.B = min(a.Handle, b.Handle), max(a.Handle, b.Handle)
	s.out = append(s.out, c)
}
