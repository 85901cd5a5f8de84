package mavlink

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"testzone/vehicles"
)

var (
	// ErrSystemIDTaken is returned when two vehicles of one listener would have the same system id.
	ErrSystemIDTaken = errors.New("another vehicle of this listener has the system id")
	// ErrTooManyKeys is returned when a vehicle would have more than MaxKeys valid keys at once.
	ErrTooManyKeys = errors.New("too many valid keys of one vehicle: retire the old ones first")
	// ErrCredential is returned when a credential cannot be used; it wraps why.
	ErrCredential = errors.New("credential is not usable")
)

// MaxKeys is how many keys of one vehicle may be valid at once, while it changes them.
const MaxKeys = 4

// Key is a MAVLink 2 signing key. It is never logged and never recorded.
type Key [32]byte

// String keeps a key out of logs.
func (Key) String() string { return "(secret)" }

// GoString keeps a key out of logs.
func (Key) GoString() string { return "(secret)" }

// Credential lets one vehicle speak on a listener. While a vehicle changes its
// key it has two. Nothing of it changes after it was given to a Keyring but its
// Stamps, which outlive it: give every Credential of the same key the same.
type Credential struct {
	Vehicle  vehicles.VehicleID
	SystemID uint8 // 1 to 255
	// Autopilot is the component whose heartbeat makes the track; default 1
	// (MAV_COMP_ID_AUTOPILOT1).
	Autopilot uint8
	// Others are the further components that may speak under this key: cameras,
	// companions, gimbals. They never move the track. Any other is refused.
	Others []uint8

	KeyID string // of people and the journal, e.g. vk_…
	Key   Key
	// Stamps is the replay state of the key.
	Stamps *Stamps
	// Vouched: whoever gives the frames to the listener answers for the system
	// id, over a link that is authenticated itself (an enrolled gateway). Frames
	// need no signature, and Key and Stamps are not used.
	Vouched bool
}

func (c *Credential) check() error {
	switch {
	case c.Vehicle == "":
		return fmt.Errorf("%w: it names no vehicle", ErrCredential)
	case c.SystemID == 0:
		return fmt.Errorf("%w: vehicle %s: system id 0 is broadcast", ErrCredential, c.Vehicle)
	case !c.Vouched && c.Stamps == nil:
		return fmt.Errorf("%w: vehicle %s, key %s: it has no replay state", ErrCredential, c.Vehicle, c.KeyID)
	case !c.Vouched && c.Key == Key{}:
		return fmt.Errorf("%w: vehicle %s, key %s: the key is empty", ErrCredential, c.Vehicle, c.KeyID)
	}
	return nil
}

// autopilot is the component that owns the track.
func (c *Credential) autopilot() uint8 {
	if c.Autopilot == 0 {
		return 1
	}
	return c.Autopilot
}

func (c *Credential) allows(component uint8) bool {
	return component == c.autopilot() || slices.Contains(c.Others, component)
}

// Keyring is who may speak on a signed listener, or through a gateway. A listener is one
// collision domain: a system id is one vehicle there. It is safe for concurrent
// use: a change is seen by the listener within 100 ms, which ends the sessions of
// credentials that are gone. The zero value lets nobody in.
type Keyring struct {
	set atomic.Pointer[keySet]
}

// keySet is immutable: the credentials by system id.
type keySet [256][]*Credential

// Set replaces all credentials.
func (k *Keyring) Set(credentials []*Credential) error {
	var next keySet
	for _, c := range credentials {
		if err := c.check(); err != nil {
			return err
		}
		have := next[c.SystemID]
		if len(have) > 0 && have[0].Vehicle != c.Vehicle {
			return fmt.Errorf("vehicles %s and %s, system id %d: %w", have[0].Vehicle, c.Vehicle, c.SystemID, ErrSystemIDTaken)
		}
		if len(have) == MaxKeys {
			return fmt.Errorf("vehicle %s: %w", c.Vehicle, ErrTooManyKeys)
		}
		next[c.SystemID] = append(have, c)
	}
	k.set.Store(&next)
	return nil
}

var noKeys keySet

// current is the set of now.
func (k *Keyring) current() *keySet {
	if s := k.set.Load(); s != nil {
		return s
	}
	return &noKeys
}
