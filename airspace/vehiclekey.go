package airspace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

var (
	// ErrTooManyKeys is returned when a vehicle has as many keys as it can change between.
	ErrTooManyKeys = errors.New("the vehicle has a key in use and one that comes next: rotate or revoke first, or wait until the old ones have retired")
	// ErrKeyState is returned when a key is not in the state that is needed for what is asked.
	ErrKeyState = errors.New("the key is not in the state for this")
	// ErrNoMAVLink is returned when a vehicle without a MAVLink address shall have a signing key.
	ErrNoMAVLink = errors.New("the vehicle has no MAVLink address: give it a listener and a system id first")
)

// KeyState is where a vehicle's signing key is in its life.
type KeyState string

// The states. A key that was revoked, or rotated out, retires when the vehicle
// has stopped: until then it is accepted, and orders to a safe end go out under
// it, because a moving vehicle can always be brought to safety (SAFETY 1).
const (
	KeyActive   KeyState = "active"
	KeyNext     KeyState = "next" // accepted already: the vehicle gets it while the active one still works
	KeyRetiring KeyState = "retiring"
	KeyRetired  KeyState = "retired"
)

const (
	// maxAccepted is how many keys a listener can try per vehicle.
	maxAccepted = 4
	// keptKeys is how many retired keys a vehicle's record lists; the journal has all.
	keptKeys = 16
)

// VehicleKey is a MAVLink signing key without the key.
type VehicleKey struct {
	ID        string   `json:"id"` // vk_…
	State     KeyState `json:"state"`
	Why       string   `json:"why,omitempty"` // of a key that retires or has retired
	CreatedUS int64    `json:"created_us"`
	CreatedBy string   `json:"created_by"`
	SinceUS   int64    `json:"since_us"` // of the state
}

// Accepted reports whether frames under the key are of the vehicle.
func (k *VehicleKey) Accepted() bool { return k.State != KeyRetired }

func (k *VehicleKey) set(state KeyState, atUS int64) { k.State, k.SinceUS = state, atUS }

// retire lets a key retire when the vehicle has stopped.
func (k *VehicleKey) retire(why string, atUS int64) {
	if k.State == KeyActive || k.State == KeyNext {
		k.set(KeyRetiring, atUS)
		k.Why = why
	}
}

// NewVehicleKeyID makes the id of a new key.
func NewVehicleKeyID() string { return newID("vk_") }

// key finds the key of a state or an id; nil if there is none.
func (v *Vehicle) key(fits func(*VehicleKey) bool) *VehicleKey {
	for i := range v.Keys {
		if fits(&v.Keys[i]) {
			return &v.Keys[i]
		}
	}
	return nil
}

func (v *Vehicle) keyIn(state KeyState) *VehicleKey {
	return v.key(func(k *VehicleKey) bool { return k.State == state })
}

// keyed is a registered vehicle whose keys the actor may change. Called with r.mu held.
func (r *Register) keyed(sees Sees, id string) (Vehicle, error) {
	v, err := r.vehicleOf(sees, id)
	if err == nil && v.State != Registered {
		err = fmt.Errorf("vehicle %s: %w", id, ErrWithdrawn)
	}
	return v, err
}

// AddVehicleKey notes a new key of a vehicle: its first one is in use, any other
// comes next. Its secret is stored before, under the id. A vehicle of the
// configuration gets keys like this too.
func (r *Register) AddVehicleKey(ctx context.Context, who Actor, vehicle, key string, dry bool) (Vehicle, error) {
	if !who.May(VehicleRegister) {
		return Vehicle{}, fmt.Errorf("key for vehicle %s: %s: %w", vehicle, who.ID, ErrForbidden)
	}
	return r.decideVehicle(ctx, who, fleetAct{name: "vehicle.key.add", key: key, dry: dry}, func(now time.Time) (Vehicle, error) {
		v, err := r.keyed(owns(who), vehicle)
		if err != nil {
			return v, err
		}
		if !v.MAVLink.Speaks() {
			return v, fmt.Errorf("vehicle %s: %w", vehicle, ErrNoMAVLink)
		}
		state, accepted := KeyActive, 0
		if v.keyIn(KeyActive) != nil {
			state = KeyNext
		}
		for i := range v.Keys {
			if v.Keys[i].Accepted() {
				accepted++
			}
		}
		if accepted >= maxAccepted || v.keyIn(state) != nil {
			return v, fmt.Errorf("vehicle %s: %w", vehicle, ErrTooManyKeys)
		}
		at := now.UnixMicro()
		v.Keys = append(v.Keys, VehicleKey{ID: key, State: state, CreatedUS: at, CreatedBy: who.ID, SinceUS: at})
		return v, nil
	})
}

