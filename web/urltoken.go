package web

import (
	"net/http"

	"testzone/airspace"
)

// withoutURLTokens refuses credentials in the address: addresses are kept by
// proxies, histories and logs.
func (s *Server) withoutURLTokens(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			q := r.URL.Query()
			for _, name := range []string{"token", "access_token", "api_key", "apikey", "authorization"} {
				if q.Has(name) {
					s.refuse(w, r, "", airspace.Actor{}, newProblem(r.Context(), http.StatusUnauthorized, "token_in_url",
						"A token never belongs into an address, where others read it: replace that token by a new one and send it as Authorization: Bearer."))
					return
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}
