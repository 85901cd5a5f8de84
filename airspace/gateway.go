package airspace

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

var (
	// ErrGateway is returned when a gateway cannot be as it was asked; it wraps what is wrong.
	ErrGateway = errors.New("cannot be a gateway")
	// ErrFingerprint is returned when another gateway has the public key.
	ErrFingerprint = errors.New("another gateway has this public key: let each make one of its own")
	// ErrGatewayState is returned when a gateway was revoked.
	ErrGatewayState = errors.New("the gateway was revoked: enrol it anew under another id")
)

// GatewayState is where a gateway is in its life.
type GatewayState string

// The states. One that was revoked is retiring, and believed, until the vehicles
// behind it have stopped (SAFETY 1).
const (
	GatewayEnrolled GatewayState = "enrolled"
	GatewayRetiring GatewayState = "retiring"
	GatewayRetired  GatewayState = "retired"
)

// Gateway stands beside a ground station and answers for vehicles whose
// autopilots cannot sign. It is a collision domain like a listener: vehicles
// that speak through it alone name its id as their listener; it may answer for
// further ones, which have a listener of their own. Its JSON is the journal's
// form: members are added, never changed.
type Gateway struct {
	ID       string       `json:"id"` // chosen: 1 to 40 of a-z, 0-9 and -
	Name     string       `json:"name"`
	SPKI     string       `json:"spki"` // SHA-256 of its public key (SubjectPublicKeyInfo), 64 hex digits
	Operator string       `json:"org"`
	Vehicles []string     `json:"vehicles,omitempty"` // further ones
	State    GatewayState `json:"state"`
	Stamp
}

// maxVouched bounds the further vehicles of one gateway: a system id is one byte.
const maxVouched = 254

func (g Gateway) clone() Gateway {
	g.Vehicles = slices.Clone(g.Vehicles)
	return g
}

// Gateways lists gateways, by id; retired ones only with all.
func (r *Register) Gateways(sees Sees, all bool) []Gateway {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := []Gateway{}
	for _, g := range sorted(r.fleet.gateways) {
		if sees(g.Operator) && (all || g.State != GatewayRetired) {
			out = append(out, g.clone())
		}
	}
	return out
}

// Gateway is one gateway; retired ones too.
func (r *Register) Gateway(sees Sees, id string) (Gateway, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.gatewayOf(sees, id)
}

func (r *Register) gatewayOf(sees Sees, id string) (Gateway, error) {
	g, err := find(r.fleet.gateways, "gateway", id)
	if err == nil && !sees(g.Operator) {
		return Gateway{}, fmt.Errorf("gateway %s: %w: %w", id, ErrNotFound, ErrOthers)
	}
	return g.clone(), err
}

// Vouched are the vehicles that a gateway answers for; none when it has retired.
func (r *Register) Vouched(id string) []Vehicle {
	r.mu.RLock()
	defer r.mu.RUnlock()
	g, ok := r.fleet.gateways[id]
	if !ok || g.State == GatewayRetired {
		return nil
	}
	return r.fleet.vouched(&g)
}

func (f *fleet) vouched(g *Gateway) []Vehicle {
	return slices.DeleteFunc(f.all(), func(v Vehicle) bool {
		return v.State == Withdrawn || v.Operator != g.Operator || !v.MAVLink.Speaks() ||
			v.MAVLink.Listener != g.ID && !slices.Contains(g.Vehicles, v.ID)
	})
}

// EnrolGateway adds a gateway under the id that it names.
func (r *Register) EnrolGateway(ctx context.Context, who Actor, g Gateway, dry bool) (Gateway, error) {
	if !who.May(VehicleRegister) {
		return Gateway{}, fmt.Errorf("enrol gateway: %s: %w", who.ID, ErrForbidden)
	}
	g = g.clone()
	g.Stamp, g.State, g.SPKI = Stamp{}, GatewayEnrolled, strings.ToLower(g.SPKI)
	return r.decideGateway(ctx, who, fleetAct{name: "gateway.enrol", dry: dry}, func(time.Time) (Gateway, error) {
		if _, taken := r.fleet.gateways[g.ID]; taken || r.isListener(g.ID) {
			return g, fmt.Errorf("gateway %s: %w", g.ID, ErrExists)
		}
		for _, other := range r.fleet.gateways {
			if other.SPKI == g.SPKI && other.State != GatewayRetired {
				return g, fmt.Errorf("gateway %s: %w", g.ID, ErrFingerprint)
			}
		}
		return g.clone(), r.checkGateway(who, &g)
	})
}

// isListener reports whether a listener of the configuration has the name.
func (r *Register) isListener(name string) bool {
	return slices.Contains(r.cfg.Listeners, name) || slices.Contains(r.cfg.OpenListeners, name)
}

