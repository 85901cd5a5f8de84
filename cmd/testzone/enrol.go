package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"testzone/airspace"
	"testzone/telemetry"
	"testzone/telemetry/mavlink"
	"testzone/vehicles"
	"testzone/web/auth"
)

// enrolment joins the registered vehicles to those who are followed: it gives
// every signed listener, and every gateway, the credentials of its vehicles, and
// follows who proved to be one of them.
type enrolment struct {
	register *airspace.Register
	registry *vehicles.Registry
	pipeline *telemetry.Pipeline
	bus      *telemetry.Bus
	secrets  *auth.VehicleSecrets
	stamps   *mavlink.StampFile
	log      *slog.Logger
	refused  map[string]*refusals // by signed listener; never changes
	started  time.Time
	stale    chan struct{} // holds one token when the credentials are to be made anew

	applying sync.Mutex // held over apply; guards the fields below
	running  bool       // keys that come from now on are new ones

	behind map[string]bool // vehicles that a gateway answered for at the start; never changes after it

	mu        sync.Mutex // guards the fields below
	rings     map[string]*mavlink.Keyring
	opens     map[vehicles.Handle]int     // sessions by handle: a vehicle may have several links
	addresses map[string]vehicles.MAVLink // by vehicle
	seen      map[string]*sighting        // by vehicle
	keys      map[string]*keySighting     // by key
	accepted  []string                    // keys, those too whose secret is missing
	faults    []string                    // what keeps vehicles from being heard
	unsettled []string                    // vehicles with something that ends when they have stopped
	retiring  []string                    // gateways, likewise
	failed    error                       // why what should have ended did not, at the last look
}

// newEnrolment reads what is kept beside the journal. Call it when the register
// was rebuilt, before anything listens.
func (s *server) newEnrolment() (*enrolment, error) {
	if err := s.register.CheckConfigured(); err != nil {
		return nil, err
	}
	secrets, err := auth.OpenVehicleSecrets(filepath.Join(s.cfg.DataDir, "secrets"), s.cfg.secretsKey())
	if err != nil {
		return nil, err
	}
	now := time.Now()
	stamps, err := mavlink.OpenStampFile(filepath.Join(s.cfg.DataDir, "mavlink.stamps"), now)
	if err != nil {
		return nil, err
	}
	e := &enrolment{
		register: s.register, registry: s.registry, pipeline: s.pipeline, bus: s.bus, secrets: secrets, stamps: stamps, log: s.cfg.log,
		refused: map[string]*refusals{}, started: now, stale: make(chan struct{}, 1),
		rings: map[string]*mavlink.Keyring{}, opens: map[vehicles.Handle]int{}, addresses: map[string]vehicles.MAVLink{},
		seen: map[string]*sighting{}, keys: map[string]*keySighting{}, behind: map[string]bool{},
	}
	for _, name := range s.cfg.signedListeners() {
		e.refused[name] = &refusals{}
	}
	if err := e.sweep(); err != nil {
		return nil, err
	}
	e.apply()
	if stamps.Lost() && len(e.keys) > 0 {
		s.cfg.log.Warn("the file of signing timestamps was lost or damaged: vehicles whose clocks are behind are refused until they are right", "file", "mavlink.stamps")
	}
	e.running = true
	return e, nil
}

// sweep erases secrets that no decision speaks of any more, or yet.
func (e *enrolment) sweep() error {
	find := func(id string) (airspace.Vehicle, bool) {
		v, err := e.register.Vehicle(airspace.Everybody, id)
		return v, err == nil && v.State != airspace.Withdrawn
	}
	return e.secrets.Sweep(
		func(id string) bool { _, ok := find(id); return ok },
		func(id, key string) bool { v, ok := find(id); return ok && slices.Contains(v.AcceptedKeys(), key) },
	)
}

// apply brings registry and keyrings to the state of the register.
func (e *enrolment) apply() {
	e.applying.Lock()
	defer e.applying.Unlock()
	fleet, gateways := e.register.Fleet(airspace.Everybody, false), e.register.Gateways(airspace.Everybody, true)
	regs := make([]vehicles.Registration, len(fleet))
	for i := range fleet {
		regs[i] = fleet[i].Registration()
	}
	if err := e.registry.SetRegistered(regs); err != nil {
		e.log.Error("registered vehicles not taken over", "err", err)
	}
	sets := map[string][]*mavlink.Credential{}
	for i := range gateways {
		creds := e.vouched(gateways[i].ID)
		for _, c := range creds {
			if !e.running {
				e.behind[string(c.Vehicle)] = true
			}
		}
		sets[gateways[i].ID] = creds
	}
	for name, ring := range e.update(fleet, gateways, sets) {
		if err := ring.Set(sets[name]); err != nil {
			e.log.Error("credentials not taken over", "listener", name, "err", err)
		}
	}
	e.stamps.Keep(e.keyIDs())
}

