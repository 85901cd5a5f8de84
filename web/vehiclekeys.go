package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/geofence/zonefile"
	"testzone/telemetry/journal"
	"testzone/vehicles"
	"testzone/web/auth"
)

// VehicleKey is a MAVLink signing key of a vehicle, without the key.
type VehicleKey struct {
	ID        string  `json:"id"`
	State     string  `json:"state" enum:"active,next,retiring,retired" doc:"next: accepted already, put it into use by rotate. retiring: revoked or rotated out, and accepted until the vehicle has stopped"`
	Why       string  `json:"why" doc:"Why it retires"`
	CreatedAt string  `json:"created_at" format:"date-time"`
	CreatedBy string  `json:"created_by" doc:"Actor id"`
	Since     string  `json:"since" format:"date-time" doc:"Of its state"`
	SeenAt    *string `json:"seen_at" format:"date-time" doc:"When a frame came under it last, to a second; null: not since the server's start"`
}

// NewVehicleKey is a signing key at the only time that it is seen.
type NewVehicleKey struct {
	Key    VehicleKey `json:"key"`
	Secret string     `json:"secret" doc:"64 hex digits, shown only now: put it into the vehicle over USB, never over the air. Empty in a dry run"`
}

// VehicleKeyInput is a new signing key.
type VehicleKeyInput struct {
	Secret string `json:"secret,omitempty" pattern:"^([0-9a-fA-F]{64})?$" doc:"A key that the vehicle has already; default: the server makes one"`
}

// Revocation says why.
type Revocation struct {
	Reason string `json:"reason,omitempty" maxLength:"300" doc:"For the audit"`
}

// Resolve finds what a schema cannot.
func (in *Revocation) Resolve(huma.Context) []error {
	if message := zonefile.TextFault(in.Reason); message != "" && in.Reason != "" {
		return []error{&huma.ErrorDetail{Location: "body.reason", Message: message}}
	}
	return nil
}

// VehicleKeyList lists the signing keys of a vehicle.
type VehicleKeyList struct {
	Items []VehicleKey `json:"items" doc:"Oldest first, the newest 16"`
}

type vehicleKeysOutput struct {
	ETag string `header:"ETag" doc:"Revision of the vehicle"`
	Body VehicleKeyList
}

type addVehicleKeyInput struct {
	ID string `path:"id" maxLength:"64"`
	Trial
	Body VehicleKeyInput
}

type revokeVehicleKeyInput struct {
	ID   string `path:"id" maxLength:"64"`
	Key  string `path:"key" maxLength:"64"`
	Body Revocation
}

func (s *Server) vehicleKeyEndpoints(api huma.API) {
	const tag, path = "vehicles", "/v1/vehicles/{id}/keys"
	endpoint(s, api, operation(tag, "listVehicleKeys", http.MethodGet, path, "Signing keys of a vehicle", 401, 403, 404), s.listVehicleKeys)
	endpoint(s, api, creation(tag, "addVehicleKey", path, "Give a vehicle a signing key; it is in this answer only",
		400, 401, 403, 404, 409, 413, 415, 503), s.addVehicleKey)
	endpoint(s, api, operation(tag, "rotateVehicleKeys", http.MethodPost, path+"/rotate", "Put the next key into use and let the old one retire",
		400, 401, 403, 404, 409, 413, 415, 503), s.rotateVehicleKeys)
	endpoint(s, api, operation(tag, "revokeVehicleKey", http.MethodPost, path+"/{key}/revoke",
		"End a key for good; it retires when the vehicle does not move", 400, 401, 403, 404, 409, 413, 415, 503), s.revokeVehicleKey)
}

func vehicleKeyOf(k *airspace.VehicleKey, seenUS int64) VehicleKey {
	return VehicleKey{
		ID: k.ID, State: string(k.State), Why: k.Why, CreatedAt: timeOf(k.CreatedUS), CreatedBy: k.CreatedBy,
		Since: timeOf(k.SinceUS), SeenAt: optionalTime(seenUS),
	}
}

// vehicleKeys answers with the keys of a vehicle.
func (s *Server) vehicleKeys(v *airspace.Vehicle, err error) (*vehicleKeysOutput, error) {
	if err != nil {
		return nil, err
	}
	seen := s.cfg.Proof(vehicles.VehicleID(v.ID)).KeySeenUS
	out := VehicleKeyList{Items: []VehicleKey{}}
	for i := range v.Keys {
		out.Items = append(out.Items, vehicleKeyOf(&v.Keys[i], seen[v.Keys[i].ID]))
	}
	return &vehicleKeysOutput{ETag: etag(v.Rev), Body: out}, nil
}

