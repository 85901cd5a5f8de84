package mavlink

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	gomav "github.com/bluenviron/gomavlib/v3/pkg/frame"
	"github.com/bluenviron/gomavlib/v3/pkg/message"
)

// TestStripSignature: every message of the dialect with random bytes, signed, gives what
// gomavlib writes for the same message without signature.
func TestStripSignature(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	key := gomav.NewV2Key(bytes.Repeat([]byte{7}, 32))
	for _, m := range ardupilotmega.Dialect.Messages {
		extra := testDialect().GetMessage(m.GetID()).CRCExtra()
		payload := make([]byte, 1+rng.IntN(255))
		for i := range payload {
			payload[i] = byte(rng.Uint32())
		}
		bytesOf := func(signed bool) []byte {
			f := &gomav.V2Frame{SequenceNumber: 9, SystemID: 3, ComponentID: 1, Message: &message.MessageRaw{ID: m.GetID(), Payload: payload}}
			if signed {
				f.IncompatibilityFlag = gomav.V2FlagSigned
			}
			f.Checksum = f.GenerateChecksum(extra)
			if signed {
				f.SignatureLinkID, f.SignatureTimestamp = 3, 36288000000001
				f.Signature = f.GenerateSignature(key)
			}
			var buf bytes.Buffer
			w := &gomav.Writer{ByteWriter: &buf}
			if err := w.Initialize(); err != nil {
				t.Fatal(err)
			}
			if err := w.Write(f); err != nil {
				t.Fatal(err)
			}
			return buf.Bytes()
		}
		got, ok := StripSignature([]byte("before"), bytesOf(true))
		if want := append([]byte("before"), bytesOf(false)...); !ok || !bytes.Equal(got, want) {
			t.Errorf("%T: %v\n got %x\nwant %x", m, ok, got, want)
		}
	}
}

func TestStripSignatureVectors(t *testing.T) {
	signed := "fd0901000001010000000400000002035104039c56 03 018059f50021 4cbbd458f162"
	plain := "fd0900000001010000000400000002035104037bae"
	wrong := unhex(signed)
	wrong[19] ^= 1
	for _, c := range []struct {
		name     string
		in, want []byte
		ok       bool
	}{
		{"signed", unhex(signed), unhex(plain), true},
		{"without signature", unhex(plain), unhex(plain), true},
		{"version 1", unhex("fe0900010100040000000203510403e16d"), unhex("fe0900010100040000000203510403e16d"), true},
		{"wrong checksum", wrong, nil, false},
		{"cut", unhex(signed)[:33], nil, false},
		{"longer than it says", append(unhex(signed), 0), nil, false},
		{"nothing", nil, nil, false},
	} {
		got, ok := StripSignature(nil, c.in)
		if ok != c.ok || !bytes.Equal(got, c.want) {
			t.Errorf("%s: %v %x, want %v %x", c.name, ok, got, c.ok, c.want)
		}
	}
}

// FuzzStripSignature: what comes out has no signature and is otherwise what went in; a
// frame with a right checksum has one afterwards.
func FuzzStripSignature(f *testing.F) {
	fuzzSeeds(f)
	cat := testCatalog()
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		out, ok := StripSignature(nil, in)
		if !bytes.Equal(in, before) {
			t.Error("the frame was changed")
		}
		if !ok {
			if _, isFrame := frameLen(in); isFrame && len(out) > 0 {
				t.Errorf("refused, and %x came out", out)
			}
			return
		}
		if n, _ := frameLen(out); n != len(out) || out[0] == magicV2 && out[2]&flagSigned != 0 {
			t.Fatalf("%x is no frame without signature", out)
		}
		if again, ok := StripSignature(nil, out); !ok || !bytes.Equal(again, out) {
			t.Errorf("again gives %x", again)
		}
		if out[0] == magicV2 && !bytes.Equal(out[3:len(out)-2], in[3:len(out)-2]) {
			t.Error("more was changed than the flag and the checksum")
		}
		if _, why := cat.check(in, &frame{}); why == accepted {
			if _, why = cat.check(out, &frame{}); why != accepted {
				t.Errorf("refused afterwards: %v", why)
			}
		}
	})
}
