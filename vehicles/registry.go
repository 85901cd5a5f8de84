package vehicles

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
)

var (
	// ErrFull is returned when the zone already follows as many unverified tracks as it may.
	ErrFull = errors.New("too many unverified tracks")
	// ErrNoHandles is returned when every handle of this epoch was given out: only a restart gives new ones.
	ErrNoHandles = errors.New("no handles are left in this epoch")
	// ErrDuplicate is returned when two registrations have the same id.
	ErrDuplicate = errors.New("vehicle is registered already")
	// ErrNotRegistered is returned when a vehicle that is not registered shall be followed as one that is.
	ErrNotRegistered = errors.New("vehicle is not registered")
)

// MaxUnverified is how many UNVERIFIED tracks a zone follows at most.
const MaxUnverified = 4096

// Registration is a machine that the zone knows, from its configuration or by
// enrolment.
type Registration struct {
	ID       VehicleID
	Name     string
	Class    Class
	Operator string
	Origin   Origin

	MAVLink      MAVLink
	UID2         string // of AUTOPILOT_VERSION in hex; empty: not known. A cross-check, no proof
	SerialNumber string // of its remote id (F3411 uas_id); empty: not known. A cross-check, no proof
	LostLink     LostLink
}

// Source says where a vehicle's messages come from. On a listener that does
// not authenticate, the source is all the identity there is.
type Source struct {
	Listener    string
	Address     string // ip:port
	SystemID    uint8
	ComponentID uint8
	MAVType     uint8
	Autopilot   uint8
}

// Identity is what is known of the bearer of a handle.
type Identity struct {
	Handle   Handle
	ID       VehicleID
	Name     string
	Class    Class
	Operator string
	Verified bool // the source is authenticated; false is shown as UNVERIFIED
	Source   Source
}

// MaxHandles is how many handles one epoch has.
const MaxHandles = identityChunks * chunkSize

const (
	chunkSize      = 1024
	identityChunks = 4096
)

// Registry knows the registered vehicles and gives out handles.
type Registry struct {
	epoch uint32

	// By handle; a nil entry is retired or was never given out. Read without a
	// lock, written under mu.
	identities [identityChunks]atomic.Pointer[[chunkSize]atomic.Pointer[Identity]]
	given      atomic.Uint32 // highest handle given out

	mu         sync.Mutex // guards the fields below
	registered map[VehicleID]Registration
	order      []VehicleID
	bySerial   map[string]VehicleID // of remote ids, in capitals
	byID       map[VehicleID]Handle
	unverified int
}

// NewRegistry makes a registry for one epoch: a number that differs between
// starts of the server, so that handles of an earlier start are never taken
// for handles of this one.
func NewRegistry(epoch uint32, regs []Registration) (*Registry, error) {
	r := &Registry{epoch: epoch, byID: map[VehicleID]Handle{}}
	if err := r.SetRegistered(regs); err != nil {
		return nil, err
	}
	return r, nil
}

// Epoch is the number of this start.
func (r *Registry) Epoch() uint32 { return r.epoch }

// Registered lists the registered vehicles in the order of registration.
func (r *Registry) Registered() []Registration {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Registration, 0, len(r.order))
	for _, id := range r.order {
		out = append(out, r.registered[id])
	}
	return out
}

// Registration is what was registered under an id.
func (r *Registry) Registration(id VehicleID) (reg Registration, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	reg, ok = r.registered[id]
	return reg, ok
}

// BySerial finds the vehicle that is registered with the serial number of a remote
// id and is followed now; 0: there is none.
func (r *Registry) BySerial(serial string) Handle {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, ok := r.bySerial[strings.ToUpper(serial)]
	if !ok {
		return 0
	}
	return r.byID[id]
}

// OpenUnverified gives a fresh handle and an ephemeral id to a source that
// proved nothing. The id is never one that a registered vehicle can have.
func (r *Registry) OpenUnverified(src Source, class Class, operator string) (*Identity, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unverified >= MaxUnverified {
		return nil, ErrFull
	}
	id := &Identity{
		Name:   fmt.Sprintf("%s/%d", src.Listener, src.SystemID),
		Class:  class,
		Source: src,
		// The operator of the listener, not a claim of the source.
		Operator: operator,
	}
	id.ID = VehicleID(fmt.Sprintf("unverified-%08x-%d", r.epoch, r.given.Load()+1))
	if err := r.give(id); err != nil {
		return nil, err
	}
	r.unverified++
	return id, nil
}

