// Package admin answers the questions that a machine asks about the server: is it
// alive, is it ready, what do its counters say, where does it spend its time.
//
//	GET /livez        200 while the server's loops move, otherwise 503 and why
//	GET /readyz       200 when it can do all of its work, otherwise 503; JSON with reasons
//	GET /metrics      Prometheus, names testzone_…, units in the names
//	GET /debug/pprof  Go's profiles
//
// It has a listener of its own, on loopback: nobody signs in here. Counters are
// read when they are asked for, so that the hot path does nothing for them. It is
// safe for concurrent use; Run returns after its connections ended.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Config of a Server.
type Config struct {
	// Alive says why the server's loops do not move; nil: they do. It is asked at
	// every call and answers within seconds.
	Alive func(ctx context.Context) error
	// Ready says what the server cannot do now; empty: it does all of its work.
	Ready func() []Reason
	// Figures are the counters and gauges of the moment.
	Figures func() []Figure
}

// Reason is one thing that is not as it should be.
type Reason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Figure is one number with its name, as Prometheus writes it.
type Figure struct {
	Name    string // with its unit; a counter ends in _total
	Help    string
	Counter bool
	Value   float64
	Label   string // name of the one label; empty: none
	Of      string // its value
}

// Server is the administrative listener.
type Server struct {
	cfg      Config
	registry *prometheus.Registry
	handler  http.Handler
}

// New makes a server.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg, registry: prometheus.NewRegistry()}
	s.registry.MustRegister(figures{cfg.Figures}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", s.livez)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	s.handler = mux
	return s
}

// Histogram registers a histogram of seconds; Observe may be called from anywhere.
func (s *Server) Histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	s.registry.MustRegister(h)
	return h
}

// Histograms is Histogram with labels.
func (s *Server) Histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	s.registry.MustRegister(h)
	return h
}

// Run serves until ctx ends.
func (s *Server) Run(ctx context.Context, ln net.Listener) error {
	// A page of a browser must not read this port by a name that resolves to it.
	srv := &http.Server{Handler: localHostOnly(s.handler), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 32 << 10}
	stopped := make(chan struct{})
	defer context.AfterFunc(ctx, func() {
		defer close(stopped)
		stop, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if srv.Shutdown(stop) != nil {
			_ = srv.Close() // a profile takes longer than a stop may
		}
	})()
	err := srv.Serve(ln)
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin listener: %w", err)
	}
	<-stopped
	return nil
}

// localHostOnly refuses requests for another host than an address or localhost:
// DNS rebinding would let a page of a browser read what is here.
func localHostOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if host != "localhost" && net.ParseIP(host) == nil {
			http.Error(w, "ask by address", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) livez(w http.ResponseWriter, r *http.Request) {
	if err := s.cfg.Alive(r.Context()); err != nil {
		answer(w, http.StatusServiceUnavailable, "dead", []Reason{{Code: "stuck", Text: err.Error()}})
		return
	}
	answer(w, http.StatusOK, "alive", nil)
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	reasons := s.cfg.Ready()
	if err := s.cfg.Alive(r.Context()); err != nil {
		reasons = append(reasons, Reason{Code: "stuck", Text: err.Error()})
	}
	if len(reasons) > 0 {
		answer(w, http.StatusServiceUnavailable, "not_ready", reasons)
		return
	}
	answer(w, http.StatusOK, "ready", nil)
}

func answer(w http.ResponseWriter, status int, word string, reasons []Reason) {
	if reasons == nil {
		reasons = []Reason{}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct {
		Status  string   `json:"status"`
		Reasons []Reason `json:"reasons"`
	}{word, reasons})
}

// figures is a collector that reads everything at the scrape.
type figures struct{ read func() []Figure }

// Describe sends nothing: the figures differ from scrape to scrape.
func (figures) Describe(chan<- *prometheus.Desc) {}

func (f figures) Collect(out chan<- prometheus.Metric) {
	for _, fig := range f.read() {
		kind := prometheus.GaugeValue
		if fig.Counter {
			kind = prometheus.CounterValue
		}
		var names, values []string
		if fig.Label != "" {
			names, values = []string{fig.Label}, []string{fig.Of}
		}
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(fig.Name, fig.Help, names, nil), kind, fig.Value, values...)
	}
}
