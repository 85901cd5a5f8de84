package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/telemetry/command/bulk"
	"testzone/telemetry/mavlink"
	"testzone/telemetry/mavlink/dialogue"
	"testzone/vehicles"
)

// newOrders makes the dispatcher; its wire is there when the state was rebuilt.
func (s *server) newOrders() (err error) {
	s.homes = &homes{}
	s.orders, err = command.New(command.Config{Wire: orderWire{s}, Fleet: orderFleet{s}, Journal: s.journal, Calls: orderCalls{s.bus}, Bus: s.bus, Ways: orderWays{s.engine},
		Ground: orderGround{s}, Termination: s.cfg.Orders.FlightTermination})
	if err == nil {
		s.bulk, err = bulk.New(bulk.Config{Orders: s.orders, Zone: orderFleet{s}, Journal: s.journal, Unfit: s.unsure, ByHand: orderFleet{s}.ByHand})
	}
	return err
}

// orderWire reaches vehicles by the conversations of dialogue.
type orderWire struct{ s *server }

// Command is command.Wire's.
func (w orderWire) Command(ctx context.Context, h vehicles.Handle, c command.Command) error {
	_, err := w.s.talk.exchange.Command(ctx, h, dialogue.Command{ID: c.ID, Params: c.Params, Located: c.Located, Frame: c.Frame})
	var r *dialogue.Refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &r):
		return &command.Refusal{Unsupported: r.Result == dialogue.Unsupported, Text: r.Error()}
	case errors.Is(err, mavlink.ErrNoRoute):
		return fmt.Errorf("%w: %w", command.ErrUnreachable, err)
	case errors.Is(err, dialogue.ErrNoAnswer), errors.Is(err, dialogue.ErrPending),
		errors.Is(err, mavlink.ErrBusy), errors.Is(err, mavlink.ErrSendRate):
		return fmt.Errorf("%w: %w", command.ErrNoAnswer, err)
	}
	return err
}

// orderFleet is what the zone knows of its vehicles now.
type orderFleet struct{ s *server }

// Identity is command.Fleet's.
func (f orderFleet) Identity(id vehicles.VehicleID) *vehicles.Identity {
	h, ok := f.s.registry.Lookup(id)
	if !ok {
		return nil
	}
	return f.s.registry.Identity(h)
}

// Track is command.Fleet's.
func (f orderFleet) Track(ctx context.Context, h vehicles.Handle) (telemetry.TrackView, bool, error) {
	return f.s.pipeline.Track(ctx, telemetry.WholeZone(), h)
}

// Tracks is bulk.Zone's.
func (f orderFleet) Tracks(ctx context.Context) ([]telemetry.TrackView, error) {
	return f.s.pipeline.Tracks(ctx, telemetry.WholeZone())
}

// Against is bulk.Zone's.
func (f orderFleet) Against(ctx context.Context) (map[vehicles.VehicleID]bool, error) {
	return f.s.warden.Against(ctx)
}

// Home is command.Fleet's.
func (f orderFleet) Home(id vehicles.VehicleID) (geo.Point, bool) { return f.s.homes.get(id) }

// ModeName is command.Fleet's.
func (f orderFleet) ModeName(v *vehicles.Identity, mode uint32) string { return modeName(v, mode) }

// orderCalls raises and ends the alerts that somebody has to be called.
type orderCalls struct{ bus *telemetry.Bus }

// Call is command.Calls'.
func (c orderCalls) Call(call *telemetry.Call) { c.bus.Publish(time.Now().UnixMicro(), call) }

// homes are where vehicles return to, as they said last: when they are asked, and by
// themselves when it changes, as at take-off. Safe for concurrent use.
type homes struct {
	mu sync.Mutex // guards the field below
	of map[vehicles.VehicleID]geo.Point
}

func (h *homes) set(id vehicles.VehicleID, home dialogue.Home) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.of == nil {
		h.of = map[vehicles.VehicleID]geo.Point{}
	}
	h.of[id] = home.Point
}

// note takes what a vehicle says by itself.
func (h *homes) note(id *vehicles.Identity, msg message.Message) {
	m, ok := msg.(*ardupilotmega.MessageHomePosition)
	if !ok || id == nil {
		return
	}
	if p := (geo.Point{Lon: m.Longitude, Lat: m.Latitude}); p.Valid() && p != (geo.Point{}) { // 0, 0: it has none yet
		h.set(id.ID, dialogue.Home{Point: p})
	}
}

func (h *homes) get(id vehicles.VehicleID) (geo.Point, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, ok := h.of[id]
	return p, ok
}
