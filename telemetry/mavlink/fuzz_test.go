package mavlink

import (
	"bytes"
	"testing"

	"github.com/bluenviron/gomavlib/v3/pkg/message"
)

func fuzzSeeds(f *testing.F) {
	s := &sender{sys: 1, comp: 1}
	v1 := &sender{v1: true, sys: 1, comp: 1}
	f.Add([]byte{})
	f.Add([]byte("ArduCopter V4.5\r\n"))
	f.Add(s.frame(copterBeat()))
	f.Add(v1.frame(copterBeat()))
	f.Add(join(s.frame(copterBeat()), s.frame(somewhere()), v1.frame(somewhere())))
	f.Add(join([]byte("noise"), s.frame(statusText("hello")), s.frame(somewhere())[:20]))
	f.Add(unhex("fd0901000101010000000400000002035104038cd8 03 028059f50021 cb4fc4193bbd"))
	f.Add(unhex("fd1000000201011e000040e201000000003f0000803e0000a0bfde08"))
	f.Add(bytes.Repeat([]byte{magicV1, 0, 0, 0}, 30))
	f.Add(bytes.Repeat([]byte{magicV2, 1, 0}, 30))
}

// FuzzDatagram: any bytes, whole and in two halves: no panic, the counters add
// up, the input is not changed, and the halves give no frame that the whole
// does not have.
func FuzzDatagram(f *testing.F) {
	fuzzSeeds(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		deliver := func(parts ...[]byte) *bench {
			b := newBench(Limits{PerSource: -1, UnknownPerSource: -1, UnknownTotal: -1, UnknownPerDatagram: -1})
			b.send(addrA, (&sender{sys: 1, comp: 1}).frame(copterBeat()))
			for _, p := range parts {
				b.send(addrA, p)
			}
			balance(t, &b.stats)
			if b.stats.Garbage > uint64(len(parts)) {
				t.Errorf("garbage %d in %d datagrams", b.stats.Garbage, len(parts))
			}
			// Whatever came, the next datagram is read.
			n := len(b.rec.reports)
			b.send(addrA, (&sender{sys: 1, comp: 1}).frame(copterBeat()))
			if len(b.rec.reports) != n+1 {
				t.Error("the next datagram was hurt")
			}
			return b
		}
		deliver(in)
		deliver(in[:len(in)/2], in[len(in)/2:])
		if !bytes.Equal(in, before) {
			t.Error("the datagram was changed")
		}

		whole := walk(in)
		for _, half := range [][]byte{in[:len(in)/2], in[len(in)/2:]} {
			for _, fr := range walk(half) {
				if !bytes.Contains(in, fr) {
					t.Errorf("frame %x is not in the datagram", fr)
				}
			}
		}
		for _, fr := range whole {
			if def, why := testCatalog().check(fr, &frame{}); why == accepted {
				reencode(t, fr, def)
			}
		}
	})
}

// walk collects the frames that NextFrame finds.
func walk(b []byte) (out [][]byte) {
	for {
		fr, rest, ok := NextFrame(b)
		if !ok {
			return out
		}
		out = append(out, fr)
		b = rest
	}
}

// reencode writes what was decoded with gomavlib and compares the bytes: zeros
// at the end may be cut, text ends at the first NUL, surplus is not known.
func reencode(t *testing.T, fr []byte, def *definition) {
	var p, q frame
	p.parse(fr)
	msg, err := def.rw.Read(&message.MessageRaw{ID: p.id, Payload: bytes.Clone(p.payload)}, p.v2)
	if err != nil {
		t.Fatalf("gomavlib does not read %x: %v", fr, err)
	}
	if kindOf(p.id) != hot { // those with text, whose bytes behind a NUL are junk
		return
	}
	again := (&sender{v1: !p.v2, sys: p.sys, comp: p.comp, seq: p.seq}).frame(msg)
	q.parse(again)
	got, want := q.payload, p.payload
	if len(want) > len(got) && p.v2 {
		full := len(def.rw.Write(msg, true).Payload)
		want = want[:max(full, 1)] // zeros, or fields of a newer definition
	}
	if len(want) < len(got) || !bytes.Equal(got[:len(want)], want) || len(bytes.TrimRight(got[len(want):], "\x00")) > 0 {
		t.Errorf("%x decodes and encodes to %x", p.payload, got)
	}
}

// FuzzTlog: any file ends, entries are in it, and every byte is either in an
// entry or reported as damage.
func FuzzTlog(f *testing.F) {
	f.Add([]byte{})
	log := testLog(5)
	f.Add(log)
	f.Add(join(log[:40], log[43:]))
	f.Add(join([]byte("x"), log))
	f.Fuzz(func(t *testing.T, in []byte) {
		total := 0
		readTlog(testCatalog(), bytes.NewReader(in), func(e TlogEntry, err error) bool {
			if err != nil {
				d, ok := err.(*TlogDamage)
				if !ok {
					t.Fatal(err)
				}
				if d.Offset != int64(total) || d.Bytes <= 0 {
					t.Fatalf("damage %+v after %d bytes", d, total)
				}
				total += int(d.Bytes)
				return true
			}
			if !bytes.Equal(e.Frame, in[total+stampSize:total+stampSize+len(e.Frame)]) {
				t.Fatalf("frame at %d differs", total)
			}
			total += stampSize + len(e.Frame)
			return true
		})
		if total != len(in) {
			t.Errorf("%d of %d bytes accounted for", total, len(in))
		}
	})
}
