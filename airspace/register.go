package airspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"testzone/airspace/activity"
	"testzone/airspace/notice"
	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/airspace/site"
	"testzone/airspace/volumes"
	"testzone/geofence"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// DecisionSchema is the payload type of the register's entries in the journal:
// JSON with a "type".
const DecisionSchema = 1

// Config of a Register. Journal is needed.
type Config struct {
	Zone    Zone
	Journal Appender
	// SetFences puts the compiled fences in force; it returns when they are.
	SetFences func(ctx context.Context, set []*geofence.Compiled) error
	// FenceChanged tells of a fence that was set, changed or deleted, in the
	// order of the decisions and after the change is in force. A record without
	// an ID says that one decision changed more than MaxTold fences: read them all.
	FenceChanged func(FenceRecord)
	Clock        func() time.Time // default time.Now
	// Vehicles are those of the configuration: they change there.
	Vehicles []vehicles.Registration
	// Listeners are the names of the signed listeners at which vehicles can be
	// registered; nil: any name.
	Listeners []string
	// OpenListeners are the names of the others: no gateway may have one of them.
	OpenListeners []string
	// Moves says whether a vehicle may be moving now; default never.
	Moves func(vehicle string) bool
	// FleetChanged tells that vehicles, their keys or gateways changed, before the
	// decision is answered.
	FleetChanged func()
	// StateChanged tells that the zone is in another state, before the decision is
	// answered.
	StateChanged func(ZoneStatus)
	// PrioritiesChanged tells that priority traffic changed, when it is in force.
	PrioritiesChanged func()
	// DutyChanged is called after a change of who is on duty; default: nobody is told.
	DutyChanged func()
	// Noticed tells of new notices, before the decision is answered.
	Noticed func([]notice.Notice)
	// Rules are the rule packs; nil: those that the program brings along.
	Rules *rules.Set
	// Place is where the zone is, for the choice of its pack: "cn-shanghai"; default
	// no place, which has the generic pack.
	Place string
	// PermitChanged tells of an act on a permit, in the order of the decisions and
	// before it is answered.
	PermitChanged func(permit.Permit)
	// ActivityChanged tells of an act on an activity, in the order of the decisions and
	// before it is answered.
	ActivityChanged func(activity.Activity)
	// NotEnforced is why a vehicle could not be held to its permit if it began to move
	// now (SAFETY 9); empty when it could. Default: nothing is activated.
	NotEnforced func(ctx context.Context, id vehicles.VehicleID, permit string) []string
	// Documents has the files of documents; nil: they are kept in another system and
	// named only.
	Documents DocumentStore
	// DocumentsOptional: another system may keep some of them, and one that was not sent
	// counts by its digest. Default: an application is complete with all of them only.
	DocumentsOptional bool
	DocumentQuota     DocumentQuota
	KeptAnswers       int // fences in the answers that are kept a day for repeated requests; default 100,000, about 500 bytes each
	// NoticeDue is by when something that begins at a moment has to be published, by a
	// clock of the rule pack, and which pack says so; 0: none does. Default nil: none.
	NoticeDue func(clock string, fromUS int64) (dueUS int64, pack string)
	// Open says whether a schedule holds at a moment, and when that changes next, 0
	// for not soon; default always.
	Open site.Open
}

// Appender is the journal as the register needs it.
type Appender interface {
	Append(ctx context.Context, batch ...journal.Entry) ([]uint64, error)
}

// Register is the state of the zone's decisions. Replay every record of the
// journal into it, then call Start, then decide.
type Register struct {
	cfg       Config
	startedUS int64
	embedded  func() (*rules.Set, error) // the rule packs of the program
	keepOuts  keepOuts
	granted   granted                         // of who has the token of publishing
	bounded   map[string][]*geofence.Compiled // likewise: the fences of activities, by activity

	zone       journal.Aggregate // the airspace of the zone
	decider    decider
	publishing chan struct{} // holds one token while somebody puts fences in force
	waiting    atomic.Bool   // there is a newer state than the one that is being put in force

	mu          sync.RWMutex // guards the fields below
	fences      map[string]*FenceRecord
	emergencies map[string]*emergency        // in force and not in the journal, by fence
	versions    map[string][]FenceVersion    // by fence, oldest first, at most MaxVersions
	seqs        map[journal.Aggregate]uint64 // last entry that touched the aggregate
	answers     answers                      // of requests that may be repeated
	accounts    accounts
	fleet       fleet
	control     control
	tightenings []tightening // of the zone, in force and not in the journal, oldest first: each safer than the one before
	priorities  priorities
	permits     permits
	activities  activities
	supervised  supervised
	hasty       map[string]*hasty // priority traffic as it is in force and not in the journal, by id
	last        uint64            // newest record that was seen
	places      places

	restrictions restrictions
	notices      *notice.Book
	applying     uint64          // sequence of the entry that is being taken in
	live         bool            // it is of a decision of now, not of a replay
	untold       []notice.Notice // of these decisions
	documents    documents
	volumes      *volumes.Index // of what takes room in space and time: bookings, permits, activities
}

