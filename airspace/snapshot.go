package airspace

import (
	"encoding/json"
	"fmt"
	"maps"

	"testzone/airspace/notice"
	"testzone/geofence"
	"testzone/telemetry/journal"
)

// registerState is the register's part of a snapshot: all that Replay builds. The
// same program reads it that wrote it, so that its form may change at will.
type registerState struct {
	Last     uint64                       `json:"last"`
	Seqs     map[journal.Aggregate]uint64 `json:"seqs"`
	Fences   []recordState                `json:"fences"`
	Versions map[string][]versionState    `json:"versions"`
	Answers  []answerState                `json:"answers"` // oldest first

	Organisations map[string]Organisation `json:"organisations"`
	People        map[string]Person       `json:"people"`
	Keys          map[string]APIKey       `json:"keys"`
	Proposals     map[string]Proposal     `json:"proposals"`

	Vehicles     map[string]Vehicle       `json:"vehicles"`
	Gateways     map[string]Gateway       `json:"gateways"`
	Since        map[string]int64         `json:"since"`
	FleetAnswers []keptState[fleetChange] `json:"fleet_answers"`

	State          ZoneStatus        `json:"state"`
	Duties         map[string]Duty   `json:"duties"`
	ControlAnswers []keptState[Duty] `json:"control_answers"`

	Priorities      map[string]Priority   `json:"priorities"`
	PriorityAnswers []keptState[Priority] `json:"priority_answers"`

	Permits    permitsState    `json:"permits"`
	Activities activitiesState `json:"activities"`
	Supervised supervisedState `json:"supervised"`
	Notices    json.RawMessage `json:"notices"`
	Documents  []Document      `json:"documents"`

	Sites       []*siteJSON               `json:"sites"`
	Bookings    map[string]Booking        `json:"bookings"`
	SiteAnswers []keptState[[]siteChange] `json:"site_answers"`

	Restrictions       map[string]Restriction   `json:"restrictions"`
	RestrictionAnswers []keptState[Restriction] `json:"restriction_answers"`
}

type recordState struct {
	Fence     *fenceJSON `json:"fence"`
	CreatedUS int64      `json:"created_us"`
	UpdatedUS int64      `json:"updated_us"`
	UpdatedBy string     `json:"updated_by"`
	Deleted   bool       `json:"deleted,omitempty"`
}

type versionState struct {
	Fence   *fenceJSON `json:"fence"`
	AtUS    int64      `json:"at_us"`
	By      string     `json:"by"`
	Deleted bool       `json:"deleted,omitempty"`
}

type answerState struct {
	By      string          `json:"by"`
	Key     string          `json:"key"`
	SHA256  string          `json:"sha256"`
	AtUS    int64           `json:"at_us"`
	Records []recordState   `json:"records,omitempty"`
	Changes []accountChange `json:"changes,omitempty"`
}

// SaveState is all that the records which were replayed have led to, for LoadState.
// It is for a register that only replays: what is provisional is not in it.
func (r *Register) SaveState() ([]byte, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s := registerState{
		Last: r.last, Seqs: r.seqs, Versions: make(map[string][]versionState, len(r.versions)),
		Organisations: r.accounts.organisations, People: r.accounts.people, Keys: r.accounts.keys, Proposals: r.accounts.proposals,
		Vehicles: r.fleet.vehicles, Gateways: r.fleet.gateways, Since: r.fleet.since,
		State: r.control.state, Duties: r.control.duties, Priorities: r.priorities.of,
		Bookings: r.places.bookings, Restrictions: r.restrictions.of,
	}
	var err error
	if s.Permits, err = r.permits.save(); err != nil {
		return nil, err
	}
	if s.Activities, err = r.activities.save(); err != nil {
		return nil, err
	}
	if s.Supervised, err = r.supervised.save(); err != nil {
		return nil, err
	}
	if s.Notices, err = r.notices.SaveState(); err != nil {
		return nil, err
	}
	s.Documents = r.documents.save()
	s.RestrictionAnswers = r.restrictions.answers.save()
	for _, at := range sorted(r.places.sites) {
		s.Sites = append(s.Sites, encodeSite(at))
	}
	s.SiteAnswers = r.places.answers.save()
	s.PriorityAnswers = r.priorities.answers.save()
	s.ControlAnswers = r.control.answers.save()
	s.FleetAnswers = r.fleet.answers.save()
	for _, f := range sorted(r.fences) {
		s.Fences = append(s.Fences, saveRecord(f))
	}
	for id, versions := range r.versions {
		for i := range versions {
			v := &versions[i]
			s.Versions[id] = append(s.Versions[id], versionState{encodeFence(&v.Fence), v.AtUS, v.By, v.Deleted})
		}
	}
	for _, a := range r.answers.order {
		out := answerState{By: a.name.by, Key: a.name.key, SHA256: a.sha256, AtUS: a.atUS, Changes: a.changes}
		for i := range a.records {
			out.Records = append(out.Records, saveRecord(&a.records[i]))
		}
		s.Answers = append(s.Answers, out)
	}
	return json.Marshal(&s)
}

