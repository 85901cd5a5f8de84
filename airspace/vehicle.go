package airspace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"testzone/vehicles"
)

var (
	// ErrVehicle is returned when a vehicle cannot be as it was asked; it wraps what is wrong.
	ErrVehicle = errors.New("cannot be a vehicle")
	// ErrSystemID is returned when another vehicle has the system id at the same listener or gateway.
	ErrSystemID = errors.New("the system id is taken: give this vehicle another one (SYSID_THISMAV, MAV_SYS_ID) or another listener")
	// ErrConfigured is returned when what is asked is up to the configuration.
	ErrConfigured = errors.New("this vehicle stands in the configuration: change it there and restart")
	// ErrMoving is returned when the address of a vehicle shall change while it moves.
	ErrMoving = errors.New("the vehicle moves, and would be lost: bring it to a stop first")
	// ErrWithdrawn is returned when a vehicle was withdrawn.
	ErrWithdrawn = errors.New("the vehicle was withdrawn: register it anew under another id")
	// ErrOthers is returned, with ErrNotFound, for what is there but belongs to somebody else.
	ErrOthers = errors.New("it is of somebody else")
)

// VehicleState is where a vehicle is in its life.
type VehicleState string

// The states. What is withdrawn while it may be moving is leaving: it is
// followed, and its keys are accepted, until it is seen to have stopped.
const (
	Registered VehicleState = "registered"
	Leaving    VehicleState = "leaving"
	Withdrawn  VehicleState = "withdrawn"
)

// Vehicle is a registered machine, as the journal knows it: its keys by id
// only, and of the responsible person nothing. Both stand in the secret store.
// Its JSON is the journal's form: members are added, never changed.
type Vehicle struct {
	ID           string            `json:"id"` // chosen: 1 to 40 of a-z, 0-9 and -
	Name         string            `json:"name"`
	Class        string            `json:"class"` // uav, icv or usv
	Operator     string            `json:"org"`
	MAVLink      vehicles.MAVLink  `json:"mavlink"`
	UID2         string            `json:"uid2,omitempty"` // of AUTOPILOT_VERSION: 36 hex digits, or the 16 of the older uid
	SerialNumber string            `json:"serial_number,omitempty"`
	LostLink     vehicles.LostLink `json:"lost_link"`
	Origin       vehicles.Origin   `json:"origin"`
	State        VehicleState      `json:"state"`
	Keys         []VehicleKey      `json:"keys,omitempty"` // oldest first
	Stamp
}

// clone keeps the state's slices from being shared.
func (v Vehicle) clone() Vehicle {
	v.Keys, v.MAVLink.Others = slices.Clone(v.Keys), slices.Clone(v.MAVLink.Others)
	return v
}

// Registration is the vehicle as those who follow it need it.
func (v *Vehicle) Registration() vehicles.Registration {
	class, _ := vehicles.ParseClass(v.Class)
	return vehicles.Registration{
		ID: vehicles.VehicleID(v.ID), Name: v.Name, Class: class, Operator: v.Operator, Origin: v.Origin,
		MAVLink: v.MAVLink, UID2: v.UID2, SerialNumber: v.SerialNumber, LostLink: v.LostLink,
	}
}

// configuredVehicle is a vehicle of the configuration.
func configuredVehicle(r *vehicles.Registration) Vehicle {
	return Vehicle{
		ID: string(r.ID), Name: r.Name, Class: r.Class.String(), Operator: r.Operator, MAVLink: r.MAVLink, UID2: r.UID2,
		SerialNumber: r.SerialNumber, LostLink: r.LostLink, Origin: vehicles.Configured, State: Registered,
	}
}

// fleet is the part of the register's state that is about vehicles and gateways.
type fleet struct {
	configured map[string]Vehicle // never changes
	vehicles   map[string]Vehicle // what was decided
	gateways   map[string]Gateway
	answers    keptAnswers[fleetChange]
	since      map[string]int64 // by vehicle: µs, see settle
}

