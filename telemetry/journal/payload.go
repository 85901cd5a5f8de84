package journal

import (
	"encoding/binary"
	"fmt"
)

// The payload of a frame is what all copies of a journal hash: the list of
// aggregates, prefixed by its length in bytes, and then the body. FORMAT.md
// "Payload" has the table.
const (
	listPrefix = 4       // u32: bytes of the list
	expectHead = 10      // name length u8, mode u8, sequence u64
	maxList    = 1 << 17 // MaxExpect * (expectHead + MaxAggregate) fits

	modeCompare = 0
	modeAny     = 1
)

func payloadSize(e *Entry) int {
	n := listPrefix + len(e.Body)
	for i := range e.Expect {
		n += expectHead + len(e.Expect[i].Agg)
	}
	return n
}

// appendPayload encodes a valid entry.
func appendPayload(dst []byte, e *Entry) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(payloadSize(e)-listPrefix-len(e.Body)))
	for _, x := range e.Expect {
		mode, seq := byte(modeCompare), x.Seq
		if x.Any {
			mode, seq = modeAny, 0
		}
		dst = append(dst, byte(len(x.Agg)), mode)
		dst = binary.LittleEndian.AppendUint64(dst, seq)
		dst = append(dst, x.Agg...)
	}
	return append(dst, e.Body...)
}

// parsePayload decodes a payload; body is a part of b. There is one encoding of
// an entry only: what decodes encodes to the same bytes.
func parsePayload(b []byte) (expect []Expect, body []byte, err error) {
	if len(b) < listPrefix {
		return nil, nil, fmt.Errorf("payload of %d bytes has no aggregate list", len(b))
	}
	n := binary.LittleEndian.Uint32(b)
	if n > maxList || int(n) > len(b)-listPrefix {
		return nil, nil, fmt.Errorf("aggregate list of %d bytes in a payload of %d", n, len(b))
	}
	list, body := b[listPrefix:listPrefix+n], b[listPrefix+n:]
	for len(list) > 0 {
		if len(list) < expectHead || len(list) < expectHead+int(list[0]) || list[0] == 0 {
			return nil, nil, fmt.Errorf("aggregate %d is cut off or has no name", len(expect)+1)
		}
		size := expectHead + int(list[0])
		x := Expect{Agg: Aggregate(list[expectHead:size]), Seq: binary.LittleEndian.Uint64(list[2:])}
		switch list[1] {
		case modeCompare:
		case modeAny:
			x.Any = true
			if x.Seq != 0 {
				return nil, nil, fmt.Errorf("aggregate %q: a sequence without compare", string(x.Agg))
			}
		default:
			return nil, nil, fmt.Errorf("aggregate %q: unknown mode %d", string(x.Agg), list[1])
		}
		expect = append(expect, x)
		list = list[size:]
	}
	if len(expect) > MaxExpect {
		return nil, nil, fmt.Errorf("%d aggregates, %d are possible", len(expect), MaxExpect)
	}
	if len(body) == 0 {
		body = nil
	}
	return expect, body, nil
}

// checkEntry refuses what cannot be stored.
func checkEntry(e *Entry) error {
	switch {
	case e.ID == ID{}: // would swallow the next entry without an id
		return fmt.Errorf("no id: %w", ErrInvalid)
	case e.Kind < Decision || e.Kind > Control:
		return fmt.Errorf("%v: %w", e.Kind, ErrInvalid)
	case len(e.Body) > MaxBody:
		return fmt.Errorf("body of %d bytes, %d are possible: %w", len(e.Body), MaxBody, ErrTooLarge)
	case len(e.Expect) > MaxExpect:
		return fmt.Errorf("%d aggregates, %d are possible: %w", len(e.Expect), MaxExpect, ErrTooLarge)
	}
	for i := range e.Expect {
		agg := e.Expect[i].Agg
		if agg == "" {
			return fmt.Errorf("an aggregate without a name: %w", ErrInvalid)
		}
		if len(agg) > MaxAggregate {
			return fmt.Errorf("aggregate name of %d bytes, %d are possible: %w", len(agg), MaxAggregate, ErrTooLarge)
		}
		for k := range i {
			if e.Expect[k].Agg == agg {
				return fmt.Errorf("aggregate %q is named twice: %w", string(agg), ErrInvalid)
			}
		}
	}
	return nil
}
