package mavlink

import (
	"bytes"
	"testing"
)

// keptBytes is a Recorder that keeps everything.
type keptBytes struct{ all []byte }

func (k *keptBytes) Record(_ int64, f []byte)               { k.all = append(k.all, f...) }
func (k *keptBytes) Quarantine(_ int64, f []byte, _ Reason) { k.all = append(k.all, f...) }

// A key that somebody sends over the network is not recorded, not even as evidence:
// neither by itself nor behind a damaged header that claims its bytes.
func TestKeysAreNotRecorded(t *testing.T) {
	setup := setupSigning()
	key := setup[20:40]
	claims := func(n byte) []byte { return []byte{magicV2, n, 0, 0, 0, 1, 1, 33, 0, 0} }
	for name, b := range map[string][]byte{
		"alone":                          setup,
		"cut":                            setup[:45],
		"behind a damaged header":        append(claims(60), setup...),
		"behind a header that is cut":    append(claims(200), setup...),
		"behind a flag that is unknown":  append([]byte{magicV2, 60, 2, 0, 0, 1, 1, 33, 0, 0}, setup...),
		"behind noise and a wrong frame": append(append([]byte{1, 2, 3}, claims(55)...), setup...),
	} {
		k := &keptBytes{}
		signed, _ := signedBench(t, credential("uav-7", 1, keyA))
		signed.record = k
		signed.send(addrA, bytes.Clone(b))
		signed.stream(addrA, append(bytes.Clone(b), make([]byte, maxFrame)...))
		if bytes.Contains(k.all, key) {
			t.Errorf("%s: the key was recorded", name)
		}
	}
}