func newFleet(regs []vehicles.Registration) fleet {
	f := fleet{map[string]Vehicle{}, map[string]Vehicle{}, map[string]Gateway{}, keptAnswers[fleetChange]{}, map[string]int64{}}
	for i := range regs {
		f.configured[string(regs[i].ID)] = configuredVehicle(&regs[i])
	}
	return f
}

// vehicle is one vehicle, whoever registered it. One that has keys and was taken
// out of the configuration is leaving: it may be in the air since before the restart.
func (f *fleet) vehicle(id string) (Vehicle, bool) {
	decided, known := f.vehicles[id]
	decided = decided.clone()
	if v, ok := f.configured[id]; ok {
		v = v.clone()
		v.Keys, v.Stamp = decided.Keys, decided.Stamp
		if decided.LostLink.Basis != "" {
			v.LostLink = decided.LostLink
		}
		return v, true
	}
	if known && decided.Origin == vehicles.Configured && decided.State == Registered {
		decided.leave("it was taken out of the configuration", 0)
	}
	return decided, known
}

// all is every vehicle, by id.
func (f *fleet) all() []Vehicle {
	ids := maps.Clone(f.configured)
	maps.Copy(ids, f.vehicles)
	out := make([]Vehicle, 0, len(ids))
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		v, _ := f.vehicle(id)
		out = append(out, v)
	}
	return out
}

// Sees says whose vehicles and gateways a query may answer with.
type Sees func(operator string) bool

// Everybody sees all: the zone itself.
func Everybody(string) bool { return true }

// Fleet lists vehicles, by id; withdrawn ones only with all.
func (r *Register) Fleet(sees Sees, all bool) []Vehicle {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.DeleteFunc(r.fleet.all(), func(v Vehicle) bool { return !sees(v.Operator) || v.State == Withdrawn && !all })
}

// Vehicle is one vehicle; withdrawn ones too.
func (r *Register) Vehicle(sees Sees, id string) (Vehicle, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.vehicleOf(sees, id)
}

// vehicleOf is Vehicle, called with r.mu held.
func (r *Register) vehicleOf(sees Sees, id string) (Vehicle, error) {
	v, ok := r.fleet.vehicle(id)
	switch {
	case !ok:
		return Vehicle{}, fmt.Errorf("vehicle %s: %w", id, ErrNotFound)
	case !sees(v.Operator):
		return Vehicle{}, fmt.Errorf("vehicle %s: %w: %w", id, ErrNotFound, ErrOthers)
	}
	return v, nil
}

// owns is whose vehicles an actor may register: its own organisation's. Tokens
// of the configuration set the zone up and belong to nobody.
func owns(who Actor) Sees {
	return func(operator string) bool { return who.Org == "" || who.Org == operator }
}

// RegisterVehicle adds a vehicle under the id that it names; an id is used once.
// dry checks, and changes nothing.
func (r *Register) RegisterVehicle(ctx context.Context, who Actor, v Vehicle, dry bool) (Vehicle, error) {
	if !who.May(VehicleRegister) {
		return Vehicle{}, fmt.Errorf("register vehicle: %s: %w", who.ID, ErrForbidden)
	}
	v = v.clone()
	v.Stamp, v.Keys, v.Origin, v.State = Stamp{}, nil, vehicles.Enrolled, Registered
	return r.decideVehicle(ctx, who, fleetAct{name: "vehicle.register", dry: dry}, func(now time.Time) (Vehicle, error) {
		if _, taken := r.fleet.vehicle(v.ID); taken {
			return v, fmt.Errorf("vehicle %s: %w", v.ID, ErrExists)
		}
		made := v.clone()
		made.stated(now)
		return made, r.checkVehicle(who, &made)
	})
}

