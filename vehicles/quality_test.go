package vehicles_test

import (
	"testing"

	"testzone/vehicles"
)

func TestQuality(t *testing.T) {
	const now = 100_000_000
	good := vehicles.Report{Has: vehicles.HasQuality, ReceivedUS: now, FixType: 3, Satellites: 12, HDOP: 80, HAccMM: 900, VAccMM: 1400}
	none := vehicles.Report{}
	receiver := func(change func(*vehicles.Report)) vehicles.Report {
		r := good
		change(&r)
		return r
	}
	estimator := func(e vehicles.Estimator) func(*vehicles.Report) {
		return func(r *vehicles.Report) { r.Has, r.Estimator = r.Has|vehicles.HasEstimator, e }
	}
	only := func(e vehicles.Estimator) vehicles.Report {
		return vehicles.Report{Has: vehicles.HasEstimator, ReceivedUS: now, Estimator: e}
	}
	for _, tc := range []struct {
		name string
		in   vehicles.Report
		want vehicles.Quality
	}{
		{"nothing was said", none, vehicles.QualityUnknown},
		{"a good receiver", good, vehicles.QualityGood},
		{"just good enough", receiver(func(r *vehicles.Report) { r.Satellites, r.HDOP, r.HAccMM = 6, 500, 10_000 }), vehicles.QualityGood},
		{"two-dimensional", receiver(func(r *vehicles.Report) { r.FixType = 2 }), vehicles.QualityBad},
		{"five satellites", receiver(func(r *vehicles.Report) { r.Satellites = 5 }), vehicles.QualityBad},
		{"number of satellites unknown", receiver(func(r *vehicles.Report) { r.Satellites = vehicles.SatsUnknown }), vehicles.QualityGood},
		{"10 m off", receiver(func(r *vehicles.Report) { r.HAccMM = 10_001 }), vehicles.QualityBad},
		{"diluted", receiver(func(r *vehicles.Report) { r.HDOP = 501 }), vehicles.QualityBad},
		{"states a dilution only", receiver(func(r *vehicles.Report) { r.HAccMM = vehicles.AccUnknown }), vehicles.QualityGood},
		{"states no accuracy at all", receiver(func(r *vehicles.Report) { r.HAccMM, r.HDOP = vehicles.AccUnknown, vehicles.HDOPUnknown }), vehicles.QualityUnknown},
		{"dilution 0 is none", receiver(func(r *vehicles.Report) { r.HAccMM, r.HDOP = vehicles.AccUnknown, 0 }), vehicles.QualityUnknown},
		{"a good receiver, a faulty estimator", receiver(estimator(vehicles.EstimatorFaulty)), vehicles.QualityBad},
		{"a bad receiver, a healthy estimator", receiver(func(r *vehicles.Report) { estimator(vehicles.EstimatorHealthy)(r); r.FixType = 1 }), vehicles.QualityBad},
		{"a healthy estimator alone", only(vehicles.EstimatorHealthy), vehicles.QualityGood},
		{"a faulty estimator alone", only(vehicles.EstimatorFaulty), vehicles.QualityBad},
	} {
		var track vehicles.Track
		track.Apply(&tc.in)
		if got := track.Quality(now + 5_000_000); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
		if got := track.Quality(now + 5_000_001); got != vehicles.QualityUnknown {
			t.Errorf("%s, more than 5 s ago: %v", tc.name, got)
		}
	}
}

func TestAccuracy(t *testing.T) {
	const now = 100_000_000
	for _, tc := range []struct {
		name  string
		in    vehicles.Report
		later int64
		h, v  uint32
	}{
		{"nothing was said", vehicles.Report{}, 0, 5000, 10_000},
		{"both stated", vehicles.Report{Has: vehicles.HasQuality, HAccMM: 900, VAccMM: 1400}, 0, 900, 1400},
		{"one stated", vehicles.Report{Has: vehicles.HasQuality, HAccMM: 900}, 5_000_000, 900, 10_000},
		{"too long ago", vehicles.Report{Has: vehicles.HasQuality, HAccMM: 900, VAccMM: 1400}, 5_000_001, 5000, 10_000},
	} {
		var track vehicles.Track
		tc.in.ReceivedUS = now
		track.Apply(&tc.in)
		if h, v := track.Accuracy(now + tc.later); h != tc.h || v != tc.v {
			t.Errorf("%s: %d and %d mm, want %d and %d", tc.name, h, v, tc.h, tc.v)
		}
	}
}
