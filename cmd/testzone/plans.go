package main

import (
	"context"
	"errors"
	"fmt"

	"testzone/telemetry/command/onboard"
	"testzone/telemetry/mavlink"
	"testzone/telemetry/mavlink/dialogue"
	"testzone/vehicles"
)

// newPlans makes what knows the plans that vehicles carry; its wire is there when
// the state was rebuilt.
func (s *server) newPlans() (err error) {
	s.plans, err = onboard.New(onboard.Config{Wire: planWire{s}, Fleet: planFleet{orderFleet{s}}, Leases: s.orders, Engine: s.engine, Journal: s.journal})
	return err
}

// planWire reaches vehicles by the conversations of dialogue.
type planWire struct{ s *server }

// Upload is onboard.Wire's.
func (w planWire) Upload(ctx context.Context, h vehicles.Handle, p vehicles.Plan, progress func(done, total int)) (onboard.Receipt, error) {
	r, err := w.s.talk.exchange.Upload(ctx, h, p, progress)
	return onboard.Receipt(r), planError(err)
}

// Read is onboard.Wire's.
func (w planWire) Read(ctx context.Context, h vehicles.Handle, k vehicles.PlanKind) (vehicles.Plan, onboard.Receipt, error) {
	p, id, err := w.s.talk.exchange.ReadPlan(ctx, h, k)
	return p, onboard.Receipt{OpaqueID: id, Items: len(p.Items)}, planError(err)
}

// Clear is onboard.Wire's.
func (w planWire) Clear(ctx context.Context, h vehicles.Handle, k vehicles.PlanKind) error {
	return planError(w.s.talk.exchange.ClearPlan(ctx, h, k))
}

// Param is onboard.Wire's.
func (w planWire) Param(ctx context.Context, h vehicles.Handle, name string) (float64, error) {
	return w.s.talk.exchange.Param(ctx, h, name)
}

// cmdFenceEnable is MAV_CMD_DO_FENCE_ENABLE.
const cmdFenceEnable = 207

// EnableFence is onboard.Wire's.
func (w planWire) EnableFence(ctx context.Context, h vehicles.Handle) error {
	_, err := w.s.talk.exchange.Command(ctx, h, dialogue.Command{ID: cmdFenceEnable, Params: [7]float64{1}})
	return err
}

// planError is what became of a transfer, in the words of onboard.
func planError(err error) error {
	var refused *dialogue.PlanRefusal
	var differs *dialogue.PlanDiffers
	var plan *vehicles.PlanError
	switch {
	case errors.As(err, &refused):
		return &onboard.ItemError{Item: refused.Item + 1, Text: err.Error()}
	case errors.As(err, &differs):
		return &onboard.ItemError{Item: differs.Item + 1, Text: err.Error()}
	case errors.As(err, &plan):
		return &onboard.ItemError{Item: plan.Item + 1, Text: err.Error()}
	case errors.Is(err, mavlink.ErrNoRoute), errors.Is(err, dialogue.ErrGone):
		return fmt.Errorf("%w: %w", onboard.ErrGone, err)
	case errors.Is(err, dialogue.ErrNoAnswer):
		return fmt.Errorf("%w: %w", onboard.ErrSilent, err)
	case errors.Is(err, dialogue.ErrPending):
		return fmt.Errorf("%w: %w", onboard.ErrBusy, err)
	}
	return err
}

// planFleet is what the zone knows of its vehicles now.
type planFleet struct{ orderFleet }

// ReturnM is onboard.Fleet's.
func (f planFleet) ReturnM(id vehicles.VehicleID) *float64 {
	v, _ := f.s.registry.Registration(id)
	return v.LostLink.ReturnM
}

// planIDs hands on by which names a vehicle calls its plans.
func (t *talk) planIDs(id vehicles.VehicleID, ids dialogue.PlanIDs) {
	t.plans.IDs(id, ids.Mission, ids.Fence, ids.Rally)
}
