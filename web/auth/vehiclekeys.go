package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
)

var (
	// ErrVehicleKey is returned when a signing key cannot be used; it wraps why.
	ErrVehicleKey = errors.New("cannot be a signing key")
	// ErrKeyInUse is returned when a signing key was given to a vehicle before.
	ErrKeyInUse = errors.New("this signing key was given to a vehicle before: let each have keys of its own")
)

// SigningKey is a MAVLink 2 signing key. It is never logged.
type SigningKey [32]byte

// String keeps a key out of logs.
func (SigningKey) String() string { return "(secret)" }

// GoString keeps a key out of logs.
func (SigningKey) GoString() string { return "(secret)" }

// Contact is the person who answers for a vehicle. It is personal data.
type Contact struct {
	Name      string   `json:"name,omitempty"`
	Phone     string   `json:"phone,omitempty"`
	Email     string   `json:"email,omitempty"`
	Languages []string `json:"languages,omitempty"` // BCP 47, best first
}

// VehicleSecrets keeps of each vehicle its signing keys, which the server signs
// and verifies with, and its contact: one file per vehicle, sealed under the key
// file of Secrets, durable before a call returns, erasable. It is safe for
// concurrent use.
type VehicleSecrets struct {
	folder *sealedFolder

	writing sync.Mutex // held over a change with its write to the disk, see Secrets

	mu        sync.Mutex // guards the field below; what it holds is never changed
	byVehicle map[string]*sealedVehicle
}

// sealedVehicle is the content of one file. Members are added, never changed.
type sealedVehicle struct {
	Keys    map[string][]byte `json:"keys,omitempty"` // by id, vk_…
	Contact *Contact          `json:"contact,omitempty"`
}

// OpenVehicleSecrets opens the part for vehicles of the store in dir, as
// OpenSecrets does. An empty dir keeps everything in memory.
func OpenVehicleSecrets(dir, keyFile string) (*VehicleSecrets, error) {
	s := &VehicleSecrets{folder: &sealedFolder{}, byVehicle: map[string]*sealedVehicle{}}
	if dir == "" {
		return s, nil
	}
	var err error
	s.folder, err = openSealed(dir, filepath.Join(dir, "vehicles"), "vehicle", keyFile, s.load)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (s *VehicleSecrets) load(vehicle string, plain []byte) error {
	v := &sealedVehicle{}
	if err := json.Unmarshal(plain, v); err != nil {
		return err
	}
	for _, k := range v.Keys {
		if len(k) != len(SigningKey{}) {
			return ErrVehicleKey
		}
	}
	s.byVehicle[vehicle] = v
	return nil
}

// of is what is kept of a vehicle; nothing if it is not known.
func (s *VehicleSecrets) of(vehicle string) *sealedVehicle {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.byVehicle[vehicle]; v != nil {
		return v
	}
	return &sealedVehicle{}
}

// change makes a change durable, all of it or nothing.
func (s *VehicleSecrets) change(vehicle string, edit func(*sealedVehicle) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	next := *s.of(vehicle)
	next.Keys = maps.Clone(next.Keys)
	if next.Keys == nil {
		next.Keys = map[string][]byte{}
	}
	if err := edit(&next); err != nil {
		return err
	}
	if len(next.Keys) == 0 && next.Contact == nil {
		return s.erase(vehicle)
	}
	if err := s.folder.write(vehicle, &next); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byVehicle[vehicle] = &next
	return nil
}

// CheckKey finds out whether a key can be given to a vehicle. Two vehicles with one
// key could be taken for each other, and one of zeros is what a vehicle without
// a key has.
func (s *VehicleSecrets) CheckKey(key SigningKey) error {
	same := 0
	for _, b := range key {
		if b == key[0] {
			same++
		}
	}
	if same > len(key)/2 {
		return fmt.Errorf("%w: it is not random: leave it out, and the server makes one", ErrVehicleKey)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.byVehicle {
		for _, k := range v.Keys {
			if SigningKey(k) == key {
				return ErrKeyInUse
			}
		}
	}
	return nil
}

// SetKey keeps a key under its id.
func (s *VehicleSecrets) SetKey(vehicle, id string, key SigningKey) error {
	return s.change(vehicle, func(v *sealedVehicle) error {
		if err := s.CheckKey(key); err != nil {
			return err
		}
		v.Keys[id] = key[:]
		return nil
	})
}

// Key is the key of an id.
func (s *VehicleSecrets) Key(vehicle, id string) (key SigningKey, ok bool) {
	raw, ok := s.of(vehicle).Keys[id]
	if !ok {
		return key, false
	}
	return SigningKey(raw), true
}

// RemoveKey erases a key. A second time does nothing.
func (s *VehicleSecrets) RemoveKey(vehicle, id string) error {
	if _, ok := s.Key(vehicle, id); !ok {
		return nil
	}
	return s.change(vehicle, func(v *sealedVehicle) error {
		delete(v.Keys, id)
		return nil
	})
}

// SetContact keeps who answers for a vehicle; nil erases it.
func (s *VehicleSecrets) SetContact(vehicle string, c *Contact) error {
	return s.change(vehicle, func(v *sealedVehicle) error {
		v.Contact = c.clone()
		return nil
	})
}

// Contact is who answers for a vehicle; nil if nobody is known.
func (s *VehicleSecrets) Contact(vehicle string) *Contact { return s.of(vehicle).Contact.clone() }

func (c *Contact) clone() *Contact {
	if c == nil {
		return nil
	}
	out := *c
	out.Languages = slices.Clone(c.Languages)
	return &out
}

// Erase removes all that is kept of a vehicle. A second time does nothing.
func (s *VehicleSecrets) Erase(vehicle string) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.erase(vehicle)
}

func (s *VehicleSecrets) erase(vehicle string) error {
	if err := s.folder.remove(vehicle); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byVehicle, vehicle)
	return nil
}

// Sweep erases what no decision speaks of: a secret is written before the
// decision that it is for, which may never have been made. vehicle says whether
// there is such a vehicle, key whether the key is accepted. Call it when nobody
// decides.
func (s *VehicleSecrets) Sweep(vehicle func(id string) bool, key func(vehicle, id string) bool) error {
	s.mu.Lock()
	all := maps.Clone(s.byVehicle)
	s.mu.Unlock()
	var errs []error
	for id, v := range all {
		if !vehicle(id) {
			errs = append(errs, s.Erase(id))
			continue
		}
		for k := range v.Keys {
			if !key(id, k) {
				errs = append(errs, s.RemoveKey(id, k))
			}
		}
	}
	return errors.Join(errs...)
}
