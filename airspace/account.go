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

// replayAccounts takes a durable entry about accounts into the state.
func (r *Register) replayAccounts(rec journal.Record) error {
	var e accountEntry
	if err := json.Unmarshal(rec.Body, &e); err != nil {
		return fmt.Errorf("journal entry %d: %w: %w", rec.Seq, errAccountEntry, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
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
			return fmt.Errorf("journal entry %d: %w: %s", rec.Seq, errAccountEntry, e.Act)
		}
	}
	for _, x := range rec.Expect {
		r.seqs[x.Agg] = rec.Seq
	}
	if e.Request != nil {
		r.answers.noteAccounts(e.Request, e.AtUS, e.Changes)
	}
	r.last = max(r.last, rec.Seq)
	return nil
}

// accountTries is how often a decision is made again when another node decided
// meanwhile.
const accountTries = 3

// decideAccounts decides about accounts: check looks at the state, which is
// locked for reading, and says what the records shall be. Their stamps are
// written here, and they are what it answers; a request that was decided before
// gets its first answer. Every such decision also depends on the set of all
// accounts: that the last administrator stays is a rule about all people.
func (r *Register) decideAccounts(ctx context.Context, who Actor, act string, check func(now time.Time) ([]accountChange, error)) ([]accountChange, error) {
	if err := r.decide.take(ctx); err != nil {
		return nil, err
	}
	defer r.decide.give()
	if !IsRehearsal(ctx) {
		if before, err := r.answerOf(ctx); before != nil || err != nil {
			if err != nil {
				return nil, err
			}
			return before.changes, nil
		}
	}
	var changes []accountChange
	var err error
	for range accountTries {
		if changes, err = r.tryAccounts(ctx, who, act, check); !errors.Is(err, journal.ErrConflict) {
			break
		}
	}
	return changes, err
}

func (r *Register) tryAccounts(ctx context.Context, who Actor, act string, check func(now time.Time) ([]accountChange, error)) ([]accountChange, error) {
	now := r.cfg.Clock()
	r.mu.RLock()
	changes, err := check(now)
	entry := journal.Entry{ID: journal.NewID(), Kind: journal.Decision, Schema: AccountSchema, TimeUS: now.UnixMicro()}
	request := journal.RequestOf(ctx)
	if request != nil {
		entry.ID = request.EntryID(entry.TimeUS, 0)
	}
	all := journal.Aggregate("accounts:" + r.cfg.Zone.ID)
	entry.Expect = append(entry.Expect, journal.Expect{Agg: all, Seq: r.seqs[all]})
	for i := range changes {
		agg := changes[i].aggregate()
		entry.Expect = append(entry.Expect, journal.Expect{Agg: agg, Seq: r.seqs[agg]})
		s := changes[i].stamp()
		if s.Rev++; s.Rev == 1 {
			s.CreatedUS = entry.TimeUS
		}
		s.UpdatedUS, s.UpdatedBy = entry.TimeUS, who.ID
	}
	r.mu.RUnlock()
	if err != nil || IsRehearsal(ctx) {
		return changes, err
	}
	entry.Body, err = json.Marshal(accountEntry{Act: act, Changes: changes, By: who.ID, AtUS: entry.TimeUS, Request: request})
	if err != nil {
		return nil, fmt.Errorf("encode decision: %w", err)
	}
	return changes, r.carry(ctx, func() error {
		records, err := r.append(context.WithoutCancel(ctx), []journal.Entry{entry})
		if err != nil {
			return err
		}
		return r.replayAccounts(records[0])
	})
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
