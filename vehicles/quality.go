package vehicles

// Estimator is what a vehicle says of its own position estimate.
type Estimator uint8

// What estimators say.
const (
	EstimatorUnknown Estimator = iota
	EstimatorHealthy
	EstimatorFaulty
)

var estimatorNames = [...]string{"unknown", "healthy", "faulty"}

func (e Estimator) String() string { return estimatorNames[e] }

// Quality is whether a position may be relied on.
type Quality uint8

// The qualities. Unknown is not good: nobody vouches for the position.
const (
	QualityUnknown Quality = iota
	QualityGood
	QualityBad
)

var qualityNames = [...]string{"unknown", "good", "bad"}

func (q Quality) String() string { return qualityNames[q] }

// Limits of a position that may be relied on.
const (
	minFixType    = 3      // three-dimensional
	minSatellites = 6      // below, one more that is lost or reflected moves the fix by far
	maxHDOP       = 500    // 5.00: 2 m of range error are 10 m on the ground
	maxHAccMM     = 10_000 // wider than a street
)

// qualityAgeUS is how old a report of quality may be to say anything of the
// position of now: receivers report at 1 Hz or more.
const qualityAgeUS = 5_000_000

// Quality says whether the position may be relied on at a time. One bad sign is
// enough; a good one is a three-dimensional fix with a stated accuracy or
// dilution, or an estimator that calls itself healthy.
func (t *Track) Quality(nowUS int64) Quality {
	receiver := t.Seen&HasQuality != 0 && nowUS-t.QualityUS <= qualityAgeUS
	estimator := EstimatorUnknown
	if nowUS-t.EstimatorUS <= qualityAgeUS {
		estimator = t.Estimator
	}
	dilution := t.HDOP != 0 && t.HDOP != HDOPUnknown // some senders mean unknown by 0
	stated := receiver && (t.HAccMM != AccUnknown || dilution)
	switch {
	case estimator == EstimatorFaulty,
		receiver && (t.FixType < minFixType || t.Satellites < minSatellites || t.HAccMM > maxHAccMM),
		receiver && dilution && t.HDOP > maxHDOP:
		return QualityBad
	case stated, estimator == EstimatorHealthy:
		return QualityGood
	}
	return QualityUnknown
}

// Accuracies in millimetres that are taken for those of a vehicle that states
// none: what single-frequency receivers without correction reach in the open.
const (
	DefaultHAccMM = 5_000
	DefaultVAccMM = 10_000
)

// Accuracy is how far the position may be off, in millimetres: as the receiver
// last stated it, within five seconds, or the defaults.
func (t *Track) Accuracy(nowUS int64) (horizontal, vertical uint32) {
	horizontal, vertical = DefaultHAccMM, DefaultVAccMM
	if nowUS-t.QualityUS > qualityAgeUS {
		return horizontal, vertical
	}
	if t.HAccMM != AccUnknown {
		horizontal = t.HAccMM
	}
	if t.VAccMM != AccUnknown {
		vertical = t.VAccMM
	}
	return horizontal, vertical
}
