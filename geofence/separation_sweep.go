package geofence

import (
	"math"
	"slices"

	"testzone/geofence/geo"
)

const (
	// reachMargin is added to the search, in metres: rounding must not lose a pair.
	reachMargin = 0.1
	maxRows     = 65_536 // a lone vehicle far away must not make a row for every metre between
	digitBits   = 11
	latticeM    = 6_335_439 * latticeRad // least metres in one unit of latitude, at the equator
)

// sweep holds movers in rows of latitude, each sorted by longitude, rebuilt for
// every search by counting sorts. A vehicle's partners are in its row to the
// east of it, or in one of the rows to the north.
type sweep struct {
	sorted []mover
	start  []int32 // of each row in sorted, and the end
	south  int32   // latitude where row 0 begins
	height int64   // of a row, in units
	rows   int
	above  int // rows to the north in which a partner may be

	keys, spare []key
	digits      [1 << digitBits]int32

	reach float64 // greatest radius in it, and the greatest minimum
}

type key struct {
	lon uint32
	at  int32 // index in the movers as they came
}

// arrange takes movers in, whose radius is slow at most.
func (w *sweep) arrange(movers []mover, most, slow float64) {
	w.reach = slow + most + reachMargin
	w.rows, w.sorted = 0, w.sorted[:0]
	if len(movers) == 0 {
		return
	}
	south, north := movers[0].lat, movers[0].lat
	west, east := movers[0].lon, movers[0].lon
	for i := range movers {
		m := &movers[i]
		m.window = window(m, w.reach)
		south, north = min(south, m.lat), max(north, m.lat)
		west, east = min(west, m.lon), max(east, m.lon)
	}
	// Half the reach of two: measured against whole and third reaches, see
	// BenchmarkSeparation.
	reach := int64((w.reach+slow)/latticeM) + 1
	span := int64(north) - int64(south)
	w.south, w.height = south, max(reach/2, span/(maxRows-1))+1
	w.rows = int(span/w.height) + 1
	w.above = int((reach + w.height - 1) / w.height)

	w.sortByLon(movers, west, east)
	w.deal(movers)
}

// sortByLon leaves the movers' keys in w.keys, from west to east.
func (w *sweep) sortByLon(movers []mover, west, east uint32) {
	w.keys, w.spare = grow(w.keys, len(movers)), grow(w.spare, len(movers))
	for i := range movers {
		w.keys[i] = key{movers[i].lon - west, int32(i)}
	}
	for shift := 0; (east-west)>>shift > 0 && shift < 32; shift += digitBits {
		clear(w.digits[:])
		for _, k := range w.keys {
			w.digits[k.lon>>shift%(1<<digitBits)]++
		}
		total := int32(0)
		for d, n := range w.digits {
			w.digits[d] = total
			total += n
		}
		for _, k := range w.keys {
			d := k.lon >> shift % (1 << digitBits)
			w.spare[w.digits[d]] = k
			w.digits[d]++
		}
		w.keys, w.spare = w.spare, w.keys
	}
}

// deal copies the movers into their rows in the order of the keys.
func (w *sweep) deal(movers []mover) {
	w.sorted = grow(w.sorted, len(movers))
	w.start = grow(w.start, w.rows+2)
	clear(w.start)
	for i := range movers {
		w.start[w.row(movers[i].lat)+2]++
	}
	for r := 2; r < len(w.start); r++ {
		w.start[r] += w.start[r-1]
	}
	for _, k := range w.keys { // start[r+1] runs from the begin of row r to its end
		next := &w.start[w.row(movers[k.at].lat)+1]
		w.sorted[*next] = movers[k.at]
		*next++
	}
}

func (w *sweep) row(lat int32) int {
	return int((int64(lat) - int64(w.south)) / w.height)
}

func (w *sweep) in(row int) []mover {
	return w.sorted[w.start[row]:w.start[row+1]]
}

// neighbours judges every pair of movers once, as far as they can meet.
func (w *sweep) neighbours(s *Separation) {
	for r := range w.rows {
		row := w.in(r)
		if len(row) == 0 {
			continue
		}
		widest := uint32(0)
		for i := range row {
			widest = max(widest, row[i].window)
		}
		s.within(row, widest)
		for above := r + 1; above <= min(r+w.above, w.rows-1); above++ {
			if other := w.in(above); len(other) > 0 {
				s.across(row, other, widest)
			}
		}
	}
}

