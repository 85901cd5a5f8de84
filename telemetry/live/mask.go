package live

import "encoding/binary"

// Mask takes out of a frame, in place, what is nobody's business but the
// operator's: phase, alert level and battery of the vehicles that are not shown in
// full. Where they are and how they move stays. A frame that was not made here is
// left as it is from where it does not fit on. Does not allocate.
func Mask(frame []byte, shown func(handle uint32) bool) {
	if len(frame) < HeaderSize || FrameType(frame[1]) == Remove {
		return
	}
	cells := binary.LittleEndian.Uint32(frame[28:])
	body := frame[HeaderSize:]
	if cells == 0 {
		maskRecords(body, shown)
		return
	}
	for range cells {
		if len(body) < GroupSize {
			return
		}
		n := uint64(binary.LittleEndian.Uint32(body[4:]))
		body = body[GroupSize:]
		if uint64(len(body)) < RecordSize*n {
			return
		}
		maskRecords(body[:RecordSize*n], shown)
		body = body[RecordSize*n:]
	}
}

func maskRecords(b []byte, shown func(uint32) bool) {
	for ; len(b) >= RecordSize; b = b[RecordSize:] {
		if !shown(binary.LittleEndian.Uint32(b)) {
			b[20] &= StatusUnverified | StatusAltOutRange
			b[21] = UnknownBattery
		}
	}
}
