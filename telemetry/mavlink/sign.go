package mavlink

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/bluenviron/gomavlib/v3/pkg/message"
)

// ErrEncode is returned when a message is not of the dialect, or a frame that is to be signed is none.
var ErrEncode = errors.New("not a message of the MAVLink dialect")

// Origin is who a frame says that it comes from.
type Origin struct {
	SystemID, ComponentID, Seq uint8
}

// Codec makes MAVLink 2 frames. It is safe for concurrent use.
type Codec struct{ cat *catalog }

// NewCodec reads the dialect, which takes about 5 ms.
func NewCodec() (*Codec, error) {
	cat, err := newCatalog()
	if err != nil {
		return nil, err
	}
	return &Codec{cat}, nil
}

// Append appends the unsigned frame of a message to dst.
func (c *Codec) Append(dst []byte, from Origin, msg message.Message) ([]byte, error) {
	id := msg.GetID()
	def := c.cat.lookup(id)
	if _, raw := msg.(*message.MessageRaw); def == nil || raw {
		return dst, fmt.Errorf("message %d: %w", id, ErrEncode)
	}
	payload := def.rw.Write(msg, true).Payload
	start := len(dst)
	dst = append(dst, magicV2, uint8(len(payload)), 0, 0, from.Seq, from.SystemID, from.ComponentID,
		uint8(id), uint8(id>>8), uint8(id>>16))
	dst = append(dst, payload...)
	return binary.LittleEndian.AppendUint16(dst, c.cat.checksum(dst[start+1:], def.extra)), nil
}

// Sign appends the signature to a frame that Append made: one complete unsigned
// MAVLink 2 frame, which is changed in place. The signature is the first 6 bytes of
// SHA-256 over key, frame with its checksum, link id and stamp (MAVLink 2
// message signing).
func (c *Codec) Sign(raw []byte, key *Key, link uint8, ts Stamp) ([]byte, error) {
	n, ok := frameLen(raw)
	if !ok || n != len(raw) || raw[0] != magicV2 || raw[2] != 0 {
		return raw, fmt.Errorf("sign: %d bytes that are no unsigned MAVLink 2 frame: %w", len(raw), ErrEncode)
	}
	var f frame
	f.parse(raw)
	def := c.cat.lookup(f.id)
	if def == nil {
		return raw, fmt.Errorf("sign: %w", ErrEncode)
	}
	raw[2] = flagSigned // covered by the checksum
	binary.LittleEndian.PutUint16(raw[n-2:], c.cat.checksum(raw[1:n-2], def.extra))
	raw = append(raw, link)
	raw = append(raw, byte(ts), byte(ts>>8), byte(ts>>16), byte(ts>>24), byte(ts>>32), byte(ts>>40))
	var in [len(Key{}) + maxFrame]byte
	sum := sha256.Sum256(in[:copy(in[:], key[:])+copy(in[len(key):], raw)])
	return append(raw, sum[:6]...), nil
}
