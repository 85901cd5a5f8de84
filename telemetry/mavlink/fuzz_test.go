package mavlink

import (
	"bufio"
	"bytes"
	"testing"

	gomav "github.com/bluenviron/gomavlib/v3/pkg/frame"
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

// kept notes what a decoder believed.
type kept struct{ frames [][]byte }

func (k *kept) Record(_ int64, raw []byte)             { k.frames = append(k.frames, bytes.Clone(raw)) }
func (k *kept) Quarantine(_ int64, _ []byte, _ Reason) {}

// FuzzSignature: whatever comes to a signed listener, what it believes is signed
// with the key of its system id, by gomavlib's word, of a component that may
// speak, and newer than all of the same component and link.
func FuzzSignature(f *testing.F) {
	s := newSigner(1, keyA)
	s.ts += 10 // behind the heartbeat that comes first
	good := s.next(somewhere())
	f.Add(good)
	f.Add(join(good, good))
	f.Add(join(good, s.next(copterBeat()), newSigner(1, keyB).next(somewhere())))
	f.Add(join(s.at(0, somewhere()), s.at(1<<48-1, somewhere())))
	for _, i := range []int{2, 5, 6, len(good) - 1, len(good) - 7, len(good) - 13} {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		f.Add(bad)
	}
	f.Add((&sender{sys: 1, comp: 1}).frame(somewhere()))
	f.Fuzz(func(t *testing.T, in []byte) {
		b, _ := signedBench(t, credential("uav-1", 1, keyA), credential("uav-2", 2, keyB))
		var heard kept
		b.record = &heard
		b.send(addrA, newSigner(1, keyA).next(copterBeat()))
		b.send(addrA, in)
		b.send(addrB, in)
		balance(t, &b.stats)
		newest := map[[2]uint8]Stamp{}
		for _, raw := range heard.frames {
			var fr frame
			fr.parse(raw)
			key := gomav.V2Key(keyA)
			if fr.sys == 2 {
				key = gomav.V2Key(keyB)
			}
			link, ts := signatureOf(raw)
			if !fr.signed || fr.sys > 2 || fr.comp != 1 || !signedWith(raw, &key) || ts <= newest[[2]uint8{fr.sys, link}] {
				t.Errorf("believed: %x", raw)
			}
			newest[[2]uint8{fr.sys, link}] = ts
		}
		if len(heard.frames) == 0 {
			t.Error("the vehicle's own frame was not believed")
		}
	})
}

// signedWith is gomavlib's word on a signature.
func signedWith(raw []byte, key *gomav.V2Key) bool {
	r := &gomav.Reader{BufByteReader: bufio.NewReader(bytes.NewReader(raw)), InKey: key}
	if err := r.Initialize(); err != nil {
		return false
	}
	_, err := r.Read()
	return err == nil
}
