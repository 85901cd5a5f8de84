// Package live is the codec of the live protocol zl.v1: the 32-byte frame
// header and the 24-byte record that carry positions to browsers and, later,
// between nodes.
//
// Everything is little-endian. A record holds the handle, WGS-84 position in
// 1e-7 degree, altitude in 0.25 m AMSL, heading in 0.01 degree clockwise from
// true north, ground speed and vertical speed (up positive) in cm/s, a status
// byte, the battery in percent and the age of the fix in ms. Each field has a
// value for "unknown"; values are rounded half away from zero and saturate.
// A snapshot or delta body is a sequence of cell groups: {cell u32, n u32} and
// n records; the cells are those of Grid, which the dictionary announces.
//
// Appending does not allocate when the buffer has room. Decoding checks every
// length before it reads.
package live

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Sizes on the wire.
const (
	HeaderSize = 32
	RecordSize = 24
	GroupSize  = 8
)

// Magic is the first byte of a packed frame: protocol zl.v1.
const Magic = 0x5A

// FrameType says what the body is.
type FrameType uint8

// The frame types.
const (
	Snapshot  FrameType = 1
	Delta     FrameType = 2
	Remove    FrameType = 3
	Heartbeat FrameType = 4
)

// Header flags.
const (
	FlagLast      uint16 = 1 << iota // last part of a snapshot
	FlagReduced                      // the server lowered the rate for this client
	FlagCoalesced                    // at least one tick was merged into this frame
	FlagReplay                       // simulated or replayed data
)

// Unknown values of a record.
const (
	UnknownCoord   = math.MinInt32
	UnknownAlt     = math.MinInt16
	UnknownHeading = 65535
	UnknownSpeed   = 65535
	UnknownVZ      = math.MinInt16
	UnknownBattery = 255
	AgeMax         = 65534 // that or more
	AgeNever       = 65535 // no fix ever
)

// Status bits: 0-3 phase, 4-5 highest unacknowledged alert level.
const (
	StatusAlertShift  = 4
	StatusUnverified  = 1 << 6
	StatusAltOutRange = 1 << 7
)

var (
	// ErrFrame is returned when a frame's length, magic or type does not fit.
	ErrFrame = errors.New("live frame is malformed")
)

// Header is the frame header.
type Header struct {
	Type   FrameType
	Flags  uint16
	Epoch  uint32
	Seq    uint64
	TimeUS uint64
	Count  uint32 // records (or handles of a Remove) in the whole frame
	Cells  uint32 // cell groups in the body; 0: plain records
}

// AppendHeader writes h. Does not allocate when dst has room.
func AppendHeader(dst []byte, h Header) []byte {
	dst = append(dst, Magic, byte(h.Type))
	dst = binary.LittleEndian.AppendUint16(dst, h.Flags)
	dst = binary.LittleEndian.AppendUint32(dst, h.Epoch)
	dst = binary.LittleEndian.AppendUint64(dst, h.Seq)
	dst = binary.LittleEndian.AppendUint64(dst, h.TimeUS)
	dst = binary.LittleEndian.AppendUint32(dst, h.Count)
	return binary.LittleEndian.AppendUint32(dst, h.Cells)
}

// Record is one vehicle in a frame.
type Record struct {
	Handle   uint32
	Lon, Lat int32
	Alt      int16
	Heading  uint16
	Speed    uint16
	VZ       int16
	Status   uint8
	Battery  uint8
	Age      uint16
}

// AppendRecord writes r. Does not allocate when dst has room.
func AppendRecord(dst []byte, r *Record) []byte {
	var b [RecordSize]byte
	binary.LittleEndian.PutUint32(b[0:], r.Handle)
	binary.LittleEndian.PutUint32(b[4:], uint32(r.Lon))
	binary.LittleEndian.PutUint32(b[8:], uint32(r.Lat))
	binary.LittleEndian.PutUint16(b[12:], uint16(r.Alt))
	binary.LittleEndian.PutUint16(b[14:], r.Heading)
	binary.LittleEndian.PutUint16(b[16:], r.Speed)
	binary.LittleEndian.PutUint16(b[18:], uint16(r.VZ))
	b[20], b[21] = r.Status, r.Battery
	binary.LittleEndian.PutUint16(b[22:], r.Age)
	return append(dst, b[:]...)
}

