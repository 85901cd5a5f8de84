package live

import "testzone/geofence/geo"

// The grid of a zone. Two cells beyond the grid hold what has no place in it.
const (
	GridCols     = 16
	GridRows     = 16
	CellNoPlace  = GridCols * GridRows // vehicles without a position: sent to everybody
	CellFollowed = CellNoPlace + 1     // vehicles that one client follows
	CellCount    = CellNoPlace + 1     // cells that a tick encodes
)

// BBox is a box in degE7; West < East, South < North.
type BBox struct {
	West, South, East, North int32
}

// Grid cuts a zone's box into 16 x 16 cells: row 0 is the southernmost, column
// 0 the westernmost; what lies outside belongs to the nearest border cell.
type Grid struct {
	Box BBox
}

// Cell is the cell of a point.
func (g Grid) Cell(p geo.Point) uint32 {
	col := slot(p.Lon, g.Box.West, g.Box.East, GridCols)
	row := slot(p.Lat, g.Box.South, g.Box.North, GridRows)
	return uint32(row*GridCols + col)
}

func slot(v, lo, hi int32, n int64) int64 {
	span := int64(hi) - int64(lo)
	if span <= 0 {
		return 0
	}
	i := (int64(v) - int64(lo)) * n / span
	return max(0, min(n-1, i))
}

// CellSet is a set of cells of the grid and beyond.
type CellSet [(CellCount + 63) / 64]uint64

// AllCells is the set of every cell that a tick encodes.
func AllCells() CellSet {
	var s CellSet
	for c := range uint32(CellCount) {
		s.Add(c)
	}
	return s
}

// Add puts a cell into the set.
func (s *CellSet) Add(cell uint32) { s[cell/64] |= 1 << (cell % 64) }

// Has reports whether the cell is in the set.
func (s *CellSet) Has(cell uint32) bool { return s[cell/64]&(1<<(cell%64)) != 0 }

// Within is the set of cells that a box touches, and the cell of vehicles
// without a position.
func (g Grid) Within(box BBox) CellSet {
	var s CellSet
	s.Add(CellNoPlace)
	west, east := slot(box.West, g.Box.West, g.Box.East, GridCols), slot(box.East, g.Box.West, g.Box.East, GridCols)
	south, north := slot(box.South, g.Box.South, g.Box.North, GridRows), slot(box.North, g.Box.South, g.Box.North, GridRows)
	for row := south; row <= north; row++ {
		for col := west; col <= east; col++ {
			s.Add(uint32(row*GridCols + col))
		}
	}
	return s
}
