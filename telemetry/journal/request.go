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

// EntryID is the id of the entry that answers the request at a time. It
// depends on the day (UTC), so that a key which is used again after the window
// makes an entry of its own.
func (r *Request) EntryID(atUS int64) (id ID) {
	h := sha256.New()
	var n [8]byte
	for _, part := range []string{r.By, r.Key} {
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	binary.BigEndian.PutUint64(n[:], uint64(atUS/RequestWindowUS))
	h.Write(n[:])
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
