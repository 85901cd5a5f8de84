package geofence

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"testzone/geofence/geo"
)

// scenarioOptions are the words of a fence line that parseOption reads; each has
// one value, some a unit.
var scenarioOptions = []string{"of", "except", "max", "margin", "group", "geodesic", "daily", "during"}

var scenarioStart = time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)

func parseOption(f *Fence, words []string) (used int, err error) {
	if words[0] == "geodesic" {
		f.Edges = Geodesic
		return 1, nil
	}
	if len(words) < 2 {
		return 0, fmt.Errorf("%s what?", words[0])
	}
	switch value := words[1]; words[0] {
	case "of":
		f.Operators = append(f.Operators, value)
	case "except":
		f.ExemptOperators = append(f.ExemptOperators, value)
	case "group":
		f.Group = value
	case "max":
		f.SpeedMPS, err = strconv.ParseFloat(value, 64)
		return 3, err
	case "margin":
		f.MarginM, err = strconv.ParseFloat(value, 64)
		return 3, err
	case "daily":
		from, to, _ := strings.Cut(value, "..")
		w := Weekly{Days: allDays}
		for edge, text := range map[*Edge]string{&w.From: from, &w.To: to} {
			at, err := time.Parse("15:04", text)
			if err != nil {
				return 0, err
			}
			edge.Minutes = at.Hour()*60 + at.Minute()
		}
		f.Schedule.Weekly = append(f.Schedule.Weekly, w)
	case "during":
		from, to, _ := strings.Cut(value, "..")
		a, err := time.ParseDuration(from)
		if err != nil {
			return 0, err
		}
		b, err := time.ParseDuration(to)
		if err != nil {
			return 0, err
		}
		f.Schedule.Windows = append(f.Schedule.Windows, Window{scenarioStart.Add(a).UnixMicro(), scenarioStart.Add(b).UnixMicro()})
	}
	return 2, nil
}

func parseCorridor(f *Fence, words []string) (used int, err error) {
	if len(words) < 3 || words[2] != "m" {
		return 0, fmt.Errorf("want a corridor such as corridor 100 m and its vertices")
	}
	f.Shape.Corridor = &geo.Corridor{}
	f.Shape.Corridor.WidthM, err = strconv.ParseFloat(words[1], 64)
	return 3, err
}
