package sim

import (
	"math"
	"strings"
	"testing"
	"time"

	"testzone/geofence/geo"
)

// TestMotionIsBounded: whatever moves keeps within the limits of its class.
func TestMotionIsBounded(t *testing.T) {
	const h = 0.05 // s
	breach := &BreachPlan{Center: demoCenter, RadiusM: 60, EverySec: 1}
	for _, cfg := range []Config{{Seed: 1}, {Seed: 2}, {Kind: KindLoad, Vehicles: 60, Breach: breach}} {
		cfg.dial = (&wire{}).dial
		f, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range f.members {
			ag := m.kind.agility
			top, accel, slowest := ag.cruise*1.3, math.Hypot(ag.accel, ag.lateral), math.Inf(1)
			if strings.HasPrefix(m.name, "breacher") {
				top, accel = breachSpeed, math.Hypot(4, 5)
			}
			prev, before := m.at(-h, 0), m.at(-2*h, 0)
			for s := 0.0; s < m.course.period+1; s += h {
				now := m.at(s, 0)
				moved := now.at.sub(prev.at).norm()
				if moved > (top+0.1)*h {
					t.Fatalf("%s at %.2f: moved %.2f m in %v s", m.name, s, moved, h)
				}
				// The position's second difference is the acceleration that a receiver sees.
				acc := now.at.sub(prev.at.scale(2)).add(before.at).norm() / (h * h)
				if acc > 1.6*accel+0.5 {
					t.Fatalf("%s at %.2f: %.2f m/s²", m.name, s, acc)
				}
				rate := math.Abs(wrapPi(now.heading-prev.heading)) / h
				if rate > 1 {
					t.Fatalf("%s at %.2f: turns %.2f rad/s", m.name, s, rate)
				}
				if ag.spin == 0 && rate > 0.01 && moved/h < 0.2 {
					t.Fatalf("%s at %.2f: turns on the spot", m.name, s)
				}
				if up := now.vel.z; up > 0 && up > ag.climb+0.01 || up < 0 && -up > ag.sink+0.01 {
					t.Fatalf("%s at %.2f: %.2f m/s upwards", m.name, s, up)
				}
				if d := now.vel.sub(now.at.sub(prev.at).scale(1 / h)).norm(); d > 1.6*accel*h+0.2 {
					t.Fatalf("%s at %.2f: velocity is %.2f m/s off the motion", m.name, s, d)
				}
				slowest = min(slowest, now.vel.norm())
				before, prev = prev, now
			}
			if m.kind == &fixedWing && slowest < 15 {
				t.Errorf("%s flies at %.1f m/s", m.name, slowest)
			}
		}
	}
}

func TestCourseTakesItsPeriod(t *testing.T) {
	wps := []waypoint{{hold: 2}, {at: vec{y: 100}, radius: 10}, {at: vec{x: 100, y: 100}, radius: 10}, {at: vec{x: 100}, radius: 10}}
	natural, err := newCourse(wps, rover.agility, 0)
	if err != nil {
		t.Fatal(err)
	}
	padded, err := newCourse(wps, rover.agility, natural.period+33)
	if err != nil {
		t.Fatal(err)
	}
	if padded.period != natural.period+33 || padded.at(padded.period-0.5).at != padded.at(-0.5).at {
		t.Errorf("period %v, natural %v", padded.period, natural.period)
	}
	if s := padded.at(34); !s.hold || s.at != (vec{}) {
		t.Errorf("after 34 s %+v, want holding at the start", s)
	}
	if _, err := newCourse(wps, rover.agility, natural.period-1); err == nil {
		t.Error("a round shorter than possible was accepted")
	}
	if _, err := newCourse(wps[:1], rover.agility, 0); err == nil {
		t.Error("a round of one point was accepted")
	}
}

func TestPlaneAgainstHaversine(t *testing.T) {
	for _, origin := range []geo.Point{demoCenter, {Lat: -450_000_000, Lon: 1_799_900_000}, {}} {
		p := newPlane(origin)
		for _, v := range []vec{{x: 3000}, {y: 3000}, {x: -2000, y: 1000}} {
			q := p.point(v)
			if back := p.local(q); origin == demoCenter && back.sub(v).norm() > 0.02 {
				t.Errorf("%v: %+v came back as %+v", origin, v, back)
			}
			// The sphere is off the ellipsoid by at most 0.6 %.
			if d := haversine(origin, q); math.Abs(d-v.norm()) > 0.006*v.norm() || !q.Valid() {
				t.Errorf("%v: %+v is %.1f m away at %v", origin, v, d, q)
			}
		}
	}
}

// TestBreachPlan counts the entries into the circle over five minutes.
func TestBreachPlan(t *testing.T) {
	const span, step = 5 * time.Minute, 50 * time.Millisecond
	tests := []struct {
		name string
		plan BreachPlan
	}{
		{"five a second", BreachPlan{demoCenter, 60, 0.2}},
		{"one in three seconds", BreachPlan{geo.Point{Lat: 309_050_000, Lon: 1_219_250_000}, 200, 3}},
		{"small circle", BreachPlan{demoCenter, 10, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := New(Config{Kind: KindLoad, Vehicles: 150, Breach: &tt.plan, dial: (&wire{}).dial})
			if err != nil {
				t.Fatal(err)
			}
			entries := 0
			perSecond := map[time.Duration]int{}
			for i, m := range f.members {
				was := true
				for at := time.Duration(0); at < span; at += step {
					p, _, speed := f.At(i, at)
					in := haversine(tt.plan.Center, p) <= tt.plan.RadiusM
					if in && !was {
						entries++
						perSecond[at/time.Second]++
						if m.kind != &copter || speed < 8 {
							t.Fatalf("%s enters with %.1f m/s", m.name, speed)
						}
					}
					was = in
				}
			}
			want := span.Seconds() / tt.plan.EverySec
			if got := float64(entries); got < 0.9*want || got > 1.2*want {
				t.Errorf("%v entries, want %v", got, want)
			}
			for s, n := range perSecond {
				if float64(n) > 2/tt.plan.EverySec+1 {
					t.Errorf("%d entries in second %d", n, s)
				}
			}
		})
	}
}
