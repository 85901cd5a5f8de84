package priority

import (
	"math"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/vehicles"
)

// How much is not known of where a priority traffic is.
const (
	// A track this old counts as lost. Ships report every 2 to 10 s (ITU-R M.1371).
	lostAfterS       = 5.0
	vesselLostAfterS = 15.0
	// callAfterS is how long a track may be lost before people are called.
	callAfterS = 30.0
	// What was placed by hand deviates by this part of the way that it made: nobody
	// watches it.
	handDrift = 0.05
	// growthMax bounds what the keep-out grows by: beyond, only people can tell.
	growthMax = 20_000.0
	// A track of which no speed is known may be as fast as this.
	aircraftTopMPS = 80.0
	vesselTopMPS   = 15.0

	// It turns when its course changes by more than this in a second; then it is
	// followed around by up to turnMost degrees, beside straight on.
	turnLeast = 1.0
	turnMost  = 180.0
	turnStep  = 10.0
	turnFastS = 10.0 // degrees a second: more is noise
)

// leg is a straight piece of a way: from t0 to t1 seconds from now, at n, e metres
// in the frame of the scene at t0.
type leg struct {
	t0, t1 float64
	n, e   float64
	vn, ve float64
}

func (l *leg) at(t float64) (n, e float64) { return l.n + l.vn*(t-l.t0), l.e + l.ve*(t-l.t0) }

// way is one way that something may make: legs without gaps from 0 on.
type way []leg

func (w way) at(t float64) (n, e float64) {
	for i := range w {
		if t <= w[i].t1 || i == len(w)-1 {
			return w[i].at(min(t, w[i].t1))
		}
	}
	return 0, 0
}

// mover is a keep-out with how it moves from now on.
type mover struct {
	keepout  *Keepout
	memory   *memory
	where    Where
	point    geo.Point
	course   float64 // degrees
	speed    float64
	radius   float64 // now
	growth   float64 // of the radius, m/s
	ageS     float64
	verified bool
	horizon  float64
	self     vehicles.Handle // the vehicle of the zone that it is; 0: none
	ways     []way
}

func (m *mover) about(class vehicles.Class) bool {
	return !class.Traffic() && m.keepout.Classes.Match(class)
}

// memory is what is kept of a keep-out from look to look.
type memory struct {
	id, name string
	track    telemetry.TrafficView // the newest that was seen
	seen     bool
	// sinceUS is when it was looked at first: a track that was never seen is missed since.
	sinceUS int64
	turn    float64 // degrees a second, positive to the right
	of      map[vehicles.VehicleID]*conflict
	called  bool // people were called: its track is lost
}

// conflict is a vehicle that is in the way.
type conflict struct {
	vehicle *vehicles.Identity
	exit    telemetry.Exit
	misses  int    // looks in a row that did not find it
	called  string // why its contact is called; empty: it is not
}

func (m *memory) clone() *memory {
	out := *m
	out.of = make(map[vehicles.VehicleID]*conflict, len(m.of))
	for id, c := range m.of {
		copied := *c
		out.of[id] = &copied
	}
	return &out
}

// scene is one look: all movers in one frame of metres north and east.
type scene struct {
	nowUS  int64
	origin geo.Point
	movers []mover
}

func newScene(keepouts []Keepout, kept map[string]*memory, traffic []telemetry.TrafficView, nowUS int64) *scene {
	s := &scene{nowUS: nowUS, movers: make([]mover, len(keepouts))}
	for i := range keepouts {
		k := &keepouts[i]
		m := kept[k.ID]
		if m == nil {
			m = &memory{id: k.ID, sinceUS: nowUS, of: map[vehicles.VehicleID]*conflict{}}
			kept[k.ID] = m
		}
		m.name = k.Name
		s.movers[i] = mover{keepout: k, memory: m, horizon: k.LookAheadS, radius: k.Radius}
		if k.Track != "" {
			s.movers[i].follow(traffic, nowUS)
		} else {
			s.movers[i].place(nowUS)
		}
	}
	for i := range s.movers {
		if s.movers[i].where != Unseen {
			s.origin = s.movers[i].point
			break
		}
	}
	for i := range s.movers {
		s.movers[i].plan(s.origin, nowUS)
	}
	return s
}

