package airspace

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"testzone/vehicles"
)

const (
	// ownSystemID is that of the zone itself, and groundStationID what ground
	// stations use: a vehicle with one of them would be taken for one.
	ownSystemID     = 250
	groundStationID = 255
	maxOthers       = 16
	maxSerial       = 20 // characters of a remote id, F3411 uas_id
)

// reservedIDs begin the ids of what is not registered: unverified sources and traffic.
func reservedIDs() []string {
	return []string{"unverified", "traffic-", "icao-", "mmsi-", "rid-"}
}

// checkVehicle finds what is wrong with a vehicle. Called with r.mu held.
func (r *Register) checkVehicle(who Actor, v *Vehicle) error {
	if !owns(who)(v.Operator) {
		return fmt.Errorf("vehicle of %s: %w", v.Operator, ErrForbidden)
	}
	if err := v.check(); err != nil {
		return err
	}
	if err := r.checkOperator(v.Operator); err != nil {
		return fmt.Errorf("%w: %w", ErrVehicle, err)
	}
	if !v.MAVLink.Speaks() {
		return nil
	}
	if g, behind := r.fleet.gateways[v.MAVLink.Listener]; behind {
		if g.State != GatewayEnrolled || g.Operator != v.Operator {
			return fmt.Errorf("%w: %s is not a gateway of %s that is in use", ErrVehicle, g.ID, v.Operator)
		}
	} else if r.cfg.Listeners != nil && !slices.Contains(r.cfg.Listeners, v.MAVLink.Listener) {
		return fmt.Errorf("%w: there is no signed listener and no gateway %q; the signed listeners are: %s",
			ErrVehicle, v.MAVLink.Listener, strings.Join(r.cfg.Listeners, ", "))
	}
	for id, g := range r.fleet.gateways {
		if g.State != GatewayRetired && g.Operator != v.Operator && slices.Contains(g.Vehicles, v.ID) {
			return fmt.Errorf("%w: gateway %s of %s answers for it: take it out there first", ErrVehicle, id, g.Operator)
		}
	}
	return r.fleet.conflict(v)
}

// checkOperator finds out whether an organisation may have vehicles. Called with r.mu held.
func (r *Register) checkOperator(id string) error {
	org, ok := r.accounts.organisations[id]
	switch {
	case !ok:
		return fmt.Errorf("there is no organisation %q", id)
	case org.Kind != Operator && org.Kind != Sandbox:
		return fmt.Errorf("organisation %s is not an operator", id)
	case org.Disabled:
		return fmt.Errorf("organisation %s is disabled", id)
	}
	return nil
}

func (v *Vehicle) check() error {
	if !validName(v.ID) {
		return fmt.Errorf("%w: id %q: use 1 to 40 of a-z, 0-9 and -", ErrVehicle, v.ID)
	}
	for _, prefix := range reservedIDs() {
		if strings.HasPrefix(v.ID, prefix) {
			return fmt.Errorf("%w: id %q: ids that begin with %s are of what is not registered", ErrVehicle, v.ID, prefix)
		}
	}
	if n := utf8.RuneCountInString(v.Name); n < 1 || n > maxName {
		return fmt.Errorf("%w: a name has 1 to %d characters", ErrVehicle, maxName)
	}
	if _, ok := vehicles.ParseClass(v.Class); !ok {
		return fmt.Errorf("%w: class %q: use uav, icv or usv", ErrVehicle, v.Class)
	}
	if raw, err := hex.DecodeString(v.UID2); err != nil || len(raw) != 0 && len(raw) != 8 && len(raw) != 18 {
		return fmt.Errorf("%w: uid2 is 18 bytes in hex (36 digits), or the 8 of the older uid", ErrVehicle)
	}
	if len(v.SerialNumber) > maxSerial || strings.ContainsFunc(v.SerialNumber, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return fmt.Errorf("%w: a remote id has at most %d visible ASCII characters", ErrVehicle, maxSerial)
	}
	if err := checkMAVLink(&v.MAVLink); err != nil {
		return err
	}
	return checkLostLink(&v.LostLink)
}

