package main

import (
	"encoding/json"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// figure is one number that the server keeps, as Prometheus is shown it.
type figure struct {
	name, help string
	counter    bool // it only grows
	labels     []string
	values     []string
	value      float64
}

// observer asks the server for its figures each time they are wanted; between
// two scrapes nothing is spent on them.
type observer struct{ figures func() []figure }

// Describe sends nothing: the set of figures may change while the server runs.
func (observer) Describe(chan<- *prometheus.Desc) {}

// Collect sends every figure.
func (o observer) Collect(out chan<- prometheus.Metric) {
	for _, f := range o.figures() {
		kind := prometheus.GaugeValue
		if f.counter {
			kind = prometheus.CounterValue
		}
		description := prometheus.NewDesc("moonwire_"+f.name, f.help, f.labels, nil)
		if m, err := prometheus.NewConstMetric(description, kind, f.value, f.values...); err == nil {
			out <- m
		}
	}
}

// observeHandler answers /healthz, /metrics and /calls.
func observeHandler(figures func() []figure, healthy func() error, calls func() any) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(observer{figures}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if err := healthy(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /calls", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(calls())
	})
	return mux
}