// AppendGroup writes the header of a cell group.
func AppendGroup(dst []byte, cell, n uint32) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, cell)
	return binary.LittleEndian.AppendUint32(dst, n)
}

func decodeRecord(b []byte) Record {
	return Record{
		Handle:  binary.LittleEndian.Uint32(b[0:]),
		Lon:     int32(binary.LittleEndian.Uint32(b[4:])),
		Lat:     int32(binary.LittleEndian.Uint32(b[8:])),
		Alt:     int16(binary.LittleEndian.Uint16(b[12:])),
		Heading: binary.LittleEndian.Uint16(b[14:]),
		Speed:   binary.LittleEndian.Uint16(b[16:]),
		VZ:      int16(binary.LittleEndian.Uint16(b[18:])),
		Status:  b[20],
		Battery: b[21],
		Age:     binary.LittleEndian.Uint16(b[22:]),
	}
}

// Group is one decoded cell group; plain records come as one group of cell 0.
type Group struct {
	Cell    uint32
	Records []Record
}

// Frame is a decoded frame.
type Frame struct {
	Header
	Groups  []Group
	Removed []uint32
}

// Decode reads a frame. It is for clients and tests, not for the fan-out.
func Decode(b []byte) (Frame, error) {
	var f Frame
	if len(b) < HeaderSize || b[0] != Magic {
		return f, fmt.Errorf("%w: %d bytes", ErrFrame, len(b))
	}
	f.Header = Header{
		Type:   FrameType(b[1]),
		Flags:  binary.LittleEndian.Uint16(b[2:]),
		Epoch:  binary.LittleEndian.Uint32(b[4:]),
		Seq:    binary.LittleEndian.Uint64(b[8:]),
		TimeUS: binary.LittleEndian.Uint64(b[16:]),
		Count:  binary.LittleEndian.Uint32(b[24:]),
		Cells:  binary.LittleEndian.Uint32(b[28:]),
	}
	body := b[HeaderSize:]
	switch f.Type {
	case Remove:
		if uint64(len(body)) != 4*uint64(f.Count) {
			return f, fmt.Errorf("%w: %d handles in %d bytes", ErrFrame, f.Count, len(body))
		}
		for ; len(body) > 0; body = body[4:] {
			f.Removed = append(f.Removed, binary.LittleEndian.Uint32(body))
		}
		return f, nil
	case Snapshot, Delta, Heartbeat:
	default:
		return f, fmt.Errorf("%w: type %d", ErrFrame, f.Type)
	}
	if uint64(len(body)) != RecordSize*uint64(f.Count)+GroupSize*uint64(f.Cells) {
		return f, fmt.Errorf("%w: %d records in %d cells do not make %d bytes", ErrFrame, f.Count, f.Cells, len(body))
	}
	if f.Cells == 0 {
		if f.Count > 0 {
			f.Groups = []Group{{Records: decodeRecords(body)}}
		}
		return f, nil
	}
	total := uint32(0)
	for range f.Cells {
		if len(body) < GroupSize {
			return f, fmt.Errorf("%w: a cell group is cut", ErrFrame)
		}
		cell, n := binary.LittleEndian.Uint32(body), binary.LittleEndian.Uint32(body[4:])
		body = body[GroupSize:]
		if uint64(len(body)) < RecordSize*uint64(n) {
			return f, fmt.Errorf("%w: cell %d is cut", ErrFrame, cell)
		}
		f.Groups = append(f.Groups, Group{Cell: cell, Records: decodeRecords(body[:RecordSize*int(n)])})
		body = body[RecordSize*int(n):]
		total += n
	}
	if total != f.Count || len(body) != 0 {
		return f, fmt.Errorf("%w: header counts %d records, cells %d", ErrFrame, f.Count, total)
	}
	return f, nil
}

func decodeRecords(b []byte) []Record {
	out := make([]Record, 0, len(b)/RecordSize)
	for ; len(b) >= RecordSize; b = b[RecordSize:] {
		out = append(out, decodeRecord(b))
	}
	return out
}