// ReplaceGateway changes a gateway's name and further vehicles, if rev is its
// current revision.
func (r *Register) ReplaceGateway(ctx context.Context, who Actor, rev uint64, g Gateway, dry bool) (Gateway, error) {
	if !who.May(VehicleRegister) {
		return Gateway{}, fmt.Errorf("replace gateway %s: %s: %w", g.ID, who.ID, ErrForbidden)
	}
	return r.decideGateway(ctx, who, fleetAct{name: "gateway.replace", dry: dry}, func(time.Time) (Gateway, error) {
		made, err := r.gatewayOf(owns(who), g.ID)
		if err != nil {
			return made, err
		}
		if err := current("gateway", g.ID, made.Stamp, rev); err != nil {
			return made, err
		}
		if made.State != GatewayEnrolled {
			return made, fmt.Errorf("gateway %s: %w", g.ID, ErrGatewayState)
		}
		for _, id := range made.Vehicles {
			if !slices.Contains(g.Vehicles, id) && r.moves(id) {
				return made, fmt.Errorf("vehicle %s: %w", id, ErrMoving)
			}
		}
		made.Name, made.Vehicles = g.Name, slices.Clone(g.Vehicles)
		return made, r.checkGateway(who, &made)
	})
}

// checkGateway finds what is wrong with a gateway. Called with r.mu held.
func (r *Register) checkGateway(who Actor, g *Gateway) error {
	if !owns(who)(g.Operator) {
		return fmt.Errorf("gateway of %s: %w", g.Operator, ErrForbidden)
	}
	spki, err := hex.DecodeString(g.SPKI)
	switch n := utf8.RuneCountInString(g.Name); {
	case !validName(g.ID):
		return fmt.Errorf("%w: id %q: use 1 to 40 of a-z, 0-9 and -", ErrGateway, g.ID)
	case n < 1 || n > maxName:
		return fmt.Errorf("%w: a name has 1 to %d characters", ErrGateway, maxName)
	case err != nil || len(spki) != 32:
		return fmt.Errorf("%w: give the fingerprint that testzone gateway prints: SHA-256 of its public key, 64 hex digits", ErrGateway)
	case len(g.Vehicles) > maxVouched:
		return fmt.Errorf("%w: at most %d vehicles", ErrGateway, maxVouched)
	}
	if err := r.checkOperator(g.Operator); err != nil {
		return fmt.Errorf("%w: %w", ErrGateway, err)
	}
	for i, id := range g.Vehicles {
		v, ok := r.fleet.vehicle(id)
		if !ok || v.Operator != g.Operator || v.State != Registered || !v.MAVLink.Speaks() || slices.Contains(g.Vehicles[:i], id) {
			return fmt.Errorf("%w: vehicle %q stands twice, or is no vehicle of %s that speaks MAVLink", ErrGateway, id, g.Operator)
		}
	}
	bySystem := map[uint8]string{}
	for _, v := range r.fleet.vouched(g) {
		if other, taken := bySystem[v.MAVLink.SystemID]; taken {
			return fmt.Errorf("vehicles %s and %s at gateway %s: %w", other, v.ID, g.ID, ErrSystemID)
		}
		bySystem[v.MAVLink.SystemID] = v.ID
	}
	return nil
}

// RevokeGateway ends a gateway for good, if rev is its current revision, as soon
// as no vehicle behind it moves. Who enrols it may, and who controls the zone.
func (r *Register) RevokeGateway(ctx context.Context, who Actor, rev uint64, id string) (Gateway, error) {
	sees, err := mayRevoke(who)
	if err != nil {
		return Gateway{}, fmt.Errorf("revoke gateway %s: %w", id, err)
	}
	return r.decideGateway(ctx, who, fleetAct{name: "gateway.revoke"}, func(time.Time) (Gateway, error) {
		g, err := r.gatewayOf(sees, id)
		if err != nil {
			return g, err
		}
		if err := current("gateway", id, g.Stamp, rev); err != nil {
			return g, err
		}
		if g.State != GatewayEnrolled {
			return g, fmt.Errorf("gateway %s: %w", id, ErrGatewayState)
		}
		g.State = GatewayRetiring
		if len(r.fleet.vouched(&g)) == 0 {
			g.State = GatewayRetired
		}
		return g, nil
	})
}

// SettleGateway notes that the vehicles behind a revoked gateway have stopped. It
// is a fact of the zone. ErrGatewayState says that nothing was to be settled.
func (r *Register) SettleGateway(ctx context.Context, id, why string) (Gateway, error) {
	return r.decideGateway(ctx, zoneItself(), fleetAct{name: "gateway.settled", reason: why}, func(time.Time) (Gateway, error) {
		g, err := r.gatewayOf(Everybody, id)
		if err == nil && g.State != GatewayRetiring {
			err = fmt.Errorf("gateway %s: %w", id, ErrGatewayState)
		}
		g.State = GatewayRetired
		return g, err
	})
}