func checkMAVLink(m *vehicles.MAVLink) error {
	switch {
	case !m.Speaks():
		if m.Listener != "" || m.Component != 0 || len(m.Others) > 0 || m.Autopilot != "" {
			return fmt.Errorf("%w: system id 0 is that of nobody; leave mavlink out for a vehicle that does not speak it", ErrVehicle)
		}
		return nil
	case m.SystemID == ownSystemID, m.SystemID == groundStationID:
		return fmt.Errorf("%w: system id %d: %d is the zone's own, %d that of ground stations", ErrVehicle, m.SystemID, ownSystemID, groundStationID)
	case !validName(m.Listener):
		return fmt.Errorf("%w: name the signed listener, or the gateway, that the vehicle speaks to", ErrVehicle)
	case !slices.Contains([]vehicles.Autopilot{"", vehicles.ArduPilot, vehicles.PX4, vehicles.Generic}, m.Autopilot):
		return fmt.Errorf("%w: autopilot %q: use ardupilot, px4 or generic", ErrVehicle, m.Autopilot)
	case len(m.Others) > maxOthers:
		return fmt.Errorf("%w: at most %d further components", ErrVehicle, maxOthers)
	}
	for i, c := range m.Others {
		if c == 0 || c == max(m.Component, 1) || slices.Contains(m.Others[:i], c) {
			return fmt.Errorf("%w: component %d stands twice, or is that of everybody", ErrVehicle, c)
		}
	}
	return nil
}

func checkLostLink(l *vehicles.LostLink) error {
	switch l.Action {
	case "", vehicles.LostLinkUnknown, vehicles.LostLinkReturn, vehicles.LostLinkLand, vehicles.LostLinkHold, vehicles.LostLinkContinue, vehicles.LostLinkTerminate:
	default:
		return fmt.Errorf("%w: lost link action %q: use return, land, hold, continue, terminate or unknown", ErrVehicle, l.Action)
	}
	switch l.Basis {
	case "", vehicles.NotKnown, vehicles.Stated, vehicles.FromParameters:
	default:
		return fmt.Errorf("%w: lost link basis %q: use parameters, stated or unknown", ErrVehicle, l.Basis)
	}
	if l.ReturnM != nil && !(math.Abs(*l.ReturnM) <= 10_000) {
		return fmt.Errorf("%w: the return height is in metres above take-off, at most 10,000", ErrVehicle)
	}
	return nil
}

// domains are the listeners and gateways at which a vehicle's system id counts.
func (f *fleet) domains(v *Vehicle) []string {
	out := []string{v.MAVLink.Listener}
	for id, g := range f.gateways {
		if g.State != GatewayRetired && slices.Contains(g.Vehicles, v.ID) {
			out = append(out, id)
		}
	}
	return out
}

// conflict finds a vehicle with the same system id at the same place. One that
// is leaving counts: it may still be in the air.
func (f *fleet) conflict(v *Vehicle) error {
	if !v.MAVLink.Speaks() {
		return nil
	}
	mine := f.domains(v)
	for _, other := range f.all() {
		if other.ID == v.ID || other.State == Withdrawn || other.MAVLink.SystemID != v.MAVLink.SystemID {
			continue
		}
		for _, domain := range f.domains(&other) {
			if slices.Contains(mine, domain) {
				return fmt.Errorf("system id %d at %s: vehicle %s: %w", v.MAVLink.SystemID, domain, v.ID, ErrSystemID)
			}
		}
	}
	return nil
}

// CheckConfigured finds out whether the vehicles and listeners of the configuration
// can stand beside the vehicles and gateways that were registered. Ask after the
// replay.
func (r *Register) CheckConfigured() error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for id, g := range r.fleet.gateways {
		// Such a listener would believe unsigned frames of the vehicles behind the gateway.
		if g.State != GatewayRetired && r.isListener(id) {
			return fmt.Errorf("listener %s: a gateway has this name, give the listener another one: %w", id, ErrExists)
		}
	}
	for id := range r.fleet.configured {
		v, _ := r.fleet.vehicle(id)
		if have, decided := r.fleet.vehicles[id]; decided && have.Origin == vehicles.Enrolled {
			return fmt.Errorf("vehicle %s was registered through the API: take it out of the configuration, or give it another id there: %w", id, ErrExists)
		}
		if err := v.check(); err != nil {
			return fmt.Errorf("vehicle %s of the configuration: %w", id, err)
		}
		if err := r.fleet.conflict(&v); err != nil {
			return fmt.Errorf("vehicle %s of the configuration: %w", id, err)
		}
	}
	return nil
}
