package telemetry

import (
	"math"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// CauseItself ends a conflict of a vehicle with what turned out to be itself, as
// others hear it.
const CauseItself = "same_vehicle"

// A vehicle and a nameless echo of it: so close and so alike, for so long, while
// it moves. What hovers beside another is not it.
const (
	shadowM      = 50
	shadowMPS    = 2
	shadowMinMPS = 3
	shadowUS     = 10_000_000
)

// trafficSeen takes the traffic into a search: bodies of what may be met. A track
// that is a vehicle of the zone itself is none, while that one is judged.
func (s *Separator) trafficSeen(nowUS int64) {
	if s.cfg.Traffic == nil {
		return
	}
	for _, v := range s.cfg.Traffic.Tracks(WholeZone()) {
		h := v.Vehicle.Handle
		age := max(nowUS-v.SeenUS, 0)
		state := judged
		switch {
		case v.Track.Landed == vehicles.OnGround:
			state = parked
		case v.Same != nil && s.seen[v.Same.Handle].state == judged:
			state = itself
		case age >= staleSighting.Microseconds():
			state = blind
		}
		b := trafficBody(&v, age)
		if own, ok := s.echoes[h]; ok {
			switch at := s.seen[own]; {
			case at.state == judged && alike(&s.bodies[at.body], &b):
				state = itself
			default:
				delete(s.echoes, h)
			}
		}
		if state == judged {
			s.bodies = append(s.bodies, b)
		}
		s.seen[h] = sight{id: v.Vehicle, state: state, body: len(s.bodies) - 1, nameless: nameless(&v.Sighting)}
	}
	for h := range s.echoes {
		if s.seen[h].state == unseen {
			delete(s.echoes, h)
		}
	}
}

// trafficBody is traffic as the search wants it. A geometric height is above the
// ellipsoid; of ADS-B receivers some mean the geoid. A pressure altitude is
// neither: it counts as off by what the pressure at sea level may be.
func trafficBody(v *TrafficView, ageUS int64) geofence.Body {
	b := geofence.Body{
		Handle: v.Vehicle.Handle, Class: v.Vehicle.Class, Unverified: !v.Vehicle.Verified, Point: v.Track.Fix.Point,
		N: v.Track.Velocity.N, E: v.Track.Velocity.E, AgeS: float32(ageUS) / 1e6,
	}
	if v.Sighting.Has&vehicles.SeenVertical != 0 {
		b.D = v.Sighting.Velocity.D
	}
	if mm, ok := v.Track.Fix.Heights.In(geo.AMSL); ok {
		b.HeightMM, b.HeightKnown = mm, true
		if v.Sighting.Means == vehicles.ADSB {
			b.HeightOffM = float32(math.Abs(geo.Undulation(b.Point)))
		}
	} else if v.Sighting.Has&vehicles.SeenPressure != 0 {
		b.HeightMM, b.HeightKnown, b.HeightOffM = v.Sighting.PressureMM, true, float32(v.OffM)
	}
	return b
}

// nameless reports whether traffic may be a vehicle of the zone for all that it
// says of itself: no serial number, and no kind of aircraft that carries people.
func nameless(s *vehicles.Sighting) bool {
	const noInfo, uav = 0, 14 // ADSB_EMITTER_TYPE
	switch s.Means {
	case vehicles.ADSB:
		return s.Has&vehicles.SeenCategory == 0 || s.Category == noInfo || s.Category == uav
	case vehicles.RemoteID:
		return s.Has&vehicles.SeenSerial == 0
	}
	return false
}

// alike reports whether two bodies may be one: close, with the same velocity.
func alike(a, b *geofence.Body) bool {
	at := func(v *geofence.Body) (north, east float64) {
		north, east = geo.Offset(a.Point, v.Point)
		return north + float64(v.N)*float64(v.AgeS)/100, east + float64(v.E)*float64(v.AgeS)/100
	}
	an, ae := at(a)
	bn, be := at(b)
	if math.Hypot(an-bn, ae-be) > shadowM || math.Hypot(float64(a.N)-float64(b.N), float64(a.E)-float64(b.E)) > 100*shadowMPS {
		return false
	}
	return !a.HeightKnown || !b.HeightKnown ||
		math.Abs(float64(a.HeightMM)-float64(b.HeightMM))/1000 <= shadowM+float64(a.HeightOffM+b.HeightOffM)
}

// watchEcho follows how long a vehicle and nameless traffic in conflict have been
// alike. Until it is long enough the conflict stands.
func (s *Separator) watchEcho(c *geofence.Conflict, steadyUS int64) {
	own, other := s.ownFirst(c.A, c.B)
	at, of := s.seen[own], s.seen[other]
	if !of.id.Class.Traffic() || !of.nameless {
		return
	}
	a, b := &s.bodies[at.body], &s.bodies[of.body]
	p := pair{own, other}
	if !alike(a, b) || math.Hypot(float64(a.N), float64(a.E)) < 100*shadowMinMPS {
		delete(s.alikeUS, p)
		return
	}
	since, ok := s.alikeUS[p]
	if !ok {
		s.alikeUS[p] = steadyUS
		return
	}
	if steadyUS-since >= shadowUS {
		s.echoes[other] = own
		delete(s.alikeUS, p)
	}
}

// ownFirst orders a pair: the zone's own vehicle before traffic.
func (s *Separator) ownFirst(a, b vehicles.Handle) (own, other vehicles.Handle) {
	if s.seen[a].id.Class.Traffic() {
		return b, a
	}
	return a, b
}