// follow takes the track that a keep-out is bound to.
func (m *mover) follow(traffic []telemetry.TrafficView, nowUS int64) {
	kept := m.memory
	for i := range traffic {
		if traffic[i].Vehicle.ID == m.keepout.Track {
			kept.take(&traffic[i])
			break
		}
	}
	if !kept.seen {
		m.where, m.ageS = Unseen, float64(nowUS-kept.sinceUS)/1e6
		return
	}
	t := &kept.track
	m.where, m.verified = Seen, t.Vehicle.Verified
	m.ageS = max(float64(nowUS-t.SeenUS)/1e6, 0)
	if t.Same != nil {
		m.self = t.Same.Handle
	}
	lostAfter, top := lostAfterS, aircraftTopMPS
	if t.Vehicle.Class == vehicles.Vessel {
		lostAfter, top = vesselLostAfterS, vesselTopMPS
	}
	north, east := float64(t.Track.Velocity.N)/100, float64(t.Track.Velocity.E)/100
	if t.Velocity {
		m.speed, m.course = math.Hypot(north, east), degrees(math.Atan2(east, north))
	} else { // where it goes is not known: it stands, and grows from its last fix on
		m.growth, m.radius = top, m.radius+min(top*m.ageS, growthMax)
	}
	m.point = geo.Destination(t.Track.Fix.Point, m.course, m.speed*m.ageS)
	if m.ageS > lostAfter {
		// It may have turned by 60 degrees, stopped or doubled its speed: all of that is
		// within the way it made since.
		m.where, m.growth = Lost, max(m.growth, m.speed)
		if t.Velocity {
			m.radius += min(m.speed*m.ageS, growthMax)
		}
	}
	if m.radius-m.keepout.Radius >= growthMax {
		m.growth = 0
	}
}

// take notes a sighting and how it turns.
func (k *memory) take(t *telemetry.TrafficView) {
	if k.seen && t.Velocity && k.track.Velocity && t.SeenUS > k.track.SeenUS {
		dt := float64(t.SeenUS-k.track.SeenUS) / 1e6
		was, is := courseOf(&k.track), courseOf(t)
		if rate := math.Remainder(is-was, 360) / dt; dt <= turnFastS && math.Abs(rate) <= turnFastS {
			k.turn = (k.turn + rate) / 2
		} else {
			k.turn = 0
		}
	}
	if !k.seen || t.SeenUS >= k.track.SeenUS {
		k.track, k.seen = *t, true
	}
}

func courseOf(t *telemetry.TrafficView) float64 {
	return degrees(math.Atan2(float64(t.Track.Velocity.E), float64(t.Track.Velocity.N)))
}

// degrees is an angle in radians as a course.
func degrees(rad float64) float64 { return math.Mod(rad*180/math.Pi+360, 360) }

func (m *mover) northMPS() float64 { return m.speed * math.Cos(m.course*math.Pi/180) }
func (m *mover) eastMPS() float64  { return m.speed * math.Sin(m.course*math.Pi/180) }