// OpenTraffic gives a fresh handle to traffic of class Aircraft or Vessel under
// an id that is not borne now. Verified: somebody who proved who it is reported it.
func (r *Registry) OpenTraffic(id Identity) (*Identity, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, taken := r.byID[id.ID]; taken {
		return nil, fmt.Errorf("open %s: %w", id.ID, ErrDuplicate)
	}
	return &id, r.give(&id)
}

// OpenVerified gives the handle of a registered vehicle whose source proved who
// it is: a fresh one, or that under which it is followed already. The class and
// the operator are those of the registration.
func (r *Registry) OpenVerified(vehicle VehicleID, src Source) (*Identity, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	reg, ok := r.registered[vehicle]
	if !ok {
		return nil, fmt.Errorf("vehicle %s: %w", vehicle, ErrNotRegistered)
	}
	if h, ok := r.byID[vehicle]; ok && !r.Identity(h).Class.Traffic() { // which can be named like it
		return r.Identity(h), nil
	}
	id := &Identity{ID: reg.ID, Name: reg.Name, Class: reg.Class, Operator: reg.Operator, Verified: true, Source: src}
	return id, r.give(id)
}

// give puts a new identity under a fresh handle. Called with r.mu held.
func (r *Registry) give(id *Identity) error {
	h := Handle(r.given.Load() + 1) // handle 0 is unused
	if h >= MaxHandles {
		return ErrNoHandles
	}
	id.Handle = h
	c := &r.identities[h/chunkSize]
	if c.Load() == nil {
		c.Store(new([chunkSize]atomic.Pointer[Identity]))
	}
	c.Load()[h%chunkSize].Store(id)
	r.given.Store(uint32(h))
	r.byID[id.ID] = h
	return nil
}

// SetRegistered replaces the registered vehicles. Who is followed now keeps its
// identity until it is forgotten.
func (r *Registry) SetRegistered(regs []Registration) error {
	registered, order := map[VehicleID]Registration{}, make([]VehicleID, 0, len(regs))
	bySerial := map[string]VehicleID{}
	for _, reg := range regs {
		if _, dup := registered[reg.ID]; dup {
			return fmt.Errorf("register %s: %w", reg.ID, ErrDuplicate)
		}
		registered[reg.ID] = reg
		order = append(order, reg.ID)
		if reg.SerialNumber != "" {
			bySerial[strings.ToUpper(reg.SerialNumber)] = reg.ID
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.registered, r.order, r.bySerial = registered, order, bySerial
	return nil
}

// Retire ends the use of a handle. It is not given out again in this epoch.
func (r *Registry) Retire(h Handle) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := r.Identity(h)
	if id == nil {
		return
	}
	if !id.Verified && !id.Class.Traffic() {
		r.unverified--
	}
	if r.byID[id.ID] == h { // else it was released, and may be followed anew
		delete(r.byID, id.ID)
	}
	r.identities[h/chunkSize].Load()[h%chunkSize].Store(nil)
}

// Release lets the vehicle be followed under a fresh handle from now on, while
// what was received under h still waits; Retire ends h.
func (r *Registry) Release(h Handle) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if id := r.Identity(h); id != nil && r.byID[id.ID] == h {
		delete(r.byID, id.ID)
	}
}

// Given is how many handles were given out in this epoch, of MaxHandles.
func (r *Registry) Given() int { return int(r.given.Load()) }

// Identity is the bearer of h, nil when h is unknown or retired. The result is
// immutable. Does not lock.
func (r *Registry) Identity(h Handle) *Identity {
	if h >= MaxHandles {
		return nil
	}
	c := r.identities[h/chunkSize].Load()
	if c == nil {
		return nil
	}
	return c[h%chunkSize].Load()
}

// Lookup finds the handle of an id that is followed now.
func (r *Registry) Lookup(id VehicleID) (Handle, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h, ok := r.byID[id]
	return h, ok
}
