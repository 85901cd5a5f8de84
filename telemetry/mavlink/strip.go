package mavlink

// StripSignature appends frame without its signature to dst: the flag is cleared, the 13
// bytes are cut, and the checksum, which covers the flag, is made anew. A frame
// that has no signature is appended as it is. ok=false: b is no whole frame, or its
// checksum is wrong, so that it cannot be made anew.
//
// It needs no dialect: which CRC_EXTRA a right checksum was made with follows from
// the checksum. Where none fits, it is wrong; that shows for 255 of 256 wrong ones,
// and the others stay wrong for whoever knows the message.
func StripSignature(dst, frame []byte) (out []byte, ok bool) {
	n, ok := frameLen(frame)
	if !ok || n != len(frame) {
		return dst, false
	}
	if frame[0] != magicV2 || frame[2]&flagSigned == 0 {
		return append(dst, frame...), true
	}
	end := n - signature - 2
	crc := crcOf(0xffff, frame[1:end])
	// The register before CRC_EXTRA was shifted through it; what differs from crc
	// is CRC_EXTRA, which fills the low byte only.
	extra := crc ^ crcBack(uint16(frame[end])|uint16(frame[end+1])<<8)
	if extra > 0xff {
		return dst, false
	}
	start := len(dst)
	dst = append(dst, frame[:end]...)
	dst[start+2] &^= flagSigned
	crc = crcByte(crcOf(0xffff, dst[start+1:]), uint8(extra))
	return append(dst, byte(crc), byte(crc>>8)), true
}

// crcOf continues CRC-16/MCRF4XX over b. It is the slow way, for what is not hot.
func crcOf(crc uint16, b []byte) uint16 {
	for _, x := range b {
		crc = crcByte(crc, x)
	}
	return crc
}

func crcByte(crc uint16, x uint8) uint16 {
	x ^= uint8(crc)
	x ^= x << 4
	return crc>>8 ^ uint16(x)<<8 ^ uint16(x)<<3 ^ uint16(x)>>4
}

// crcBack undoes the eight shifts of one byte: it is the register, with the byte
// in it, from which they made crc.
func crcBack(crc uint16) uint16 {
	for range 8 {
		if crc&0x8000 != 0 {
			crc = (crc^0x8408)<<1 | 1
		} else {
			crc <<= 1
		}
	}
	return crc
}