// place puts what people placed where it is now.
func (m *mover) place(nowUS int64) {
	k := m.keepout
	m.where, m.verified = Placed, true
	m.ageS = float64(nowUS-k.AtUS) / 1e6
	m.point = k.Route[0]
	if m.ageS < 0 {
		m.where, m.ageS = Waiting, 0
		m.course = k.Course
		if len(k.Route) > 1 {
			m.course = geo.Bearing(k.Route[0], k.Route[1])
		}
		return
	}
	gone := k.Speed * m.ageS
	m.course, m.speed = k.Course, k.Speed
	if len(k.Route) == 1 {
		m.point = geo.Destination(k.Route[0], k.Course, gone)
	} else {
		for i := 1; i < len(k.Route); i++ {
			length := geo.Distance(k.Route[i-1], k.Route[i])
			m.course = geo.Bearing(k.Route[i-1], k.Route[i])
			if gone <= length {
				m.point = geo.Destination(k.Route[i-1], m.course, gone)
				break
			}
			gone -= length
			m.point = k.Route[i]
			if i == len(k.Route)-1 {
				m.where, m.speed = Arrived, 0
			}
		}
	}
	made := k.Speed * m.ageS
	if m.where == Arrived {
		made -= gone
	}
	m.radius += min(handDrift*made, growthMax)
	m.growth = handDrift * m.speed
}

// plan makes the ways from now on in the frame of the scene.
func (m *mover) plan(origin geo.Point, nowUS int64) {
	if m.where == Unseen {
		return
	}
	n, e := geo.Offset(origin, m.point)
	if m.keepout.Track == "" && len(m.keepout.Route) > 1 && m.where != Arrived || m.where == Waiting {
		m.ways = []way{m.alongRoute(origin, n, e, nowUS)}
		return
	}
	m.ways = []way{{leg{0, m.horizon, n, e, m.northMPS(), m.eastMPS()}}}
	if turn := m.memory.turn; m.where == Seen && math.Abs(turn) >= turnLeast && m.speed > 1 {
		m.ways = append(m.ways, m.around(n, e, turn))
	}
}

// around follows a turn, and then goes straight on.
func (m *mover) around(n, e, turn float64) (w way) {
	step := turnStep / math.Abs(turn)
	course, t := m.course, 0.0
	for turned := 0.0; turned < turnMost && t < m.horizon; turned += turnStep {
		mid := (course + math.Copysign(turnStep, turn)/2) * math.Pi / 180
		vn, ve := m.speed*math.Cos(mid), m.speed*math.Sin(mid)
		end := min(t+step, m.horizon)
		w = append(w, leg{t, end, n, e, vn, ve})
		n, e = n+vn*(end-t), e+ve*(end-t)
		course, t = course+math.Copysign(turnStep, turn), end
	}
	if t < m.horizon {
		w = append(w, leg{t, m.horizon, n, e, m.speed * math.Cos(course*math.Pi/180), m.speed * math.Sin(course*math.Pi/180)})
	}
	return w
}

// alongRoute follows what people drew, and stands at its end.
func (m *mover) alongRoute(origin geo.Point, n, e float64, nowUS int64) (w way) {
	k, t, gone := m.keepout, 0.0, 0.0
	if m.where == Waiting {
		wait := min(float64(k.AtUS-nowUS)/1e6, m.horizon)
		w, t = append(w, leg{0, wait, n, e, 0, 0}), wait
		if len(k.Route) == 1 && t < m.horizon {
			rad := k.Course * math.Pi / 180
			return append(w, leg{t, m.horizon, n, e, k.Speed * math.Cos(rad), k.Speed * math.Sin(rad)})
		}
	} else {
		gone = k.Speed * m.ageS
	}
	if k.Speed <= 0 {
		return append(w, leg{t, m.horizon, n, e, 0, 0})
	}
	for i := 1; i < len(k.Route) && t < m.horizon; i++ {
		length := geo.Distance(k.Route[i-1], k.Route[i])
		if gone >= length {
			gone -= length
			continue
		}
		toN, toE := geo.Offset(origin, k.Route[i])
		took := (length - gone) / k.Speed
		gone = 0
		vn, ve := (toN-n)/took, (toE-e)/took
		end := min(t+took, m.horizon)
		w = append(w, leg{t, end, n, e, vn, ve})
		n, e, t = n+vn*(end-t), e+ve*(end-t), end
	}
	if t < m.horizon || len(w) == 0 {
		w = append(w, leg{t, m.horizon, n, e, 0, 0})
	}
	return w
}
