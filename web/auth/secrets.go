package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"sync"
	"time"
)

var (
	// ErrLoginTaken is returned when another person has the login name, or the subject of the identity provider.
	ErrLoginTaken = errors.New("another person has this login name or subject")
	// ErrPersonal is returned when a login name, a display name or a password cannot be used; it wraps why.
	ErrPersonal = errors.New("not usable")
	// ErrSecrets is returned when the secret store cannot be read; it wraps what is wrong and what to do.
	ErrSecrets = errors.New("the secret store is not readable")
)

// Secrets keeps what is personal or secret beside the journal: one file per
// person, sealed with AES-256-GCM under the key file, written whole and synced
// before a call returns. Erase removes a person's file; the journal is not
// touched. Secrets is safe for concurrent use. It does not protect against
// whoever reads both the folder and the key file.
type Secrets struct {
	folder *sealedFolder

	// writing is held by whoever changes something, with its write to the disk.
	// mu is never held over a write: a stuck disk must not keep out who signs in,
	// nor stop the live sessions, which ask again who they are of.
	writing sync.Mutex

	mu       sync.Mutex // guards the fields below
	people   map[string]*sealed
	logins   map[string]string // folded login: person
	subjects map[string]string // subject: person
	keys     map[string]string // key: person
}

// sealed is the content of one file. Members are added, never changed.
type sealed struct {
	Person     string                `json:"person"`
	Login      string                `json:"login,omitempty"`
	Name       string                `json:"name,omitempty"`
	Subject    string                `json:"subject,omitempty"`
	Password   string                `json:"password,omitempty"` // argon2id in PHC form
	MustChange bool                  `json:"must_change,omitempty"`
	ResetUS    int64                 `json:"reset_us,omitempty"` // decision of the newest reset that was carried out
	Keys       map[string]*keySecret `json:"keys,omitempty"`
	Known      []string              `json:"known,omitempty"` // addresses of successful sign-ins, newest last
	Mail       *Mail                 `json:"mail,omitempty"`
}

type keySecret struct {
	SHA256   []byte `json:"sha256"`
	Label    string `json:"label,omitempty"`
	UsedUS   int64  `json:"used_us,omitempty"`
	UsedFrom string `json:"used_from,omitempty"`
	savedUS  int64  // UsedUS in the file
}

const (
	// maxKnown bounds the addresses that are remembered per person.
	maxKnown = 8
	// flushEvery is how old the stored last use of a key may be: not each call writes.
	flushEvery = 5 * time.Minute
)

// OpenSecrets opens the store in dir, which is made if it is missing, with the
// key of keyFile, which is made if there is neither a key nor a store. An empty
// dir keeps everything in memory.
func OpenSecrets(dir, keyFile string) (*Secrets, error) {
	s := &Secrets{folder: &sealedFolder{}, people: map[string]*sealed{}, logins: map[string]string{}, subjects: map[string]string{}, keys: map[string]string{}}
	if dir == "" {
		s.folder.blind = make([]byte, keyBytes)
		_, _ = rand.Read(s.folder.blind) // crypto/rand.Read never fails
		return s, nil
	}
	var err error
	s.folder, err = openSealed(dir, dir, "", keyFile, s.load)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Blind is a digest of a digest, in hexadecimal, that only who has the key file
// can compare with a guess of what was digested.
func (s *Secrets) Blind(digest string) string {
	mac := hmac.New(sha256.New, s.folder.blind)
	mac.Write([]byte(digest))
	return hex.EncodeToString(mac.Sum(nil))
}

// Has reports which parts of a person's secrets are there.
func (s *Secrets) Has(person string) (profile, password bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.people[person]
	if v == nil {
		return false, false
	}
	return v.Login != "" || v.Name != "" || v.Subject != "", v.Password != ""
}

func (s *Secrets) load(person string, plain []byte) error {
	v := &sealed{}
	if err := json.Unmarshal(plain, v); err != nil {
		return err
	}
	for _, k := range v.Keys {
		k.savedUS = k.UsedUS
	}
	s.people[person] = v
	s.index(v)
	return nil
}

// index makes a person findable. Called with s.mu held, or before s is shared.
func (s *Secrets) index(v *sealed) {
	if v.Login != "" {
		s.logins[fold(v.Login)] = v.Person
	}
	if v.Subject != "" {
		s.subjects[v.Subject] = v.Person
	}
	for k := range v.Keys {
		s.keys[k] = v.Person
	}
}

func (s *Secrets) unindex(v *sealed) {
	delete(s.logins, fold(v.Login))
	delete(s.subjects, v.Subject)
	for k := range v.Keys {
		delete(s.keys, k)
	}
}

// change makes a change to a person's secrets durable, all of it or nothing.
// edit runs with s.writing held: the indexes do not move meanwhile.
func (s *Secrets) change(person string, edit func(*sealed) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	next, ok := s.person(person)
	if !ok {
		next.Person = person
	}
	if err := edit(&next); err != nil {
		return err
	}
	if err := s.folder.write(person, &next); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.people[person]
	for id, k := range next.Keys {
		k.savedUS = k.UsedUS
		if old != nil && old.Keys[id] != nil { // used while the file was written
			k.UsedUS, k.UsedFrom = old.Keys[id].UsedUS, old.Keys[id].UsedFrom
		}
	}
	if old != nil {
		s.unindex(old)
	}
	s.people[person] = &next
	s.index(&next)
	return nil
}

func (v *sealed) clone() *sealed {
	out := *v
	out.Keys = map[string]*keySecret{}
	for id, k := range v.Keys {
		c := *k
		out.Keys[id] = &c
	}
	out.Known = append([]string(nil), v.Known...)
	return &out
}

// setPassword sets a person's password hash.
func (s *Secrets) setPassword(person, hash string, mustChange bool) error {
	return s.change(person, func(v *sealed) error {
		v.Password, v.MustChange = hash, mustChange
		v.Known = nil // who knew the old password may have come from there
		return nil
	})
}

// byLogin finds who signs in.
func (s *Secrets) byLogin(login string) (v sealed, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	person, ok := s.logins[fold(login)]
	if !ok {
		return sealed{}, false
	}
	return *s.people[person].clone(), true
}

func (s *Secrets) bySubject(subject string) (person string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	person, ok = s.subjects[subject]
	return person, ok && subject != ""
}

func (s *Secrets) person(id string) (v sealed, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.people[id]
	if !ok {
		return sealed{}, false
	}
	return *p.clone(), true
}

// know remembers that a sign-in from an address succeeded.
func (s *Secrets) know(person, address string) error {
	if v, ok := s.person(person); !ok || len(v.Known) > 0 && v.Known[len(v.Known)-1] == address {
		return nil
	}
	return s.change(person, func(v *sealed) error {
		kept := v.Known[:0]
		for _, a := range v.Known {
			if a != address {
				kept = append(kept, a)
			}
		}
		kept = append(kept, address)
		v.Known = kept[max(0, len(kept)-maxKnown):]
		return nil
	})
}

// Erase removes all that is kept about a person. A second time does nothing.
func (s *Secrets) Erase(person string) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if _, ok := s.person(person); !ok {
		return nil
	}
	if err := s.folder.remove(person); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unindex(s.people[person])
	delete(s.people, person)
	return nil
}

// People lists whom the store knows.
func (s *Secrets) People() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, 0, len(s.people))
	for id := range s.people {
		out = append(out, id)
	}
	return out
}
