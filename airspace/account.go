package airspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"testzone/telemetry/journal"
)

// AccountSchema is the payload type of the journal's entries about
// organisations, people, keys and two-person acts: JSON, an accountEntry.
const AccountSchema = 10

var (
	// ErrAccount is returned when an organisation, a person or a key cannot be as it was asked; it wraps what is wrong.
	ErrAccount = errors.New("cannot be an account")
	// ErrExists is returned when the id of a new organisation is taken.
	ErrExists = errors.New("exists already")
	// ErrOwnRights is returned when somebody gives itself rights, or a key rights that its maker or owner lacks.
	ErrOwnRights = errors.New("nobody raises their own rights")
	// ErrLastAdministrator is returned when a change would leave the zone without an administrator who can sign in.
	ErrLastAdministrator = errors.New("the last administrator stays: make another person administrator first")
	// ErrTwoPersons is returned when an act needs a second person: propose it.
	ErrTwoPersons = errors.New("this needs two persons: propose it, and let another person confirm")
	// ErrSamePerson is returned when who confirms an act is, or answers for, who proposed it.
	ErrSamePerson = errors.New("another person must confirm this")
	// ErrNoPerson is returned when a token of the configuration does what only a person may.
	ErrNoPerson = errors.New("only a person may do this: sign in with your own account")
	// ErrProposalClosed is returned when a proposal was confirmed or withdrawn, or has expired.
	ErrProposalClosed = errors.New("the proposal is no longer open")
	// ErrDisabled is returned when a person, its organisation or its key may not act any more.
	ErrDisabled = errors.New("this account is disabled")

	// errAccountEntry is returned when an account entry of the journal cannot be
	// read, e.g. because a newer program wrote it.
	errAccountEntry = errors.New("account entry is not readable by this program")
)

// accountEntry is the journal's form of a decision about accounts: the records
// as they are from now on. Members are added, never changed.
type accountEntry struct {
	Act     string          `json:"act"` // e.g. person.create; for whoever reads the journal
	Changes []accountChange `json:"changes"`
	By      string          `json:"by"`
	AtUS    int64           `json:"at_us"`

	Request *journal.Request `json:"request,omitempty"`
}

// accountChange is one record, exactly one member.
type accountChange struct {
	Organisation *Organisation `json:"organisation,omitempty"`
	Person       *Person       `json:"person,omitempty"`
	Key          *APIKey       `json:"key,omitempty"`
	Proposal     *Proposal     `json:"proposal,omitempty"`
}

// Stamp is what every account record has: which revision it is, and since when.
type Stamp struct {
	Rev       uint64 `json:"rev"`
	CreatedUS int64  `json:"created_us"`
	UpdatedUS int64  `json:"updated_us"`
	UpdatedBy string `json:"updated_by"`
}

// accounts is the part of the register's state that is about who may do what.
type accounts struct {
	organisations map[string]Organisation
	people        map[string]Person
	keys          map[string]APIKey
	proposals     map[string]Proposal
}

func newAccounts() accounts {
	return accounts{map[string]Organisation{}, map[string]Person{}, map[string]APIKey{}, map[string]Proposal{}}
}

func (c *accountChange) aggregate() journal.Aggregate {
	switch {
	case c.Organisation != nil:
		return journal.Aggregate("organisation:" + c.Organisation.ID)
	case c.Person != nil:
		return journal.Aggregate("person:" + c.Person.ID)
	case c.Key != nil:
		return journal.Aggregate("key:" + c.Key.ID)
	}
	return journal.Aggregate("proposal:" + c.Proposal.ID)
}

// stamp is the record's stamp, to be written.
func (c *accountChange) stamp() *Stamp {
	switch {
	case c.Organisation != nil:
		return &c.Organisation.Stamp
	case c.Person != nil:
		return &c.Person.Stamp
	case c.Key != nil:
		return &c.Key.Stamp
	}
	return &c.Proposal.Stamp
}

