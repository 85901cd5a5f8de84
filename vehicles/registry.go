package vehicles

import (
	"errors"
	"fmt"
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
	byID       map[VehicleID]Handle
	unverified int
}

// NewRegistry makes a registry for one epoch: a number that differs between
// starts of the server, so that handles of an earlier start are never taken
// for handles of this one.
func NewRegistry(epoch uint32, regs []Registration) (*Registry, error) {
	r := &Registry{epoch: epoch, registered: map[VehicleID]Registration{}, byID: map[VehicleID]Handle{}}
	for _, reg := range regs {
		if _, dup := r.registered[reg.ID]; dup {
			return nil, fmt.Errorf("register %s: %w", reg.ID, ErrDuplicate)
		}
		r.registered[reg.ID] = reg
		r.order = append(r.order, reg.ID)
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

// OpenUnverified gives a fresh handle and an ephemeral id to a source that
// proved nothing. The id is never one that a registered vehicle can have.
func (r *Registry) OpenUnverified(src Source, class Class, operator string) (*Identity, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unverified >= MaxUnverified {
		return nil, ErrFull
	}
	h := Handle(r.given.Load() + 1) // handle 0 is unused
	if h >= MaxHandles {
		return nil, ErrNoHandles
	}
	r.unverified++
	id := &Identity{
		Handle: h,
		ID:     VehicleID(fmt.Sprintf("unverified-%08x-%d", r.epoch, h)),
		Name:   fmt.Sprintf("%s/%d", src.Listener, src.SystemID),
		Class:  class,
		Source: src,
		// The operator of the listener, not a claim of the source.
		Operator: operator,
	}
	c := &r.identities[h/chunkSize]
	if c.Load() == nil {
		c.Store(new([chunkSize]atomic.Pointer[Identity]))
	}
	c.Load()[h%chunkSize].Store(id)
	r.given.Store(uint32(h))
	r.byID[id.ID] = h
	return id, nil
}

// Retire ends the use of a handle. It is not given out again in this epoch.
func (r *Registry) Retire(h Handle) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := r.Identity(h)
	if id == nil {
		return
	}
	if !id.Verified {
		r.unverified--
	}
	delete(r.byID, id.ID)
	r.identities[h/chunkSize].Load()[h%chunkSize].Store(nil)
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