// RotateVehicleKeys puts the key that comes next into use and lets the old one retire.
func (r *Register) RotateVehicleKeys(ctx context.Context, who Actor, vehicle string) (Vehicle, error) {
	if !who.May(VehicleRegister) {
		return Vehicle{}, fmt.Errorf("rotate the keys of vehicle %s: %s: %w", vehicle, who.ID, ErrForbidden)
	}
	return r.decideVehicle(ctx, who, fleetAct{name: "vehicle.key.rotate"}, func(now time.Time) (Vehicle, error) {
		v, err := r.keyed(owns(who), vehicle)
		if err != nil {
			return v, err
		}
		if v.keyIn(KeyNext) == nil {
			return v, fmt.Errorf("vehicle %s has no key that comes next, add one first: %w", vehicle, ErrKeyState)
		}
		if old := v.keyIn(KeyActive); old != nil {
			old.retire("rotated out", now.UnixMicro())
		}
		v.promote(now.UnixMicro())
		return v, nil
	})
}

// promote puts the next key into use when none is.
func (v *Vehicle) promote(atUS int64) {
	if next := v.keyIn(KeyNext); next != nil && v.keyIn(KeyActive) == nil {
		next.set(KeyActive, atUS)
	}
}

// RevokeVehicleKey ends a key for good, as soon as the vehicle does not move. Who
// registers the vehicle may, and who controls the zone.
func (r *Register) RevokeVehicleKey(ctx context.Context, who Actor, vehicle, key, reason string) (Vehicle, error) {
	sees, err := mayRevoke(who)
	if err != nil {
		return Vehicle{}, fmt.Errorf("revoke key %s of vehicle %s: %w", key, vehicle, err)
	}
	return r.decideVehicle(ctx, who, fleetAct{name: "vehicle.key.revoke", key: key, reason: reason}, func(now time.Time) (Vehicle, error) {
		v, err := r.vehicleOf(sees, vehicle)
		if err != nil {
			return v, err
		}
		k := v.key(func(k *VehicleKey) bool { return k.ID == key })
		switch {
		case k == nil:
			return v, fmt.Errorf("key %s of vehicle %s: %w", key, vehicle, ErrNotFound)
		case k.State != KeyActive && k.State != KeyNext:
			return v, fmt.Errorf("key %s is %s: %w", key, k.State, ErrKeyState)
		}
		k.retire("revoked", now.UnixMicro())
		v.promote(now.UnixMicro())
		return v, nil
	})
}

// mayRevoke is whose things an actor may revoke: a stolen key waits for nobody,
// so that the zone's controllers may all.
func mayRevoke(who Actor) (Sees, error) {
	switch {
	case who.May(ZoneControl):
		return Everybody, nil
	case who.May(VehicleRegister):
		return owns(who), nil
	}
	return nil, fmt.Errorf("%s: %w", who.ID, ErrForbidden)
}

// SettleVehicle notes that a vehicle has stopped, or was lost for long: what
// retires has retired, and one that was leaving has left. It is a fact of the
// zone. ErrKeyState says that nothing was to be settled.
func (r *Register) SettleVehicle(ctx context.Context, id, why string) (Vehicle, error) {
	return r.decideVehicle(ctx, zoneItself(), fleetAct{name: "vehicle.settled", reason: why}, func(now time.Time) (Vehicle, error) {
		v, err := r.vehicleOf(Everybody, id)
		if err != nil {
			return v, err
		}
		if !v.Unsettled() {
			return v, fmt.Errorf("vehicle %s: %w", id, ErrKeyState)
		}
		for i := range v.Keys {
			if v.Keys[i].State == KeyRetiring {
				v.Keys[i].set(KeyRetired, now.UnixMicro())
			}
		}
		if v.State == Leaving {
			v.State = Withdrawn
		}
		for old := len(v.Keys) - keptKeys; old > 0; old-- {
			i := slices.IndexFunc(v.Keys, func(k VehicleKey) bool { return k.State == KeyRetired })
			v.Keys = slices.Delete(v.Keys, i, i+1)
		}
		return v, nil
	})
}

// Unsettled reports whether the vehicle has keys, or a registration, that end
// when it has stopped.
func (v *Vehicle) Unsettled() bool { return v.State == Leaving || v.keyIn(KeyRetiring) != nil }

// AcceptedKeys are the keys under which frames are the vehicle's.
func (v *Vehicle) AcceptedKeys() (ids []string) {
	for i := range v.Keys {
		if v.Keys[i].Accepted() {
			ids = append(ids, v.Keys[i].ID)
		}
	}
	return ids
}
