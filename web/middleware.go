package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"testzone/airspace"
	"testzone/geofence/zonefile"
)

// maxJSONDepth bounds what a body can make the decoders recurse.
const maxJSONDepth = 32

type requestIDKey struct{}

// requestID names the request in the log and in its problem.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// protect is everything that happens to a request before it reaches a route.
func (s *Server) protect(routes http.Handler) (http.Handler, error) {
	csrf := http.NewCrossOriginProtection()
	for _, origin := range s.cfg.AllowedOrigins {
		if err := csrf.AddTrustedOrigin(origin); err != nil {
			return nil, err
		}
	}
	csrf.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, "", airspace.Actor{}, newProblem(r.Context(), http.StatusForbidden, "cross_origin", "This request comes from another site."))
	}))
	return s.identify(secure(s.perAddress(s.withoutURLTokens(csrf.Handler(s.bound(routes)))))), nil
}

// identify gives the request an id, and turns a panic into a 500.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b [8]byte
		_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
		id := hex.EncodeToString(b[:])
		r = r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
		w.Header().Set("X-Request-Id", id)
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			s.log.ErrorContext(r.Context(), "handler panicked", "request_id", id, "panic", v, "stack", string(debug.Stack()))
			writeProblem(w, newProblem(r.Context(), http.StatusInternalServerError, "internal", "The server failed. Tell its operator the requestId."))
		}()
		if !s.log.Enabled(r.Context(), slog.LevelDebug) || r.URL.Path == livePath { // the upgrade needs the bare writer
			next.ServeHTTP(w, r)
			return
		}
		begin, seen := time.Now(), &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		s.log.DebugContext(r.Context(), "request answered", "request_id", id, "method", r.Method, "path", r.URL.Path, "status", seen.status,
			"peer", r.RemoteAddr, "took_ms", time.Since(begin).Milliseconds())
	})
}

// statusWriter remembers the status for the log and the metrics.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is how deadlines and flushes find the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// contentPolicy is that of ui.md section 10: nothing from another host.
// MapLibre sets inline styles and starts its worker from a blob.
const contentPolicy = "default-src 'self'; script-src 'self'; worker-src 'self' blob:; img-src 'self' data: blob:; " +
	"connect-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "geolocation=(), camera=(), microphone=()")
		h.Set("Cache-Control", "no-store") // static files set their own
		next.ServeHTTP(w, r)
	})
}

// bound limits the time of a request. Channels have their own limits, and so
// have operations: see endpoint.
func (s *Server) bound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != livePath && r.URL.Path != eventsPath {
			setDeadlines(w, requestTimeout)
		}
		next.ServeHTTP(w, r)
	})
}

// setDeadlines gives a connection time for one request.
func setDeadlines(w http.ResponseWriter, d time.Duration) {
	ctl, now := http.NewResponseController(w), time.Now()
	// A writer that knows no deadlines is one of a test: nothing to limit.
	_ = ctl.SetReadDeadline(now.Add(d))
	_ = ctl.SetWriteDeadline(now.Add(d + 5*time.Second))
}

// limits of one request of an operation. The zero value is the usual.
type limits struct {
	bytes int64         // of the body; 0: maxBodyBytes
	time  time.Duration // 0: requestTimeout
	file  bool          // the body is a file, not a JSON document of ours
	// stream: the handler reads the body and bounds it; nothing of it is read before.
	stream bool
}

// readBody reads and judges the body before anything decodes it. It is called
// when it is known that the caller may use the operation: nobody else makes the
// server keep megabytes.
func readBody(w http.ResponseWriter, r *http.Request, limit limits) ([]byte, *Problem) {
	if limit.stream || r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	ctx := r.Context()
	if limit.bytes == 0 {
		limit.bytes = maxBodyBytes
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit.bytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, newProblem(ctx, http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("A body may have at most %d KiB here.", limit.bytes>>10))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, newProblem(ctx, http.StatusRequestTimeout, "timeout", "The body did not arrive in time.")
	case err != nil:
		return nil, newProblem(ctx, http.StatusBadRequest, "malformed", "The body could not be read.")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	if len(body) == 0 {
		return nil, nil
	}
	return body, judgeBody(r, body, limit)
}

func judgeBody(r *http.Request, body []byte, limit limits) *Problem {
	// A form or text/plain is what a foreign page can send without asking.
	known := []string{"application/json"}
	if limit.file {
		known = fileTypes()
	}
	ctx := r.Context()
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil || !slices.Contains(known, kind):
		return newProblem(ctx, http.StatusUnsupportedMediaType, "unsupported_media_type", "Send Content-Type: "+strings.Join(known, " or ")+".")
	case limit.file: // the reader of files has its own limits
	case !utf8.Valid(body):
		return newProblem(ctx, http.StatusBadRequest, "malformed", "The body is not UTF-8.")
	case zonefile.NestedBeyond(body, maxJSONDepth):
		return newProblem(ctx, http.StatusBadRequest, "malformed", "The JSON is nested more than 32 deep.")
	}
	return nil
}

// unmatched writes the mux's own answers (no such path, wrong method) as
// problems; it keeps their headers and lets redirects pass.
func unmatched(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		probe := &statusProbe{header: http.Header{}}
		own.ServeHTTP(probe, r)
		if allow := probe.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
		}
		if probe.status == http.StatusMethodNotAllowed {
			writeProblem(w, newProblem(r.Context(), probe.status, statusCode(probe.status), "This path does not know this method; see Allow."))
			return
		}
		writeProblem(w, newProblem(r.Context(), http.StatusNotFound, statusCode(http.StatusNotFound), "There is nothing at this path."))
	})
}

// statusProbe remembers what a handler would have answered.
type statusProbe struct {
	header http.Header
	status int
}

func (p *statusProbe) Header() http.Header         { return p.header }
func (p *statusProbe) Write(b []byte) (int, error) { return len(b), nil }
func (p *statusProbe) WriteHeader(status int)      { p.status = status }