func (s *Server) listVehicleKeys(ctx context.Context, in *idInput) (*vehicleKeysOutput, error) {
	v, err := s.cfg.Register.Vehicle(s.viewOf(ctx).Owns, in.ID)
	return s.vehicleKeys(&v, err)
}

func (s *Server) rotateVehicleKeys(ctx context.Context, in *idInput) (*vehicleKeysOutput, error) {
	v, err := s.cfg.Register.RotateVehicleKeys(ctx, actorOf(ctx), in.ID)
	return s.vehicleKeys(&v, err)
}

func (s *Server) revokeVehicleKey(ctx context.Context, in *revokeVehicleKeyInput) (*vehicleKeysOutput, error) {
	v, err := s.cfg.Register.RevokeVehicleKey(ctx, actorOf(ctx), in.ID, in.Key, in.Body.Reason)
	return s.vehicleKeys(&v, err)
}

func (s *Server) addVehicleKey(ctx context.Context, in *addVehicleKeyInput) (*triedOutput[NewVehicleKey], error) {
	v, id, err := s.newVehicleKey(ctx, in)
	if err != nil {
		return nil, err
	}
	out := &triedOutput[NewVehicleKey]{Status: http.StatusCreated, ETag: etag(v.Rev), Location: "/v1/vehicles/" + v.ID + "/keys"}
	for i := range v.Keys {
		if v.Keys[i].ID == id {
			out.Body.Key = vehicleKeyOf(&v.Keys[i], 0)
		}
	}
	if in.DryRun {
		out.Status, out.ETag, out.Location = http.StatusOK, "", ""
		return out, nil
	}
	// A request that is repeated under its Idempotency-Key shows the key again:
	// its first answer may have been lost.
	if key, ok := s.cfg.VehicleSecrets.Key(v.ID, id); ok {
		out.Body.Secret = hex.EncodeToString(key[:])
	}
	return out, nil
}

// newVehicleKey gives a vehicle a key; id is the key's.
func (s *Server) newVehicleKey(ctx context.Context, in *addVehicleKeyInput) (v airspace.Vehicle, id string, err error) {
	if before, id, ok, err := s.cfg.Register.FleetAnswer(ctx); ok || err != nil {
		return before, id, err
	}
	var key auth.SigningKey
	if in.Body.Secret == "" {
		_, _ = rand.Read(key[:]) // crypto/rand.Read never fails
	} else if _, err := hex.Decode(key[:], []byte(in.Body.Secret)); err != nil {
		return v, "", fmt.Errorf("%w: give 64 hex digits", auth.ErrVehicleKey)
	}
	who, secrets := actorOf(ctx), s.cfg.VehicleSecrets
	id = airspace.NewVehicleKeyID()
	check := func() (airspace.Vehicle, error) {
		v, err := s.cfg.Register.AddVehicleKey(ctx, who, in.ID, id, true)
		if err == nil {
			err = secrets.CheckKey(key)
		}
		return v, err
	}
	if in.DryRun {
		v, err = check()
		return v, id, err
	}
	v, err = s.withSecret(ctx, secretFor{
		check:  check,
		keep:   func() error { return secrets.SetKey(in.ID, id, key) },
		decide: func() (airspace.Vehicle, error) { return s.cfg.Register.AddVehicleKey(ctx, who, in.ID, id, false) },
		undo:   func() error { return secrets.RemoveKey(in.ID, id) },
	})
	return v, id, err
}

// secretFor is a decision about something whose secret part stands beside the journal.
type secretFor struct {
	check  func() (airspace.Vehicle, error) // whether it may be decided, so that nobody fills the store who may not
	keep   func() error
	decide func() (airspace.Vehicle, error)
	undo   func() error
}

// withSecret makes the secret part durable first: a decision never speaks of
// what is not there. What no decision speaks of in the end is removed, at the
// next start if not here.
func (s *Server) withSecret(ctx context.Context, f secretFor) (none airspace.Vehicle, err error) {
	select {
	case s.enrolling <- struct{}{}:
		defer func() { <-s.enrolling }()
	case <-ctx.Done():
		return none, fmt.Errorf("wait for the registration before: %w", ctx.Err())
	}
	if _, err := f.check(); err != nil {
		return none, err
	}
	if err := f.keep(); err != nil {
		return none, err
	}
	v, err := f.decide()
	if err != nil && !errors.Is(err, journal.ErrUnknown) {
		if undone := f.undo(); undone != nil {
			s.log.WarnContext(ctx, "secret of a refused registration stays until the next start", "error", undone)
		}
	}
	return v, err
}
