package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"hash/crc32"
)

// Sizes in bytes; FORMAT.md has the tables.
const (
	headerSize = 96
	frameHead  = 88
	footerSize = 128
	maxPayload = 16 << 20
)

const (
	headerMagic = "TZSEG001"
	footerMagic = "TZSEGEND" // read as a frame length it is above maxPayload
)

var (
	le         = binary.LittleEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

func crc32c(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// genesis is the hash before the first entry.
func genesis(group string) [32]byte { return sha256.Sum256([]byte("tzj1:" + group)) }

// segHeader is the head of a segment file.
type segHeader struct {
	journalID [16]byte // of this copy
	first     uint64   // sequence of the first frame
	createdUS int64
	prev      [32]byte // chain hash of entry first-1
	epoch     uint32
}

func (h *segHeader) encode() []byte {
	b := make([]byte, headerSize)
	copy(b, headerMagic)
	copy(b[8:], h.journalID[:])
	le.PutUint64(b[24:], h.first)
	le.PutUint64(b[32:], uint64(h.createdUS))
	copy(b[40:], h.prev[:])
	le.PutUint32(b[72:], h.epoch)
	le.PutUint32(b[92:], crc32c(b[:92]))
	return b
}

// newerHeader is true for an intact header of a later format. Every format keeps
// the first five letters and the place of the checksum.
func newerHeader(b []byte) bool {
	return len(b) >= headerSize && string(b[:5]) == headerMagic[:5] && string(b[:8]) != headerMagic && le.Uint32(b[92:]) == crc32c(b[:92])
}

func parseHeader(b []byte) (h segHeader, ok bool) {
	if len(b) < headerSize || string(b[:8]) != headerMagic || le.Uint32(b[92:]) != crc32c(b[:92]) {
		return h, false
	}
	copy(h.journalID[:], b[8:])
	h.first = le.Uint64(b[24:])
	h.createdUS = int64(le.Uint64(b[32:]))
	copy(h.prev[:], b[40:])
	h.epoch = le.Uint32(b[72:])
	return h, true
}

// frame is one entry as it stands in a segment. batch and rest are local to one
// copy and outside the chain.
type frame struct {
	batch   uint32 // index in its group commit
	rest    uint32 // frames that follow and belong to the same Append
	seq     uint64
	epoch   uint32
	kind    Kind
	flags   uint8
	schema  uint16
	timeUS  int64
	id      ID
	prev    [32]byte
	payload []byte
}

// frameSize is the space of a frame with n bytes of payload.
func frameSize(n int) int { return (frameHead + n + 7) &^ 7 }

// frameCRC leaves out its own four bytes; the journal id keeps anybody from
// placing a frame that looks valid inside a payload.
func frameCRC(id *[16]byte, b []byte) uint32 {
	crc := crc32.Update(0, castagnoli, id[:])
	crc = crc32.Update(crc, castagnoli, b[:4])
	return crc32.Update(crc, castagnoli, b[8:])
}

func appendFrame(dst []byte, id *[16]byte, f *frame) []byte {
	at := len(dst)
	var head [frameHead]byte
	le.PutUint32(head[0:], uint32(len(f.payload)))
	le.PutUint32(head[8:], f.batch)
	le.PutUint32(head[12:], f.rest)
	le.PutUint64(head[16:], f.seq)
	le.PutUint32(head[24:], f.epoch)
	head[28], head[29] = byte(f.kind), f.flags
	le.PutUint16(head[30:], f.schema)
	le.PutUint64(head[32:], uint64(f.timeUS))
	copy(head[40:], f.id[:])
	copy(head[56:], f.prev[:])
	dst = append(append(dst, head[:]...), f.payload...)
	le.PutUint32(dst[at+4:], frameCRC(id, dst[at:]))
	return append(dst, make([]byte, at+frameSize(len(f.payload))-len(dst))...)
}

// parseFrame reads the frame at the start of b; payload is a part of b. A frame
// is intact when its length fits and the CRC is right; whether it stands where
// it belongs is for the caller to check.
func parseFrame(b []byte, id *[16]byte) (f frame, size int, intact bool) {
	if len(b) < frameHead {
		return f, 0, false
	}
	n := int64(le.Uint32(b))
	if n == 0 || n > maxPayload || int64(len(b)) < int64(frameSize(int(n))) {
		return f, 0, false
	}
	if le.Uint32(b[4:]) != frameCRC(id, b[:frameHead+n]) {
		return f, 0, false
	}
	f = frame{
		batch: le.Uint32(b[8:]), rest: le.Uint32(b[12:]),
		seq: le.Uint64(b[16:]), epoch: le.Uint32(b[24:]),
		kind: Kind(b[28]), flags: b[29], schema: le.Uint16(b[30:]),
		timeUS: int64(le.Uint64(b[32:])), payload: b[frameHead : frameHead+n],
	}
	copy(f.id[:], b[40:])
	copy(f.prev[:], b[56:])
	return f, frameSize(int(n)), true
}

// chain is the hash of an entry: SHA-256(prevHash, frame[16:56], payload). b is
// the frame.
func chain(b []byte) [32]byte { return newChainHash().of(b) }

// chainHash makes chain hashes one after the other without an allocation.
type chainHash struct{ h hash.Hash }

func newChainHash() chainHash { return chainHash{sha256.New()} }

func (c chainHash) of(b []byte) (sum [32]byte) {
	c.h.Reset()
	c.h.Write(b[56:frameHead])
	c.h.Write(b[16:56])
	c.h.Write(b[frameHead : frameHead+le.Uint32(b)])
	c.h.Sum(sum[:0])
	return sum
}

// footer closes a full segment.
type footer struct {
	count   uint64
	last    uint64
	dataEnd uint64
	hash    [32]byte // chain hash of the last entry
	sum     [32]byte // SHA-256 of the file up to dataEnd
}

func (f *footer) encode() []byte {
	b := make([]byte, footerSize)
	copy(b, footerMagic)
	le.PutUint64(b[8:], f.count)
	le.PutUint64(b[16:], f.last)
	le.PutUint64(b[24:], f.dataEnd)
	copy(b[32:], f.hash[:])
	copy(b[64:], f.sum[:])
	le.PutUint32(b[124:], crc32c(b[:124]))
	return b
}

func parseFooter(b []byte) (f footer, ok bool) {
	if len(b) < footerSize || string(b[:8]) != footerMagic || le.Uint32(b[124:]) != crc32c(b[:124]) {
		return f, false
	}
	f.count, f.last, f.dataEnd = le.Uint64(b[8:]), le.Uint64(b[16:]), le.Uint64(b[24:])
	copy(f.hash[:], b[32:])
	copy(f.sum[:], b[64:])
	return f, true
}

var zeros [4096]byte

// zeroUntil is the offset of the first byte that is not zero, or len(b).
func zeroUntil(b []byte) int {
	at := 0
	for len(b)-at >= len(zeros) && bytes.Equal(b[at:at+len(zeros)], zeros[:]) {
		at += len(zeros)
	}
	for at < len(b) && b[at] == 0 {
		at++
	}
	return at
}
