package journal

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// RequestWindowUS is how long a request may be repeated under its key, microseconds.
const RequestWindowUS = 24 * 3600 * 1_000_000

// ErrKeyReused is returned when a key names another request than the one it was first used for.
var ErrKeyReused = errors.New("this Idempotency-Key was used for another request: use a new key")

// Request is what a caller asked for, under a key of its own choice: whoever
// asks again with the same key gets the first answer. It stands in the body of
// the entry that the request led to, so that this holds over a restart too.
type Request struct {
	By     string `json:"by"` // principal; keys of two principals are independent
	Key    string `json:"key"`
	SHA256 string `json:"sha256"` // of what was asked, in hex
}

// EntryID is the id of an entry that answers the request at a time; part counts
// the entries of one answer from 0. It depends on the day (UTC), so that a key
// which is used again after the window makes an entry of its own, and on what
// was asked, so that no entry stands for another request.
func (r *Request) EntryID(atUS int64, part int) (id ID) {
	h := sha256.New()
	var n [8]byte
	number := func(v int64) {
		binary.BigEndian.PutUint64(n[:], uint64(v))
		h.Write(n[:])
	}
	for _, text := range []string{r.By, r.Key, r.SHA256} {
		number(int64(len(text)))
		h.Write([]byte(text))
	}
	number(atUS / RequestWindowUS)
	number(int64(part))
	copy(id[:], h.Sum(nil))
	return id
}

type requestKey struct{}

// WithRequest makes whoever appends under ctx note the request.
func WithRequest(ctx context.Context, r *Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// RequestOf is the request of ctx; nil if it has none.
func RequestOf(ctx context.Context) *Request {
	r, _ := ctx.Value(requestKey{}).(*Request)
	return r
}
