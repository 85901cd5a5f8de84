package sim

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"testzone/geofence/geo"
)

// ErrScript is returned when a line of a script cannot be understood; the text names the line.
var ErrScript = errors.New("script of the simulator")

// ParseScript reads what vehicles shall do, one event a line:
//
//	# a remark
//	WHO [TIME] BEHAVIOUR [FOR]
//
// WHO is a vehicle, "uav-3" by class and system id or "copter-1" by name, or "all", or
// "area LAT,LON RADIUSm": whoever is in it then. TIME is from the start, "1m20s";
// without it the behaviour is there from the start. FOR is how long it goes on; without
// it, for good. A BEHAVIOUR is one of
//
//	link lost | link deaf | link silent | link drops 20%
//	refuse hold|stop|return|land|resume|reposition|terminate|all
//	delay 3s | progress 8s | lie ack | lie mode | pilot takes over
//	arm anyway | arm never | drift 0.5m/s 270
//	fix lost | glitch 120m | estimator fails | jam | spoof | canyon
func ParseScript(text string) ([]Event, error) {
	var out []Event
	for i, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		e, err := parseEvent(words)
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrScript, i+1, err)
		}
		out = append(out, e)
	}
	return out, nil
}

// script takes the words of a line one by one.
type script struct {
	words []string
	err   error // the first
}

// next is the next word, empty at the end.
func (s *script) next() string {
	if len(s.words) == 0 {
		return ""
	}
	w := s.words[0]
	s.words = s.words[1:]
	return w
}

// wanted notes what a word should have been.
func (s *script) wanted(what, word string) {
	if s.err == nil {
		s.err = fmt.Errorf("want %s, have %q", what, word)
	}
}

// number is a number with a unit behind it.
func (s *script) number(what, unit string) float64 {
	w := s.next()
	v, err := strconv.ParseFloat(strings.TrimSuffix(w, unit), 64)
	if err != nil || !strings.HasSuffix(w, unit) {
		s.wanted(what, w)
	}
	return v
}

// span is a time.
func (s *script) span(what string) time.Duration {
	w := s.next()
	d, err := time.ParseDuration(w)
	if err != nil {
		s.wanted(what, w)
	}
	return d
}

func parseEvent(words []string) (Event, error) {
	s := &script{words: words}
	var e Event
	if e.Vehicle = s.next(); e.Vehicle == "area" {
		e.Vehicle, e.Area = "", s.area()
	}
	if len(s.words) > 0 {
		if at, err := time.ParseDuration(s.words[0]); err == nil {
			e.At = at
			s.next()
		}
	}
	s.behaviour(&e)
	if len(s.words) > 0 && s.err == nil {
		e.For = s.span("how long it goes on")
		if e.For == 0 {
			s.wanted("how long it goes on, not nothing", "0")
		}
	}
	if len(s.words) > 0 {
		s.wanted("the end of the line", s.words[0])
	}
	if s.err != nil {
		return Event{}, s.err
	}
	return e, e.check()
}

func (s *script) area() *geo.Circle {
	w := s.next()
	p, err := geo.ParsePoint(w)
	if err != nil {
		s.wanted("a place as 30.90,121.93", w)
	}
	return &geo.Circle{Center: p, RadiusM: s.number("a radius as 500m", "m")}
}

// behaviour takes the words of a behaviour and what belongs to it.
func (s *script) behaviour(e *Event) {
	rest := strings.Join(s.words, " ") + " "
	for _, b := range behaviours {
		if strings.HasPrefix(rest, string(b)+" ") {
			e.Does = b
			s.words = s.words[len(strings.Fields(string(b))):]
		}
	}
	switch e.Does {
	case "":
		s.wanted("a behaviour, as \"link lost\"", strings.TrimSpace(rest))
	case Refuses:
		e.Order = s.next()
	case Delays, Progresses:
		e.Late = s.span("how late it is, as 3s")
	case LinkDrops:
		e.Share = s.number("a share of the frames as 20%", "%") / 100
	case Drifts:
		e.SpeedMS = s.number("a speed as 0.5m/s", "m/s")
		e.Course = s.number("a course in degrees", "")
	case Glitches:
		e.JumpM = s.number("a jump as 120m", "m")
	}
}

// String is the line of a script.
func (e *Event) String() string {
	who := e.Vehicle
	if e.Area != nil {
		c := e.Area.Center
		who = fmt.Sprintf("area %.7f,%.7f %sm", float64(c.Lat)/1e7, float64(c.Lon)/1e7, decimal(e.Area.RadiusM))
	}
	line := []string{who}
	if e.At != 0 {
		line = append(line, e.At.String())
	}
	line = append(line, string(e.Does))
	switch e.Does {
	case Refuses:
		line = append(line, e.Order)
	case Delays, Progresses:
		line = append(line, e.Late.String())
	case LinkDrops:
		line = append(line, decimal(e.Share*100)+"%")
	case Drifts:
		line = append(line, decimal(e.SpeedMS)+"m/s", decimal(e.Course))
	case Glitches:
		line = append(line, decimal(e.JumpM)+"m")
	}
	if e.For != 0 {
		line = append(line, e.For.String())
	}
	return strings.Join(line, " ")
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