// ReplaceVehicle gives a vehicle another definition, if rev is its current
// revision. Its keys stay. Its address (listener, system and component ids)
// stays while it moves: it could not be reached any more.
func (r *Register) ReplaceVehicle(ctx context.Context, who Actor, rev uint64, v Vehicle, dry bool) (Vehicle, error) {
	if !who.May(VehicleRegister) {
		return Vehicle{}, fmt.Errorf("replace vehicle %s: %s: %w", v.ID, who.ID, ErrForbidden)
	}
	return r.decideVehicle(ctx, who, fleetAct{name: "vehicle.replace", dry: dry}, func(now time.Time) (Vehicle, error) {
		old, err := r.changeable(who, v.ID)
		if err != nil {
			return old, err
		}
		if err := current("vehicle", v.ID, old.Stamp, rev); err != nil {
			return old, err
		}
		made := v.clone()
		made.Stamp, made.Keys, made.Origin, made.State = old.Stamp, old.Keys, old.Origin, old.State
		if made.LostLink.Basis == "" {
			made.LostLink = old.LostLink
		}
		made.stated(now)
		if !sameAddress(&old.MAVLink, &made.MAVLink) && r.moves(v.ID) {
			return old, fmt.Errorf("vehicle %s: %w", v.ID, ErrMoving)
		}
		return made, r.checkVehicle(who, &made)
	})
}

// stated says since when its operator states what it does without a link.
func (v *Vehicle) stated(now time.Time) {
	if v.LostLink.Basis == vehicles.Stated && v.LostLink.AtUS == 0 {
		v.LostLink.AtUS = now.UnixMicro()
	}
}

// moves reports whether a vehicle may be moving now.
func (r *Register) moves(id string) bool { return r.cfg.Moves != nil && r.cfg.Moves(id) }

func sameAddress(a, b *vehicles.MAVLink) bool {
	return a.Listener == b.Listener && a.SystemID == b.SystemID && a.Component == b.Component && slices.Equal(a.Others, b.Others)
}

// WithdrawVehicle ends a registration, if rev is its current revision. A vehicle
// that may be moving is followed, under its keys, until it has stopped.
func (r *Register) WithdrawVehicle(ctx context.Context, who Actor, rev uint64, id string) (Vehicle, error) {
	if !who.May(VehicleRegister) {
		return Vehicle{}, fmt.Errorf("withdraw vehicle %s: %s: %w", id, who.ID, ErrForbidden)
	}
	return r.decideVehicle(ctx, who, fleetAct{name: "vehicle.withdraw"}, func(now time.Time) (Vehicle, error) {
		v, err := r.changeable(who, id)
		if err != nil {
			return v, err
		}
		if err := current("vehicle", id, v.Stamp, rev); err != nil {
			return v, err
		}
		v.leave("the vehicle was withdrawn", now.UnixMicro())
		return v, nil
	})
}

// leave withdraws the vehicle, at once if it never could prove who it is.
func (v *Vehicle) leave(why string, atUS int64) {
	v.State = Leaving
	for i := range v.Keys {
		v.Keys[i].retire(why, atUS)
	}
	if !v.MAVLink.Speaks() {
		v.State = Withdrawn
	}
}

// changeable is a vehicle whose definition the actor may change. Called with r.mu held.
func (r *Register) changeable(who Actor, id string) (Vehicle, error) {
	v, err := r.vehicleOf(owns(who), id)
	switch {
	case err != nil:
		return v, err
	case v.State != Registered:
		return v, fmt.Errorf("vehicle %s: %w", id, ErrWithdrawn)
	case v.Origin == vehicles.Configured:
		return v, fmt.Errorf("vehicle %s: %w", id, ErrConfigured)
	}
	return v, nil
}

// NoteLostLink notes what was read from a vehicle's parameters about its
// behaviour without a link. It is a fact of the zone.
func (r *Register) NoteLostLink(ctx context.Context, id string, known vehicles.LostLink) (Vehicle, error) {
	known.Basis = vehicles.FromParameters
	return r.decideVehicle(ctx, zoneItself(), fleetAct{name: "vehicle.lost_link_read"}, func(now time.Time) (Vehicle, error) {
		v, err := r.vehicleOf(Everybody, id)
		if err != nil {
			return v, err
		}
		known.AtUS = now.UnixMicro()
		v.LostLink = known
		return v, checkLostLink(&known)
	})
}

// zoneItself is the actor of what nobody decides.
func zoneItself() Actor { return Actor{ID: "zone"} }