// update brings what is kept of vehicles, keys and gateways to the state of the
// register, and adds the credentials of keys to the sets of signed listeners.
func (e *enrolment) update(fleet []airspace.Vehicle, gateways []airspace.Gateway, sets map[string][]*mavlink.Credential) map[string]*mavlink.Keyring {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.addresses)
	e.faults, e.unsettled, e.retiring, e.accepted = nil, nil, nil, nil
	keys := map[string]*keySighting{}
	for i := range fleet {
		v := &fleet[i]
		reg := v.Registration()
		e.addresses[v.ID] = v.MAVLink
		if v.Unsettled() {
			e.unsettled = append(e.unsettled, v.ID)
		}
		creds := e.credentials(v, keys)
		e.accepted = append(e.accepted, v.AcceptedKeys()...)
		if _, signs := e.refused[v.MAVLink.Listener]; signs && !e.isFollowedAsOther(&reg) {
			sets[v.MAVLink.Listener] = append(sets[v.MAVLink.Listener], creds...)
		}
	}
	e.keys = keys
	for i := range gateways {
		if gateways[i].State == airspace.GatewayRetiring {
			e.retiring = append(e.retiring, gateways[i].ID)
		}
	}
	for name := range sets {
		e.ringOf(name)
	}
	return maps.Clone(e.rings)
}

// keyIDs are the keys whose stamps are kept. One without its secret is among them:
// it is accepted again when the store comes back.
func (e *enrolment) keyIDs() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.accepted)
}

// isFollowedAsOther reports whether a vehicle is followed under another class or
// operator than it has now. It is let in again when its sessions have ended, and
// judged as what it is.
func (e *enrolment) isFollowedAsOther(reg *vehicles.Registration) bool {
	h, followed := e.registry.Lookup(reg.ID)
	if !followed {
		return false
	}
	id := e.registry.Identity(h)
	return id != nil && (id.Class != reg.Class || id.Operator != reg.Operator)
}

// credentials are those of a vehicle with keys of its own; the keys are noted in
// keys. Called with e.applying and e.mu held.
func (e *enrolment) credentials(v *airspace.Vehicle, keys map[string]*keySighting) (out []*mavlink.Credential) {
	for _, id := range v.AcceptedKeys() {
		key, ok := e.secrets.Key(v.ID, id)
		if !ok {
			e.faults = append(e.faults, fmt.Sprintf("key %s of vehicle %s", id, v.ID))
			continue
		}
		s := e.keys[id]
		if s == nil {
			stamps := e.stampsOf(id)
			s = &keySighting{vehicle: v.ID, stamps: stamps, highest: stamps.Highest()}
		}
		s.retiring = slices.ContainsFunc(v.Keys, func(k airspace.VehicleKey) bool { return k.ID == id && k.State == airspace.KeyRetiring })
		keys[id] = s
		out = append(out, &mavlink.Credential{
			Vehicle: vehicles.VehicleID(v.ID), SystemID: v.MAVLink.SystemID, Autopilot: v.MAVLink.Component, Others: v.MAVLink.Others,
			KeyID: id, Key: mavlink.Key(key), Stamps: s.stamps,
		})
	}
	return out
}

// stampsOf is the replay state of a key that is used for the first time since the start.
func (e *enrolment) stampsOf(key string) *mavlink.Stamps {
	if e.running {
		return e.stamps.Made(key)
	}
	return e.stamps.Known(key) // it was made before the start
}

// vouched are the credentials of the vehicles that a gateway answers for.
func (e *enrolment) vouched(gateway string) (out []*mavlink.Credential) {
	for _, v := range e.register.Vouched(gateway) {
		reg := v.Registration()
		if e.isFollowedAsOther(&reg) {
			continue
		}
		out = append(out, &mavlink.Credential{
			Vehicle: reg.ID, SystemID: reg.MAVLink.SystemID, Autopilot: reg.MAVLink.Component, Others: reg.MAVLink.Others, Vouched: true,
		})
	}
	return out
}

// sign makes a listener a signed one. newestUS is the time of the newest journal
// entry: the clock was there, as it was at the newest signature.
func (e *enrolment) sign(cfg *mavlink.Config, to *sink, newestUS int64) {
	to.enrolled = e
	refused := e.refused[cfg.Name]
	refused.next = cfg.Recorder
	cfg.Keys, cfg.Recorder, cfg.Suspect = e.ring(cfg.Name), refused, e.suspect
	cfg.NotBefore = time.UnixMicro(newestUS)
	if newest := e.stamps.Newest(); newest.After(cfg.NotBefore) {
		cfg.NotBefore = newest
	}
}

