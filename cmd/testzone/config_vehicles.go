package main

import (
	"fmt"
	"time"

	"testzone/vehicles"
)

// The modes of a MAVLink listener.
const (
	modeOpen   = "open"
	modeSigned = "signed"
)

// minIdle keeps a source that comes and goes from using up handles.
const minIdle = 10 * time.Second

type mavlinkConfig struct {
	Name     string        `yaml:"name"`
	Addr     string        `yaml:"addr"`     // of a signed one default 127.0.0.1:14551
	Mode     string        `yaml:"mode"`     // open: unsigned, loopback only, shown as UNVERIFIED, never commanded; signed: registered vehicles with their keys
	Operator string        `yaml:"operator"` // of an open one: whose its vehicles are
	Idle     time.Duration `yaml:"idle"`     // a source silent for so long is no longer followed
	Limits   limitsConfig  `yaml:"limits"`

	Transport string `yaml:"transport"` // udp (default), tcp, tcp_client, serial
	Device    string `yaml:"device"`    // of serial, e.g. /dev/ttyUSB0
	Baud      int    `yaml:"baud"`      // of serial; default 57600
}

// limitsConfig raises the rate limits of one listener, for replays and load
// tests. Zero keeps the default.
type limitsConfig struct {
	PerSource        int `yaml:"per_source"`         // frames/s of one vehicle
	BurstPerSource   int `yaml:"burst_per_source"`   // frames at once
	UnknownPerSource int `yaml:"unknown_per_source"` // frames/s of one source without a track
	UnknownTotal     int `yaml:"unknown_total"`      // frames/s of all of those together
}

type vehicleConfig struct {
	ID       string `yaml:"id"`
	Name     string `yaml:"name"`
	Class    string `yaml:"class"`
	Operator string `yaml:"operator"`

	MAVLink vehicleMAVLink `yaml:"mavlink"` // without it the vehicle cannot have keys
}

// vehicleMAVLink is how a vehicle speaks MAVLink.
type vehicleMAVLink struct {
	Listener  string  `yaml:"listener"`  // name of a signed one
	SystemID  uint8   `yaml:"system_id"` // unique there
	Component uint8   `yaml:"component"` // of the autopilot; default 1
	Others    []uint8 `yaml:"others"`    // components that may speak too: cameras, companions, gimbals
	Autopilot string  `yaml:"autopilot"` // ardupilot, px4, generic (default)
}

// address is where the listener listens.
func (m *mavlinkConfig) address() string {
	if m.Addr == "" && m.Mode == modeSigned {
		return "127.0.0.1:14551"
	}
	return m.Addr
}

// signedListeners are the names of the listeners at which vehicles can be registered.
func (c *config) signedListeners() []string { return c.listenersWhere(true) }

// listenersWhere are the names of the listeners that are signed ones, or are not.
func (c *config) listenersWhere(signed bool) []string {
	names := []string{}
	for _, m := range c.MAVLink {
		if (m.Mode == modeSigned) == signed {
			names = append(names, m.Name)
		}
	}
	return names
}

func (m *mavlinkConfig) check(i int) error {
	if err := m.checkTransport(i); err != nil {
		return err
	}
	if m.Transport == transportSerial {
		return m.checkMode(i)
	}
	loopback, err := isLoopback(m.address())
	switch {
	case err != nil:
		return fmt.Errorf("mavlink[%d].addr %q: %w", i, m.Addr, err)
	case !loopback && m.Mode == modeOpen:
		return fmt.Errorf("mavlink[%d].addr %q: an open listener takes unsigned frames and binds to loopback only", i, m.Addr)
	}
	return m.checkMode(i)
}

func (m *mavlinkConfig) checkMode(i int) error {
	switch {
	case m.Mode != modeOpen && m.Mode != modeSigned:
		return fmt.Errorf("mavlink[%d].mode %q: use signed, or open for unsigned vehicles on loopback", i, m.Mode)
	case m.Idle != 0 && m.Idle < minIdle:
		return fmt.Errorf("mavlink[%d].idle %v: at least %v, or leave it out", i, m.Idle, minIdle)
	case m.Mode == modeSigned && m.Operator != "":
		return fmt.Errorf("mavlink[%d].operator %q: on a signed listener the registration of a vehicle says whose it is; leave it out", i, m.Operator)
	}
	return nil
}

func (c *config) registrations() []vehicles.Registration {
	out := make([]vehicles.Registration, 0, len(c.Vehicles))
	for _, v := range c.Vehicles {
		class, _ := vehicles.ParseClass(v.Class)
		name := v.Name
		if name == "" {
			name = v.ID
		}
		m := v.MAVLink
		out = append(out, vehicles.Registration{
			ID: vehicles.VehicleID(v.ID), Name: name, Class: class, Operator: v.Operator, Origin: vehicles.Configured,
			MAVLink: vehicles.MAVLink{Listener: m.Listener, SystemID: m.SystemID, Component: m.Component, Others: m.Others, Autopilot: vehicles.Autopilot(m.Autopilot)},
		})
	}
	return out
}
