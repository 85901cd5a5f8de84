//go:build ignore

package main

// Makes egm96.bin.z, the grid that the package embeds, from the grid file of
// Debian's proj-data. GEOID.md says how to run it, and the format.

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"math"
	"os"
)

// The grid of egm96_15.gtx: a quarter of a degree, pole to pole, without a
// second column at +180.
const (
	rows   = 721
	cols   = 1440
	source = "c02a6eb70a7a78efebe5adf3ade626eb75390e170bb8b3f36136a2c28f5326a0" // SHA-256
)

type header struct {
	South, West, DLat, DLon float64
	Rows, Cols              int32
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: go run makegeoid.go egm96_15.gtx egm96.bin.z")
	}
	in, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	out, err := encode(in)
	if err != nil {
		log.Fatalf("encode %s: %v", os.Args[1], err)
	}
	if err := os.WriteFile(os.Args[2], out, 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bytes, SHA-256 %x\n", len(out), sha256.Sum256(out))
}

func encode(in []byte) ([]byte, error) {
	if sum := fmt.Sprintf("%x", sha256.Sum256(in)); sum != source {
		return nil, fmt.Errorf("SHA-256 is %s, not %s", sum, source)
	}
	r := bytes.NewReader(in)
	var h header
	if err := binary.Read(r, binary.BigEndian, &h); err != nil {
		return nil, err
	}
	if h != (header{-90, -180, 0.25, 0.25, rows, cols}) {
		return nil, fmt.Errorf("unknown grid: %+v", h)
	}
	metres := make([]float32, rows*cols)
	if err := binary.Read(r, binary.BigEndian, metres); err != nil {
		return nil, err
	}
	if r.Len() != 0 {
		return nil, errors.New("bytes after the grid")
	}
	var raw []byte
	for row := range rows {
		left := 0
		for col := range cols {
			cm := int(math.Round(float64(metres[row*cols+col]) * 100))
			step := cm - left
			if step != int(int16(step)) {
				return nil, fmt.Errorf("row %d column %d: step of %d cm", row, col, step)
			}
			raw = binary.LittleEndian.AppendUint16(raw, uint16(int16(step)))
			left = cm
		}
	}
	var z bytes.Buffer
	w, err := zlib.NewWriterLevel(&z, zlib.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return z.Bytes(), nil
}
