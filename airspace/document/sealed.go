package document

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	magic     = "TZD1"
	keyBytes  = 32
	chunk     = 64 << 10 // plain bytes under one tag: what is in memory of a document
	tagBytes  = 16
	nonceSize = 12
	headBytes = len(magic) + nonceSize + keyBytes + tagBytes
)

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// newHead is the head of a file, with a fresh key for its content under the key of
// the store, bound to its name.
func newHead(store cipher.AEAD, name Name) (head []byte, content cipher.AEAD, err error) {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // crypto/rand.Read never fails
	nonce := make([]byte, nonceSize)
	_, _ = rand.Read(nonce)
	head = append([]byte(magic), nonce...)
	head = store.Seal(head, nonce, key, []byte(name.String()))
	content, err = newGCM(key)
	return head, content, err
}

func openHead(store cipher.AEAD, name Name, head []byte) (cipher.AEAD, error) {
	if len(head) != headBytes || string(head[:len(magic)]) != magic {
		return nil, ErrDamaged
	}
	key, err := store.Open(nil, head[len(magic):len(magic)+nonceSize], head[len(magic)+nonceSize:], []byte(name.String()))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return newGCM(key)
}

// nonceOf is that of a chunk. The key is of one file only, so that a count is enough;
// the mark of the last one shows a file that was cut.
func nonceOf(n int64, last bool) []byte {
	nonce := make([]byte, nonceSize)
	binary.BigEndian.PutUint64(nonce, uint64(n))
	if last {
		nonce[nonceSize-1] = 1
	}
	return nonce
}

// seal copies r to w in sealed chunks, at most limit bytes.
func seal(w io.Writer, content cipher.AEAD, r io.Reader, limit int64) (size int64, err error) {
	// One byte more than a chunk is read, so that the last one is known to be it.
	buf, out := make([]byte, chunk+1), make([]byte, 0, chunk+tagBytes)
	have := 0
	for n := int64(0); ; n++ {
		more, err := io.ReadFull(r, buf[have:])
		have += more
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return size, fmt.Errorf("receive: %w", err)
		}
		part := buf[:min(have, chunk)]
		if size += int64(len(part)); size > limit || !last && size == limit {
			return size, ErrTooLarge
		}
		if size == 0 {
			return 0, ErrEmpty
		}
		if _, err := w.Write(content.Seal(out, nonceOf(n, last), part, nil)); err != nil {
			return size, fmt.Errorf("write: %w", err)
		}
		if last {
			return size, nil
		}
		buf[0] = buf[chunk]
		have = 1
	}
}

// plain is the content of a sealed file. It is for one goroutine: it has the chunk
// that was read last.
type plain struct {
	file    io.ReaderAt
	content cipher.AEAD
	size    int64 // of the plain text

	at   int64 // chunk in buf; -1: none
	raw  []byte
	part []byte
}

// newPlain is the content of a file of so many bytes.
func newPlain(file io.ReaderAt, content cipher.AEAD, fileSize int64) (*plain, error) {
	body := fileSize - int64(headBytes)
	chunks := (body + chunk + tagBytes - 1) / (chunk + tagBytes)
	size := body - chunks*tagBytes
	if chunks < 1 || size < 1 || size <= (chunks-1)*chunk {
		return nil, ErrDamaged
	}
	return &plain{file: file, content: content, size: size, at: -1, raw: make([]byte, chunk+tagBytes)}, nil
}

// ReadAt reads plain text.
func (p *plain) ReadAt(b []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("read before the begin")
	}
	for n < len(b) {
		if off >= p.size {
			return n, io.EOF
		}
		if err := p.load(off / chunk); err != nil {
			return n, err
		}
		k := copy(b[n:], p.part[off%chunk:])
		n, off = n+k, off+int64(k)
	}
	return n, nil
}

func (p *plain) load(n int64) error {
	if p.at == n {
		return nil
	}
	p.at = -1
	last := n == (p.size-1)/chunk
	size := int64(chunk)
	if last {
		size = p.size - n*chunk
	}
	raw := p.raw[:size+tagBytes]
	if _, err := p.file.ReadAt(raw, int64(headBytes)+n*(chunk+tagBytes)); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	part, err := p.content.Open(raw[:0], nonceOf(n, last), raw, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	p.at, p.part = n, part
	return nil
}
