package geofence

import (
	"math"

	"testzone/geofence/geo"
)

// sunDay says whether the sun rises and sets on a day.
type sunDay uint8

const (
	sunRises   sunDay = iota
	polarDay          // it does not set
	polarNight        // it does not rise
)

// sunZenith is the distance of the sun's centre from the zenith at sunrise and
// sunset, degrees: half its disk (0.267) and the refraction at the horizon.
const sunZenith = 90.833

const minuteUS = 60_000_000

// sunTimes are sunrise and sunset around the solar noon that is nearest to a
// moment, in Unix microseconds, rounded to whole minutes. The equations are the
// low-accuracy ones of Meeus, Astronomical Algorithms, chapters 25 and 28:
// within a minute up to 60 degrees of latitude, a few minutes near the polar
// circles, for a horizon at sea level. Where the sun does not rise both times
// are the noon; where it does not set they are the midnights around it.
func sunTimes(p geo.Point, nearUS int64) (riseUS, setUS int64, day sunDay) {
	const dayMin = 1440.0
	lat, lon := float64(p.Lat)/1e7, float64(p.Lon)/1e7
	near := float64(nearUS) / minuteUS
	_, equation := sunAt(near)
	// Minutes since the epoch, a Thursday's midnight at Greenwich.
	noon := math.Floor(near/dayMin)*dayMin + 720 - 4*lon - equation
	noon += math.Round((near-noon)/dayMin) * dayMin
	_, equation = sunAt(noon)
	noon += math.Mod(720-4*lon-equation-noon, dayMin)
	noon += math.Round((near-noon)/dayMin) * dayMin

	// Of a polar season: the mean noon, so that one day ends as the next begins.
	mean := math.Floor(near/dayMin)*dayMin + 720 - math.Round(4*lon)
	mean += math.Round((near-mean)/dayMin) * dayMin

	edge := func(side float64) (float64, sunDay) {
		t := noon
		for range 3 { // the sun moves on between noon and the edge
			declination, equation := sunAt(t)
			cos := (math.Cos(sunZenith*degree) - math.Sin(lat*degree)*math.Sin(declination)) / (math.Cos(lat*degree) * math.Cos(declination))
			switch {
			case cos > 1:
				return mean, polarNight
			case cos < -1:
				return mean + side*720, polarDay
			}
			half := 4 * math.Acos(cos) / degree
			drift := math.Mod(720-4*lon-equation-noon, dayMin)
			drift -= math.Round(drift/dayMin) * dayMin
			t = noon + drift + side*half
		}
		return t, sunRises
	}
	rise, day := edge(-1)
	set, other := edge(1)
	if day != other { // the first or last day of a polar season: as the rest of it
		day = max(day, other) // one of them is sunRises, 0
		rise, set = mean, mean
		if day == polarDay {
			rise, set = mean-720, mean+720
		}
	}
	return int64(math.Round(rise)) * minuteUS, int64(math.Round(set)) * minuteUS, day
}

const degree = math.Pi / 180

// sunAt is the sun's declination in radians and the equation of time in minutes
// at a moment in minutes since the Unix epoch.
func sunAt(minutes float64) (declination, equation float64) {
	c := (minutes/1440 - 10957.5) / 36525 // Julian centuries since 2000-01-01 12:00
	mean := (280.46646 + c*(36000.76983+c*0.0003032)) * degree
	anomaly := (357.52911 + c*(35999.05029-c*0.0001537)) * degree
	e := 0.016708634 - c*(0.000042037+c*0.0000001267)
	centre := math.Sin(anomaly)*(1.914602-c*(0.004817+c*0.000014)) +
		math.Sin(2*anomaly)*(0.019993-c*0.000101) + math.Sin(3*anomaly)*0.000289
	node := (125.04 - 1934.136*c) * degree
	long := mean + (centre-0.00569-0.00478*math.Sin(node))*degree
	tilt := (23.4392911 - c*0.0130042 + 0.00256*math.Cos(node)) * degree
	declination = math.Asin(math.Sin(tilt) * math.Sin(long))
	y := math.Tan(tilt/2) * math.Tan(tilt/2)
	equation = 4 / degree * (y*math.Sin(2*mean) - 2*e*math.Sin(anomaly) + 4*e*y*math.Sin(anomaly)*math.Cos(2*mean) -
		y*y/2*math.Sin(4*mean) - 1.25*e*e*math.Sin(2*anomaly))
	return declination, equation
}