// within judges the pairs of one row.
func (s *Separation) within(row []mover, widest uint32) {
	most := s.most + reachMargin
	for i := range row {
		a := &row[i]
		window := a.window
		if widest == fullTurn { // or a pair would be found from both sides
			window = fullTurn
		}
		rest := row[i+1:]
		for j := range rest {
			b := &rest[j]
			if b.lon-a.lon > window {
				break
			}
			if near(a, b, most) {
				s.judge(a, b)
			}
		}
		if window == fullTurn {
			continue
		}
		for j := range row[:i] { // over the antimeridian
			if fullTurn-(a.lon-row[j].lon) > window {
				break
			}
			s.meet(a, &row[j], s.most)
		}
	}
}

// across judges the pairs of two rows.
func (s *Separation) across(row, other []mover, widest uint32) {
	most := s.most + reachMargin
	first := 0
	for i := range row {
		a := &row[i]
		if widest == fullTurn {
			for j := range other {
				s.meet(a, &other[j], s.most)
			}
			continue
		}
		for first < len(other) && int64(other[first].lon) < int64(a.lon)-int64(widest) {
			first++
		}
		last := int64(a.lon) + int64(a.window)
		rest := other[first:]
		for j := range rest {
			b := &rest[j]
			if int64(b.lon) > last {
				break
			}
			if near(a, b, most) {
				s.judge(a, b)
			}
		}
		// Over the antimeridian, eastwards and westwards.
		for j := 0; j < len(other) && int64(other[j].lon)+fullTurn <= last; j++ {
			s.meet(a, &other[j], s.most)
		}
		for j := len(other) - 1; j >= 0 && int64(other[j].lon)-fullTurn >= int64(a.lon)-int64(widest); j-- {
			s.meet(a, &other[j], s.most)
		}
	}
}

// around judges f, which is not in the sweep, against every mover that it can
// meet; most is its greatest minimum.
func (w *sweep) around(f *mover, s *Separation, most float64) {
	if w.rows == 0 {
		return
	}
	theirs := w.reach - s.most + most
	reach := f.radius + theirs
	half := int64(window(f, theirs))
	units := int64(reach/latticeM) + 1
	south := (int64(f.lat) - units - int64(w.south)) / w.height
	north := (int64(f.lat) + units - int64(w.south)) / w.height
	for r := max(south, 0); r <= min(north, int64(w.rows)-1); r++ {
		row := w.in(int(r))
		if half == fullTurn {
			s.meetAll(f, row, 0, fullTurn, most)
			continue
		}
		from, to := int64(f.lon)-half, int64(f.lon)+half
		s.meetAll(f, row, from, to, most)
		if from < 0 {
			s.meetAll(f, row, from+fullTurn, fullTurn, most)
		}
		if to >= fullTurn {
			s.meetAll(f, row, 0, to-fullTurn, most)
		}
	}
}

func (s *Separation) meetAll(f *mover, row []mover, from, to int64, most float64) {
	at, _ := slices.BinarySearchFunc(row, from, func(m mover, lon int64) int { return int(int64(m.lon) - lon) })
	for ; at < len(row) && int64(row[at].lon) <= to; at++ {
		s.meet(f, &row[at], most)
	}
}

// window is how far east or west of m a partner may be that can travel, with its
// minimum, reach metres itself. The metres in a unit of longitude shrink towards
// the pole by no more than a unit's radians for each metre northwards; the mean of
// the pair's counts, and the present latitudes differ by twice the reach at most.
// So near a pole that a partner may be on both sides of m, it is fullTurn; else
// less than half of that.
func window(m *mover, reach float64) uint32 {
	reach += m.radius
	least := m.east - reach*latticeRad
	if least <= 0 || reach/least >= geo.MaxLon-2 {
		return fullTurn
	}
	return uint32(math.Ceil(reach/least)) + 1
}

// grow is s with length n; what it held is lost when it has to grow.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}
