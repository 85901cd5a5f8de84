package web

import (
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// observed tells Config.Answered of every answer of an operation, refusals
// included; a panic is the 500 that identify makes of it.
func (s *Server) observed(operation string) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, to := humago.Unwrap(ctx)
		w := &statusWriter{ResponseWriter: to, status: http.StatusOK}
		begin := time.Now() // a duration for the metrics, not a time of the domain
		returned := false
		defer func() {
			if !returned {
				w.status = http.StatusInternalServerError
			}
			s.cfg.Answered(operation, w.status, time.Since(begin))
		}()
		next(humago.NewContext(ctx.Operation(), r, w))
		returned = true
	}
}