func saveRecord(f *FenceRecord) recordState {
	return recordState{encodeFence(&f.Fence), f.CreatedUS, f.UpdatedUS, f.UpdatedBy, f.Deleted}
}

// LoadState reads what SaveState wrote; install makes it the state of a register
// into which nothing was replayed. Nothing changes before install is called.
func (r *Register) LoadState(b []byte) (install func(), err error) {
	var s registerState
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("state of the register: %w", err)
	}
	next, err := NewRegister(r.cfg)
	if err == nil {
		err = next.load(&s)
	}
	if err != nil {
		return nil, fmt.Errorf("state of the register: %w", err)
	}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.fences, r.versions, r.seqs, r.answers, r.last = next.fences, next.versions, next.seqs, next.answers, next.last
		r.accounts, r.fleet, r.control, r.priorities, r.permits = next.accounts, next.fleet, next.control, next.priorities, next.permits
		r.places, r.volumes, r.restrictions, r.activities, r.supervised, r.notices = next.places, next.volumes, next.restrictions, next.activities, next.supervised, next.notices
		r.documents = next.documents
	}, nil
}

func (r *Register) load(s *registerState) error {
	var err error
	if r.notices, err = notice.LoadState(s.Notices); err != nil {
		return err
	}
	r.last = s.Last
	maps.Copy(r.seqs, s.Seqs)
	maps.Copy(r.accounts.organisations, s.Organisations)
	maps.Copy(r.accounts.people, s.People)
	maps.Copy(r.accounts.keys, s.Keys)
	maps.Copy(r.accounts.proposals, s.Proposals)
	maps.Copy(r.fleet.vehicles, s.Vehicles)
	maps.Copy(r.fleet.gateways, s.Gateways)
	maps.Copy(r.fleet.since, s.Since)
	r.fleet.answers.load(s.FleetAnswers)
	r.control.state = s.State
	maps.Copy(r.control.duties, s.Duties)
	r.control.answers.load(s.ControlAnswers)
	maps.Copy(r.priorities.of, s.Priorities)
	r.priorities.answers.load(s.PriorityAnswers)
	if err := r.permits.load(&s.Permits); err != nil {
		return err
	}
	if err := r.loadActivities(&s.Activities); err != nil {
		return err
	}
	r.documents.load(s.Documents)
	if err := r.supervised.load(&s.Supervised); err != nil {
		return err
	}
	maps.Copy(r.restrictions.of, s.Restrictions)
	r.restrictions.answers.load(s.RestrictionAnswers)
	if err := r.loadPlaces(s); err != nil {
		return err
	}
	for i := range s.Fences {
		f, err := s.Fences[i].load(nil)
		if err != nil {
			return err
		}
		r.fences[f.Fence.ID] = &f
		r.keepOuts.change(f.Fence.ID)
	}
	for id, versions := range s.Versions {
		out := make([]FenceVersion, len(versions))
		for i, v := range versions {
			f, err := v.Fence.decode()
			if err != nil {
				return fmt.Errorf("fence %s: %w", id, err)
			}
			out[i] = FenceVersion{Fence: f, AtUS: v.AtUS, By: v.By, Deleted: v.Deleted}
		}
		r.versions[id] = out
	}
	for i := range s.Answers {
		a := &s.Answers[i]
		out := &answer{name: requestName{a.By, a.Key}, sha256: a.SHA256, atUS: a.AtUS, changes: a.Changes}
		for k := range a.Records {
			f, err := a.Records[k].load(r.fences[a.Records[k].Fence.ID])
			if err != nil {
				return err
			}
			out.records = append(out.records, f)
		}
		r.answers.byName[out.name] = out
		r.answers.order = append(r.answers.order, out)
		r.answers.size += len(out.records) + len(out.changes)
	}
	return nil
}

func (r *Register) loadPlaces(s *registerState) error {
	for _, j := range s.Sites {
		at, err := j.decode()
		if err != nil {
			return err
		}
		r.places.sites[at.ID] = at
	}
	for _, b := range sorted(s.Bookings) {
		if err := r.applyBooking(b); err != nil {
			return err
		}
	}
	r.places.answers.load(s.SiteAnswers)
	return nil
}

// load makes the record; like is one whose geometry it shares when the revision is
// the same, since compiling takes the longest of all.
func (s *recordState) load(like *FenceRecord) (FenceRecord, error) {
	fence, err := s.Fence.decode()
	if err != nil {
		return FenceRecord{}, fmt.Errorf("fence %s: %w", s.Fence.ID, err)
	}
	f := FenceRecord{Fence: fence, CreatedUS: s.CreatedUS, UpdatedUS: s.UpdatedUS, UpdatedBy: s.UpdatedBy, Deleted: s.Deleted}
	switch {
	case f.Deleted:
	case like != nil && like.compiled != nil && like.Fence.Rev == fence.Rev:
		f.Fence, f.compiled = like.Fence, like.compiled
	default:
		if f.compiled, err = geofence.Compile(fence); err != nil {
			return FenceRecord{}, fmt.Errorf("fence %s: %w", fence.ID, err)
		}
		f.Fence = f.compiled.Fence
	}
	return f, nil
}