// NewRegister makes an empty register.
func NewRegister(cfg Config) (*Register, error) {
	if cfg.Journal == nil {
		return nil, errors.New("a register needs a journal")
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Open == nil {
		cfg.Open = func(*geofence.Schedule, int64) (bool, int64) { return true, 0 }
	}
	if cfg.KeptAnswers <= 0 {
		cfg.KeptAnswers = 100_000
	}
	index, err := volumes.New(volumes.Config{})
	if err != nil {
		return nil, err
	}
	return &Register{
		zone:       journal.Aggregate("airspace:" + cfg.Zone.ID),
		publishing: make(chan struct{}, 1),
		answers:    answers{byName: map[requestName]*answer{}, limit: cfg.KeptAnswers},
		cfg:        cfg, fences: map[string]*FenceRecord{}, emergencies: map[string]*emergency{}, versions: map[string][]FenceVersion{}, seqs: map[journal.Aggregate]uint64{},
		accounts: newAccounts(), fleet: newFleet(cfg.Vehicles), control: newControl(),
		embedded:   sync.OnceValues(func() (*rules.Set, error) { return rules.Load(rules.Packs()) }),
		priorities: newPriorities(), hasty: map[string]*hasty{}, places: newPlaces(), volumes: index, restrictions: newRestrictions(), permits: newPermits(index), activities: newActivities(index), supervised: newSupervised(), notices: notice.NewBook(), documents: newDocuments(),
		startedUS: cfg.Clock().UnixMicro(),
	}, nil
}

// Zone is the zone that the register is of.
func (r *Register) Zone() Zone { return r.cfg.Zone }

// Replay takes one durable record into the state. Records of other schemas are
// not the register's.
func (r *Register) Replay(rec journal.Record) error {
	switch rec.Schema {
	case AccountSchema:
		return replayed(r, rec, errAccountEntry, r.applyAccounts)
	case FleetSchema:
		return replayed(r, rec, errFleetEntry, r.applyFleet)
	case ControlSchema:
		return replayed(r, rec, errControlEntry, r.applyControl)
	case PrioritySchema:
		return replayed(r, rec, errPriorityEntry, func(e *priorityEntry) error { return r.applyPriority(e, nil) })
	case PermitSchema:
		return replayed(r, rec, errPermitEntry, r.applyPermit)
	case ActivitySchema:
		return replayed(r, rec, errActivityEntry, r.applyActivity)
	case DocumentSchema:
		return replayed(r, rec, errDocumentEntry, r.applyDocuments)
	case SupervisionSchema:
		return replayed(r, rec, errSupervisionEntry, r.applySupervision)
	case RestrictionSchema:
		return replayed(r, rec, errRestrictionEntry, r.applyRestriction)
	case NoticeSchema:
		return replayed(r, rec, errNoticeEntry, r.applyNotice)
	case SiteSchema:
		return replayed(r, rec, errSiteEntry, r.applySites)
	case DecisionSchema:
		return r.replayFences(rec)
	}
	return nil
}

// replayed takes a durable entry, of which bad says that it cannot be read, into the
// state by apply, which is called with r.mu held.
func replayed[E any](r *Register, rec journal.Record, bad error, apply func(*E) error) error {
	var e E
	if err := json.Unmarshal(rec.Body, &e); err != nil {
		return fmt.Errorf("journal entry %d: %w: %w", rec.Seq, bad, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.applying = rec.Seq
	if err := apply(&e); err != nil {
		return fmt.Errorf("journal entry %d: %w", rec.Seq, err)
	}
	r.touched(rec.Expect, rec.Seq)
	return nil
}

func (r *Register) replayFences(rec journal.Record) error {
	entry, changes, err := readFence(rec) // geometry may take milliseconds: not under the lock
	if err != nil {
		return fmt.Errorf("journal entry %d: %w", rec.Seq, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range changes {
		if err := r.applyFence(&entry, &changes[i]); err != nil {
			return fmt.Errorf("journal entry %d: %w", rec.Seq, err)
		}
	}
	r.touched(rec.Expect, rec.Seq)
	return nil
}

// Start puts the fences of the replayed state in force.
func (r *Register) Start(ctx context.Context) error { return r.publishFences(ctx) }

// publishFences puts the fences of the state in force. The newest state is what
// is in force in the end, whoever publishes at the same time: who waits no longer
// leaves it to the one who publishes.
func (r *Register) publishFences(ctx context.Context) (err error) {
	if r.cfg.SetFences == nil {
		return nil
	}
	r.waiting.Store(true)
	select {
	case r.publishing <- struct{}{}:
	case <-ctx.Done():
		err = ctx.Err()
		if !r.mayPublish() {
			return err
		}
	}
	for again := true; again; again = r.waiting.Load() && r.mayPublish() {
		r.waiting.Store(false)
		err = r.cfg.SetFences(ctx, r.inForce())
		<-r.publishing
	}
	return err
}

// mayPublish takes the token if nobody has it. Who has it looks at waiting after
// giving it back.
func (r *Register) mayPublish() bool {
	select {
	case r.publishing <- struct{}{}:
		return true
	default:
		return false
	}
}

// inForce is the fences of the state.
func (r *Register) inForce() []*geofence.Compiled {
	r.mu.RLock()
	defer r.mu.RUnlock()
	set := make([]*geofence.Compiled, 0, len(r.fences)+len(r.emergencies))
	for _, f := range r.fences {
		if f.compiled != nil {
			set = append(set, f.compiled)
		}
	}
	for _, e := range r.emergencies {
		set = append(set, e.record.compiled)
	}
	return r.activityFences(r.withGrants(set))
}
