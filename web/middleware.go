package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
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
		writeProblem(w, newProblem(r.Context(), http.StatusForbidden, "cross_origin", "This request comes from another site."))
	}))
	return s.identify(secure(csrf.Handler(s.bound(routes)))), nil
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
		next.ServeHTTP(w, r)
	})
}

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

// bound limits the time and the body of a request. The live channel has its
// own limits.
func (s *Server) bound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == livePath {
			next.ServeHTTP(w, r)
			return
		}
		limit := s.limitOf(r)
		ctx, cancel := context.WithTimeout(r.Context(), limit.time)
		defer cancel()
		r = r.WithContext(ctx)
		ctl := http.NewResponseController(w)
		now := time.Now()
		// A writer that knows no deadlines is one of a test: nothing to limit.
		_ = ctl.SetReadDeadline(now.Add(limit.time))
		_ = ctl.SetWriteDeadline(now.Add(limit.time + 5*time.Second))
		if p := readBody(w, r, limit); p != nil {
			writeProblem(w, p)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// limits of one request.
type limits struct {
	bytes int64
	time  time.Duration
	file  bool // the body is a file, not a JSON document of ours
}

// limitOf is what a request may take. More than the usual is only for those who
// may use it: nobody else makes the server keep megabytes.
func (s *Server) limitOf(r *http.Request) limits {
	usual := limits{bytes: maxBodyBytes, time: requestTimeout}
	large, operation := limits{bytes: maxFileBytes, time: fileTimeout, file: true}, "importFences"
	switch {
	case r.Method == http.MethodPost && r.URL.Path == importPath:
		usual.file = true
	case r.Method == http.MethodPost && r.URL.Path == batchPath:
		large, operation = limits{bytes: maxBatchBytes, time: fileTimeout}, "changeFences"
	default:
		return usual
	}
	if _, err := s.authorise(r, rules()[operation]); err != nil {
		return usual
	}
	return large
}

// readBody reads and judges the body before anything decodes it.
func readBody(w http.ResponseWriter, r *http.Request, limit limits) *Problem {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	ctx := r.Context()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit.bytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return newProblem(ctx, http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("A body may have at most %d KiB here.", limit.bytes>>10))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return newProblem(ctx, http.StatusRequestTimeout, "timeout", "The body did not arrive in time.")
	case err != nil:
		return newProblem(ctx, http.StatusBadRequest, "malformed", "The body could not be read.")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	if len(body) == 0 {
		return nil
	}
	// A form or text/plain is what a foreign page can send without asking.
	known := []string{"application/json"}
	if limit.file {
		known = fileTypes()
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || !slices.Contains(known, kind) {
		return newProblem(ctx, http.StatusUnsupportedMediaType, "unsupported_media_type", "Send Content-Type: "+strings.Join(known, " or ")+".")
	}
	if limit.file {
		return nil // the reader of files has its own limits
	}
	if !utf8.Valid(body) {
		return newProblem(ctx, http.StatusBadRequest, "malformed", "The body is not UTF-8.")
	}
	if tooDeep(body) {
		return newProblem(ctx, http.StatusBadRequest, "malformed", "The JSON is nested more than 32 deep.")
	}
	return nil
}

// tooDeep counts brackets outside of strings.
func tooDeep(b []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxJSONDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
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
