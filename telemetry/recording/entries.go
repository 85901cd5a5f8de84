package recording

import "encoding/binary"

// Layout of an entry: see FORMAT.md. Only so much of a frame is read as is needed
// to know where it ends and who sent it.
const (
	stampSize = 8
	magicV1   = 0xFE
	magicV2   = 0xFD
	headV1    = 8  // bytes of a frame without payload
	headV2    = 12 // likewise
	signature = 13
	signed    = 0x01 // incompatibility flag

	maxFrame = headV2 + 255 + signature
	maxEntry = stampSize + maxFrame

	// Stamps outside are taken for damage: 2000-01-01 .. 2100-01-01, µs.
	stampMin = 946_684_800_000_000
	stampMax = 4_102_444_800_000_000

	setupSigning = 256
)

// frameLen is the length that the frame at the start of b claims; 0: there is none.
func frameLen(b []byte) int {
	switch {
	case len(b) >= headV1 && b[0] == magicV1:
		return headV1 + int(b[1])
	case len(b) >= headV2 && b[0] == magicV2:
		n := headV2 + int(b[1])
		if b[2]&signed != 0 {
			n += signature
		}
		return n
	}
	return 0
}

// systemOf is who sent a frame that frameLen found.
func systemOf(frame []byte) uint8 {
	if frame[0] == magicV1 {
		return frame[3]
	}
	return frame[5]
}

// holdsKey tells whether a frame is one that says a signing key.
func holdsKey(frame []byte) bool {
	return frame[0] == magicV2 && uint32(frame[7])|uint32(frame[8])<<8|uint32(frame[9])<<16 == setupSigning
}

// entry is a view of one entry in a buffer.
type entry struct {
	us    int64
	frame []byte
	size  int // stamp included
}

// firstEntry reads the entry at the start of b; ok=false: there is no whole one.
func firstEntry(b []byte) (e entry, ok bool) {
	if len(b) < stampSize {
		return e, false
	}
	us := binary.BigEndian.Uint64(b)
	n := frameLen(b[stampSize:])
	if n == 0 || n > len(b)-stampSize || us < stampMin || us > stampMax {
		return e, false
	}
	return entry{us: int64(us), frame: b[stampSize : stampSize+n : stampSize+n], size: stampSize + n}, true
}