// applyAccounts takes the records of a durable entry into the state. Called with
// r.mu held.
func (r *Register) applyAccounts(e *accountEntry) error {
	for _, c := range e.Changes {
		switch {
		case c.Organisation != nil:
			r.accounts.organisations[c.Organisation.ID] = *c.Organisation
		case c.Person != nil:
			r.accounts.people[c.Person.ID] = *c.Person
		case c.Key != nil:
			r.accounts.keys[c.Key.ID] = *c.Key
		case c.Proposal != nil:
			r.accounts.proposals[c.Proposal.ID] = *c.Proposal
		default:
			return fmt.Errorf("%w: %s", errAccountEntry, e.Act)
		}
	}
	if e.Request != nil {
		r.answers.noteAccounts(e.Request, e.AtUS, e.Changes)
	}
	return nil
}

// decideAccounts decides about accounts: check looks at the state, which is
// locked for reading, and says what the records shall be. Their stamps are
// written here, and they are what it answers; a request that was decided before
// gets its first answer. Every such decision also depends on the set of all
// accounts: that the last administrator stays is a rule about all people. So they
// are made one after the other.
func (r *Register) decideAccounts(ctx context.Context, who Actor, act string, check func(now time.Time) ([]accountChange, error)) ([]accountChange, error) {
	if IsRehearsal(ctx) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		return stamped(who, r.cfg.Clock(), check)
	}
	all := journal.Aggregate("accounts:" + r.cfg.Zone.ID)
	d, err := newDecision(ctx, decision{about: []journal.Aggregate{all}})
	if err != nil {
		return nil, err
	}
	d.plan = func(now time.Time) error {
		changes, err := stamped(who, now, check)
		if err != nil {
			return err
		}
		e := accountEntry{Act: act, Changes: changes, By: who.ID, AtUS: now.UnixMicro(), Request: d.request}
		touches := []journal.Aggregate{all}
		for i := range changes {
			touches = append(touches, changes[i].aggregate())
		}
		only, err := r.accountDraft(&e, touches)
		d.drafts, d.changes = []draft{only}, changes
		return err
	}
	if err := r.decide(ctx, d); err != nil {
		return nil, err
	}
	return d.changes, nil
}

// stamped is what check says, with the stamps of a change that who makes now.
func stamped(who Actor, now time.Time, check func(now time.Time) ([]accountChange, error)) ([]accountChange, error) {
	changes, err := check(now)
	for i := range changes {
		s := changes[i].stamp()
		if s.Rev++; s.Rev == 1 {
			s.CreatedUS = now.UnixMicro()
		}
		s.UpdatedUS, s.UpdatedBy = now.UnixMicro(), who.ID
	}
	return changes, err
}

func (r *Register) accountDraft(e *accountEntry, touches []journal.Aggregate) (draft, error) {
	entry, kept, err := encodedEntry(AccountSchema, e, e.AtUS, e.Request)
	return draft{entry: entry, touches: touches, apply: func() error { return r.applyAccounts(kept) }}, err
}

// encodedEntry is the journal's form of a decision; kept is what a replay will read.
func encodedEntry[E any](schema uint16, e *E, atUS int64, request *journal.Request) (entry journal.Entry, kept *E, err error) {
	body, err := json.Marshal(e)
	kept = new(E)
	if err == nil {
		err = json.Unmarshal(body, kept)
	}
	if err != nil {
		return entry, nil, fmt.Errorf("encode decision: %w", err)
	}
	id := journal.NewID()
	if request != nil {
		id = request.EntryID(atUS, 0)
	}
	return journal.Entry{ID: id, Kind: journal.Decision, Schema: schema, TimeUS: atUS, Body: body}, kept, nil
}

// current checks that rev is the newest revision of what the caller changes.
func current(what, id string, have Stamp, rev uint64) error {
	if have.Rev != rev {
		return &StaleError{What: what, ID: id, Current: have.Rev}
	}
	return nil
}

// validName reports whether an id that people choose is one: 1 to 40 of a-z, 0-9 and -.
func validName(s string) bool {
	if len(s) < 1 || len(s) > 40 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
