package web

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/airspace"
	"testzone/geofence"
	"testzone/telemetry"
	"testzone/telemetry/journal"
	"testzone/vehicles"
	"testzone/web/auth"
)

// patientWriter takes everything.
type patientWriter struct{ recorder }

func (*patientWriter) SetWriteDeadline(time.Time) error { return nil }
func (*patientWriter) SetReadDeadline(time.Time) error  { return nil }
func (*patientWriter) FlushError() error                { return nil }

type nowhere struct{}

func (nowhere) Append(context.Context, ...journal.Entry) ([]uint64, error) {
	return nil, journal.ErrClosed
}

// quietServer is a server of which no part runs.
func quietServer(t *testing.T, authenticator *auth.Authenticator) *Server {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	bus := telemetry.NewBus(nil)
	registry, err := vehicles.NewRegistry(1, nil)
	must(err)
	pipeline, err := telemetry.New(telemetry.Config{Registry: registry, Engine: geofence.NewEngine(geofence.Config{}), Bus: bus, Grid: testGrid(), Shards: 1})
	must(err)
	register, err := airspace.NewRegister(airspace.Config{Journal: nowhere{}})
	must(err)
	s, err := New(Config{
		Register: register, Pipeline: pipeline, Registry: registry, Bus: bus, Auth: authenticator, Logger: slog.New(slog.DiscardHandler),
		Book: telemetry.NewBook(telemetry.BookConfig{Bus: bus, Journal: nowhere{}, Pipeline: pipeline}),
	})
	must(err)
	return s
}

// TestEventStreamOverTime: a stream without events shows that it lives and how
// far it is, and ends when the session of its reader has ended.
func TestEventStreamOverTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		authenticator, err := auth.New(auth.Config{Absolute: 100 * time.Second, Tokens: []auth.Token{
			{Secret: observerToken, Actor: airspace.Actor{ID: "olga", Roles: []airspace.Role{airspace.Observer}}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		s := quietServer(t, authenticator)
		w := &patientWriter{*newRecorder()}
		r := w.request("GET", eventsPath)
		_, cookie, err := authenticator.SignIn(r, observerToken)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(cookie)
		records := make(chan journal.Record, 1)
		records <- journal.Record{Seq: 7, Entry: journal.Entry{Schema: 99, Body: []byte(`{"type":"person.signed_in"}`)}}
		begin := time.Now()
		err = s.streamEvents(w, r, eventRequest{from: 5, sees: telemetry.WholeZone()}, records, nil)
		if took := time.Since(begin); !errors.Is(err, auth.ErrNoCredential) || took < 100*time.Second || took > 100*time.Second+recheckEvery+time.Second {
			t.Errorf("ended after %v: %v", took, err)
		}
		body := w.body.String()
		if beats := strings.Count(body, "id: 7\n: nothing new\n\n"); beats < 6 || !strings.HasPrefix(body, ": events after 4\n") || strings.Contains(body, "signed_in") {
			t.Errorf("%d beats in %q", beats, body)
		}
	})
}
