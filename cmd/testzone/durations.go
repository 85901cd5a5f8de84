package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"testzone/web/admin"
)

// durations are how long syncs of the journal and answers of the API take. Nothing
// is counted before register: a server without an admin listener has none.
type durations struct {
	syncs   atomic.Pointer[prometheus.Histogram]
	answers atomic.Pointer[prometheus.HistogramVec]
}

func (d *durations) register(to *admin.Server) {
	syncs := to.Histogram("testzone_journal_sync_duration_seconds", "How long each data sync of a batch of the journal took.",
		[]float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10})
	d.syncs.Store(&syncs)
	d.answers.Store(to.Histograms("testzone_http_request_duration_seconds",
		"From the beginning of an operation of the API to the end of its answer, by operation id of the OpenAPI file and class of the status.",
		[]float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}, "operation", "status"))
}

func (d *durations) synced(took time.Duration) {
	if h := d.syncs.Load(); h != nil {
		(*h).Observe(took.Seconds())
	}
}

func (d *durations) answered(operation string, status int, took time.Duration) {
	if h := d.answers.Load(); h != nil {
		h.WithLabelValues(operation, fmt.Sprintf("%dxx", status/100)).Observe(took.Seconds())
	}
}