// suspect tells people of a source that shows signatures which are not its own.
func (e *enrolment) suspect(s mavlink.Suspicion) {
	e.log.Warn("frames are not of the vehicle that they name", "listener", s.Listener, "address", s.Addr.String(), "vehicle", s.Vehicle,
		"system_id", s.SystemID, "why", s.Why.String(), "frames_in_a_minute", s.Count)
	id := e.identity(s.Vehicle)
	if id == nil {
		return // it was withdrawn a moment ago
	}
	e.bus.Publish(time.Now().UnixMicro(), &telemetry.Suspect{
		Vehicle: id, Why: s.Why.String(), Listener: s.Listener, Address: s.Addr.String(), Frames: s.Count,
	})
}

// identity is a registered vehicle as it is followed, or as it would be.
func (e *enrolment) identity(id vehicles.VehicleID) *vehicles.Identity {
	if h, ok := e.registry.Lookup(id); ok {
		if followed := e.registry.Identity(h); followed != nil {
			return followed
		}
	}
	reg, ok := e.registry.Registration(id)
	if !ok {
		return nil
	}
	return &vehicles.Identity{ID: reg.ID, Name: reg.Name, Class: reg.Class, Operator: reg.Operator, Verified: true}
}

// ring is who may speak on a signed listener or through a gateway.
func (e *enrolment) ring(name string) *mavlink.Keyring {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ringOf(name)
}

// ringOf is ring, called with e.mu held.
func (e *enrolment) ringOf(name string) *mavlink.Keyring {
	if e.rings[name] == nil {
		e.rings[name] = &mavlink.Keyring{}
	}
	return e.rings[name]
}

var errNoGateway = errors.New("no gateway with this public key is enrolled: enrol it by the fingerprint that it prints, under /v1/gateways")

// gateway is the gateway with a public key, by its SHA-256 fingerprint in
// hexadecimal, and who may speak through it. One that was revoked is believed
// until the vehicles behind it have stopped.
func (e *enrolment) gateway(spki string) (airspace.Gateway, *mavlink.Keyring, error) {
	for _, g := range e.register.Gateways(airspace.Everybody, false) {
		if g.SPKI == spki {
			return g, e.ring(g.ID), nil
		}
	}
	return airspace.Gateway{}, nil, errNoGateway
}

// open follows a vehicle that proved who it is, over one link more.
func (e *enrolment) open(src mavlink.Source) (vehicles.Handle, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	id, err := e.registry.OpenVerified(src.Vehicle, vehicles.Source{
		Listener: src.Listener, Address: src.Addr.String(),
		SystemID: src.SystemID, ComponentID: src.ComponentID, MAVType: src.MAVType, Autopilot: src.Autopilot,
	})
	if err != nil { // it was withdrawn a moment ago, or no handle is left: health says so
		return 0, false
	}
	e.opens[id.Handle]++
	s := e.sightingOf(string(src.Vehicle))
	s.heard = time.Now()
	s.provedUS, s.listener, s.address = s.heard.UnixMicro(), src.Listener, src.Addr.String()
	return id.Handle, true
}

// close ends one link of a vehicle. After the last one it is no longer followed,
// and followed anew under another handle when it comes back.
func (e *enrolment) close(h vehicles.Handle) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.opens[h]--; e.opens[h] > 0 {
		return
	}
	delete(e.opens, h)
	e.registry.Release(h)
	e.pipeline.Forget(h)
	select {
	case e.stale <- struct{}{}:
	default:
	}
}

// run keeps the credentials right, and once a second looks at who moves.
func (e *enrolment) run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.stale:
			e.apply()
		case now := <-tick.C:
			e.settle(ctx, now, e.look(ctx, now))
		}
	}
}

// health says what keeps vehicles from being heard.
func (e *enrolment) health(add func(code, format string, args ...any)) {
	if err := e.stamps.Failed(); err != nil {
		add("stamps_unsaved", "The signing timestamps of vehicles are not saved (%v): after a crash old frames could be taken for new ones. Check the disk; nothing has to be restarted.", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := len(e.faults); n > 0 {
		add("vehicle_keys_missing", "%d signing keys are not in the secret store, e.g. %s: frames under them are refused. Bring the store back from the backup, or give the vehicles new keys.", n, e.faults[0])
	}
	if e.failed != nil {
		add("keys_unsettled", "Keys of vehicles that have stopped could not be retired, and are still accepted: %v", e.failed)
	}
}
