package mavlink

// Framer tells the frames of the dialect from noise, for those who pass bytes on
// without decoding them: the gateway and the tool that sets up signing. It is
// safe for concurrent use.
type Framer struct{ cat *catalog }

// NewFramer reads the dialect, which takes about 5 ms.
func NewFramer() (*Framer, error) {
	cat, err := newCatalog()
	if err != nil {
		return nil, err
	}
	return &Framer{cat}, nil
}

// Header is what a frame says of itself.
type Header struct {
	System, Component uint8
	ID                uint32
	Signed            bool
	Payload           []byte // as received: zeros at its end may be cut
}

// Parse reads b if it is exactly one frame of the dialect whose checksum is right.
func (f *Framer) Parse(b []byte) (Header, bool) {
	if n, ok := frameLen(b); !ok || n != len(b) {
		return Header{}, false
	}
	var fr frame
	if _, why := f.cat.check(b, &fr); why != accepted {
		return Header{}, false
	}
	return Header{
		System: fr.sys, Component: fr.comp, ID: fr.id, Payload: fr.payload,
		Signed: fr.signed,
	}, true
}

// SignedWith reports whether a frame, as Parse reads it, was signed with the key.
func (f *Framer) SignedWith(frame []byte, k *Key) bool {
	h, ok := f.Parse(frame)
	return ok && h.Signed && new(verifier).right(k, frame)
}

// Split gives take every frame of b that Parse would read, in order, and returns
// the start of another one at its end, if there is one: less than a frame.
func (f *Framer) Split(b []byte, take func(frame []byte, h Header)) (rest []byte) {
	for len(b) > 0 {
		n, ok := frameLen(b)
		if !ok && (b[0] == magicV1 || b[0] == magicV2) || ok && n > len(b) {
			return b
		}
		if ok {
			if h, good := f.Parse(b[:n]); good {
				take(b[:n:n], h)
				b = b[n:]
				continue
			}
		}
		b = b[1:]
	}
	return nil
}

// setupSigningLength is the payload of SETUP_SIGNING, zeros not cut.
const setupSigningLength = 42

// SetsUpSigning reports whether a frame of SETUP_SIGNING starts anywhere in b,
// whole or cut off: inside damage too, where a receiver would find it. Such bytes
// hold a key and are never passed on.
func (f *Framer) SetsUpSigning(b []byte) bool {
	for i := 0; i+overheadV2-2 <= len(b); i++ {
		if b[i] != magicV2 || b[i+7] != 0 || b[i+8] != 1 || b[i+9] != 0 { // id 256
			continue
		}
		n, ok := frameLen(b[i:])
		if !ok || n > len(b)-i {
			// Cut off: numbers of another message rarely look like this header.
			if b[i+1] <= setupSigningLength && b[i+2]&^flagSigned == 0 {
				return true
			}
			continue
		}
		if _, good := f.Parse(b[i : i+n]); good {
			return true
		}
	}
	return false
}
