package mavlink

import (
	"bytes"
	"testing"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
)

func setupSigning() []byte {
	return (&sender{sys: 255, comp: 190}).frame(&common.MessageSetupSigning{
		TargetSystem: 1, TargetComponent: 1, InitialTimestamp: 1 << 40, SecretKey: [32]uint8{7, 7, 7, 31: 7},
	})
}

func testFramer() *Framer { return &Framer{testCatalog()} }

func TestFramerParse(t *testing.T) {
	signed := unhex("fd0901000101010000000400000002035104038cd8 03 028059f50021 cb4fc4193bbd")
	if h, ok := testFramer().Parse(signed); !ok || !h.Signed || h.System != 1 || h.Component != 1 || h.ID != 0 || len(h.Payload) != 9 {
		t.Errorf("%+v, %v", h, ok)
	}
	good := (&sender{sys: 3, comp: 4}).frame(somewhere())
	if h, ok := testFramer().Parse(good); !ok || h.Signed || h.System != 3 || h.Component != 4 || h.ID != 33 {
		t.Errorf("%+v, %v", h, ok)
	}
	bad := bytes.Clone(good)
	bad[12] ^= 1
	for name, b := range map[string][]byte{
		"empty": nil, "cut": good[:len(good)-1], "one byte more": join(good, []byte{0}), "damaged": bad, "two": join(good, good),
	} {
		if h, ok := testFramer().Parse(b); ok {
			t.Errorf("%s: %+v", name, h)
		}
	}
}

func TestSetsUpSigning(t *testing.T) {
	setup := setupSigning()
	other := (&sender{sys: 1, comp: 1}).frame(somewhere())
	wrong := bytes.Clone(setup)
	wrong[20] ^= 1
	hidden := join([]byte{magicV2, 60, 0, 0, 0, 1, 1, 33, 0, 0}, setup) // inside a frame that is none
	for _, tc := range []struct {
		name string
		in   []byte
		want bool
	}{
		{"alone", setup, true},
		{"behind another frame", join(other, setup, other), true},
		{"hidden in a damaged frame", hidden, true},
		{"cut", setup[:20], true},
		{"cut behind noise", join([]byte("noise"), setup[:12]), true},
		{"another frame", other, false},
		{"wrong checksum: nobody takes it", join(wrong, other), false},
		{"nothing", nil, false},
	} {
		if got := testFramer().SetsUpSigning(tc.in); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

// FuzzFramer: frames are found in order and inside the input, and what is left
// is less than a frame.
func FuzzFramer(f *testing.F) {
	fuzzSeeds(f)
	f.Add(setupSigning())
	f.Fuzz(func(t *testing.T, in []byte) {
		at := 0
		rest := testFramer().Split(in, func(frame []byte, h Header) {
			i := bytes.Index(in[at:], frame)
			if i < 0 {
				t.Fatalf("%x is not in the input behind %d", frame, at)
			}
			at += i + len(frame)
			if h.ID == 256 && !testFramer().SetsUpSigning(in) {
				t.Error("a frame of SETUP_SIGNING was not seen")
			}
		})
		if len(rest) >= maxFrame || !bytes.HasSuffix(in, rest) {
			t.Errorf("%d bytes are left", len(rest))
		}
	})
}
