package geo

import (
	"bytes"
	"compress/zlib"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// The embedded EGM96 grid: rows from south to north, columns from 180 W
// eastwards, in centimetres. GEOID.md has its source and format.
const (
	geoidRows = 721
	geoidCols = 1440
	geoidStep = 2_500_000 // a quarter of a degree on the lattice
)

//go:embed egm96.bin.z
var geoidFile []byte

var geoid = sync.OnceValue(func() []int16 {
	grid, err := decodeGeoid(geoidFile)
	if err != nil {
		panic(err) // a defect of the build, which the tests find
	}
	return grid
})

// Undulation is how far the EGM96 geoid lies above the WGS-84 ellipsoid at p, in
// metres: a height above the ellipsoid is the height above mean sea level plus
// this. Interpolated in a grid of a quarter of a degree, rounded to centimetres;
// a point beyond a pole counts as at the pole. The first call decodes the grid
// (some tens of milliseconds, 2 MB).
func Undulation(p Point) float64 {
	grid := geoid()
	lat := int64(max(-MaxLat, min(MaxLat, p.Lat))) + MaxLat
	lon := (int64(p.Lon) + MaxLon) % (2 * MaxLon)
	if lon < 0 {
		lon += 2 * MaxLon
	}
	row := min(lat/geoidStep, geoidRows-2) // the pole is the upper end of the last row of cells
	west := lon / geoidStep
	east := (west + 1) % geoidCols
	fy := float64(lat-row*geoidStep) / geoidStep
	fx := float64(lon-west*geoidStep) / geoidStep
	south, north := grid[row*geoidCols:][:geoidCols], grid[(row+1)*geoidCols:][:geoidCols]
	lower := float64(south[west])*(1-fx) + float64(south[east])*fx
	upper := float64(north[west])*(1-fx) + float64(north[east])*fx
	return (lower*(1-fy) + upper*fy) / 100
}

// decodeGeoid reads a grid as makegeoid.go writes it.
func decodeGeoid(file []byte) ([]int16, error) {
	z, err := zlib.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("read geoid: %w", err)
	}
	const size = geoidRows * geoidCols * 2
	raw, err := io.ReadAll(io.LimitReader(z, size+1))
	if err != nil {
		return nil, fmt.Errorf("read geoid: %w", err)
	}
	if len(raw) != size {
		return nil, fmt.Errorf("read geoid: %d bytes or more, not %d", len(raw), size)
	}
	grid := make([]int16, geoidRows*geoidCols)
	var left int16
	for i := range grid {
		if i%geoidCols == 0 {
			left = 0 // every row begins with its own value
		}
		left += int16(binary.LittleEndian.Uint16(raw[2*i:]))
		grid[i] = left
	}
	return grid, nil
}
