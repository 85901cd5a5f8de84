package airspace

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// ManualOrigin is the origin of a fence that a person drew.
const ManualOrigin = "manual"

// FenceRecord is a fence with its history's newest facts.
type FenceRecord struct {
	Fence     geofence.Fence
	CreatedUS int64
	UpdatedUS int64
	UpdatedBy string
	Deleted   bool // tombstone: Fence.Rev is the revision of the deletion

	compiled *geofence.Compiled // nil for a tombstone
}

// StaleError says which revision is the current one. It is an ErrStale.
type StaleError struct {
	ID      string
	Current uint64
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("fence %s has revision %d now: read it again and repeat your change", e.ID, e.Current)
}

// Is makes errors.Is(err, ErrStale) true.
func (e *StaleError) Is(target error) bool { return target == ErrStale }

// Fences lists the fences that exist, by id.
func (r *Register) Fences() []FenceRecord {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]FenceRecord, 0, len(r.fences))
	for _, f := range r.fences {
		if !f.Deleted {
			out = append(out, *f)
		}
	}
	slices.SortFunc(out, func(a, b FenceRecord) int { return cmp.Compare(a.Fence.ID, b.Fence.ID) })
	return out
}

// Fence is one fence, or its tombstone.
func (r *Register) Fence(id string) (FenceRecord, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	f, ok := r.fences[id]
	if !ok {
		return FenceRecord{}, fmt.Errorf("fence %s: %w", id, ErrNotFound)
	}
	return *f, nil
}

// CreateFence sets a new manual fence. ID, Origin and Rev are the register's.
func (r *Register) CreateFence(ctx context.Context, who Actor, f geofence.Fence) (FenceRecord, error) {
	if !who.May(FenceWrite) {
		return FenceRecord{}, fmt.Errorf("create fence: %s: %w", who.ID, ErrForbidden)
	}
	f.ID = newID("fn_")
	f.Origin = geofence.Origin{Kind: ManualOrigin}
	f.Rev = 1
	return r.putFence(ctx, who, f, 0)
}

// ReplaceFence gives a manual fence a new definition, if rev is its current revision.
func (r *Register) ReplaceFence(ctx context.Context, who Actor, id string, rev uint64, f geofence.Fence) (FenceRecord, error) {
	if !who.May(FenceWrite) {
		return FenceRecord{}, fmt.Errorf("replace fence %s: %s: %w", id, who.ID, ErrForbidden)
	}
	if rev == 0 { // no revision is 0: to checkFence it would mean "must not exist"
		return FenceRecord{}, fmt.Errorf("replace fence %s: %w", id, ErrStale)
	}
	f.ID = id
	f.Origin = geofence.Origin{Kind: ManualOrigin}
	f.Rev = rev + 1
	return r.putFence(ctx, who, f, rev)
}

func (r *Register) putFence(ctx context.Context, who Actor, f geofence.Fence, rev uint64) (FenceRecord, error) {
	if f.Response == "" {
		f.Response = geofence.Warn
	}
	// Checked before the decision queue: geometry may take milliseconds.
	if _, err := geofence.Compile(f); err != nil {
		return FenceRecord{}, fmt.Errorf("fence %q: %w", f.Name, err)
	}
	body := fenceEntry{Type: fencePut, Fence: encodeFence(&f), By: who.ID}
	return r.decideFence(ctx, f.ID, rev, &body)
}

// DeleteFence takes a manual fence away, if rev is its current revision. A
// tombstone stays.
func (r *Register) DeleteFence(ctx context.Context, who Actor, id string, rev uint64) error {
	if !who.May(FenceWrite) {
		return fmt.Errorf("delete fence %s: %s: %w", id, who.ID, ErrForbidden)
	}
	if rev == 0 { // as in ReplaceFence: a deletion of what never was must not reach the journal
		return fmt.Errorf("delete fence %s: %w", id, ErrStale)
	}
	body := fenceEntry{Type: fenceDeleted, ID: id, Rev: rev + 1, By: who.ID}
	_, err := r.decideFence(ctx, id, rev, &body)
	return err
}

// decideFence makes one decision about one fence: one at a time for the zone.
func (r *Register) decideFence(ctx context.Context, id string, rev uint64, body *fenceEntry) (FenceRecord, error) {
	r.decide.Lock()
	defer r.decide.Unlock()
	if err := r.checkFence(id, rev); err != nil {
		return FenceRecord{}, err
	}
	body.AtUS = r.cfg.Clock().UnixMicro()
	// Once handed over, a decision is followed to its end: a client that hangs up
	// must not leave an entry in the journal that the state does not have.
	rec, err := r.append(context.WithoutCancel(ctx), body.AtUS, body, journal.Aggregate("fence:"+id))
	if err != nil {
		return FenceRecord{}, fmt.Errorf("fence %s: %w", id, err)
	}
	if err := r.Replay(rec); err != nil {
		return FenceRecord{}, err // unreachable: what was just compiled compiles again
	}
	if err := r.publishFences(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return FenceRecord{}, fmt.Errorf("fence %s is decided but not yet in force: %w", id, err)
	}
	out, err := r.Fence(id)
	if err == nil && r.cfg.FenceChanged != nil {
		r.cfg.FenceChanged(out)
	}
	return out, err
}

func (r *Register) checkFence(id string, rev uint64) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	f, ok := r.fences[id]
	switch {
	case rev == 0 && !ok:
		return nil
	case !ok, f.Deleted:
		return fmt.Errorf("fence %s: %w", id, ErrNotFound)
	case f.Fence.Origin.Kind != ManualOrigin:
		return fmt.Errorf("fence %s comes from %s %s: %w", id, f.Fence.Origin.Kind, f.Fence.Origin.ID, ErrNotManual)
	case f.Fence.Rev != rev:
		return &StaleError{ID: id, Current: f.Fence.Rev}
	}
	return nil
}

// The journal's form of a fence, in lattice units. Schema DecisionSchema.
type fenceEntry struct {
	Type  string     `json:"type"` // fence.put, fence.deleted
	Fence *fenceJSON `json:"fence,omitempty"`
	ID    string     `json:"id,omitempty"`
	Rev   uint64     `json:"rev,omitempty"`
	By    string     `json:"by"`
	AtUS  int64      `json:"at_us"`
}

const (
	fencePut     = "fence.put"
	fenceDeleted = "fence.deleted"
)

type fenceJSON struct {
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	Kind     string         `json:"kind"`
	Polygons [][][][2]int32 `json:"polygons,omitempty"` // polygon, ring (first is outer), vertex {lon, lat} degE7
	Circle   *circleJSON    `json:"circle,omitempty"`
	Floor    *altitudeJSON  `json:"floor,omitempty"`
	Ceiling  *altitudeJSON  `json:"ceiling,omitempty"`
	Classes  []string       `json:"classes,omitempty"`
	Response string         `json:"response"`
	Origin   string         `json:"origin"`
	OriginID string         `json:"origin_id,omitempty"`
	Rev      uint64         `json:"rev"`
}

type circleJSON struct {
	Center  [2]int32 `json:"center"`
	RadiusM float64  `json:"radius_m"`
}

type altitudeJSON struct {
	MM    int32  `json:"mm"`
	Datum string `json:"datum"`
}

func encodeFence(f *geofence.Fence) *fenceJSON {
	out := &fenceJSON{
		ID: f.ID, Name: f.Name, Kind: f.Kind.String(), Response: string(f.Response),
		Origin: f.Origin.Kind, OriginID: f.Origin.ID, Rev: f.Rev,
		Floor: encodeAltitude(f.Floor), Ceiling: encodeAltitude(f.Ceiling),
	}
	for _, p := range f.Shape.Polygons {
		rings := [][][2]int32{encodeRing(p.Outer)}
		for _, h := range p.Holes {
			rings = append(rings, encodeRing(h))
		}
		out.Polygons = append(out.Polygons, rings)
	}
	if c := f.Shape.Circle; c != nil {
		out.Circle = &circleJSON{Center: [2]int32{c.Center.Lon, c.Center.Lat}, RadiusM: c.RadiusM}
	}
	for _, c := range f.Classes.List() {
		out.Classes = append(out.Classes, c.String())
	}
	return out
}

func encodeRing(r geo.Ring) [][2]int32 {
	out := make([][2]int32, len(r))
	for i, p := range r {
		out[i] = [2]int32{p.Lon, p.Lat}
	}
	return out
}

func encodeAltitude(a geo.Altitude) *altitudeJSON {
	if a.Datum == geo.NoDatum {
		return nil
	}
	return &altitudeJSON{MM: a.MM, Datum: a.Datum.String()}
}

var errFenceEntry = errors.New("fence entry is not readable")

func (j *fenceJSON) decode() (geofence.Fence, error) {
	f := geofence.Fence{
		ID: j.ID, Name: j.Name, Response: geofence.Response(j.Response),
		Origin: geofence.Origin{Kind: j.Origin, ID: j.OriginID}, Rev: j.Rev,
	}
	var ok bool
	if f.Kind, ok = geofence.ParseKind(j.Kind); !ok {
		return f, fmt.Errorf("%w: kind %q", errFenceEntry, j.Kind)
	}
	for _, rings := range j.Polygons {
		if len(rings) == 0 {
			return f, fmt.Errorf("%w: polygon without a ring", errFenceEntry)
		}
		p := geo.Polygon{Outer: decodeRing(rings[0])}
		for _, h := range rings[1:] {
			p.Holes = append(p.Holes, decodeRing(h))
		}
		f.Shape.Polygons = append(f.Shape.Polygons, p)
	}
	if c := j.Circle; c != nil {
		f.Shape.Circle = &geo.Circle{Center: geo.Point{Lon: c.Center[0], Lat: c.Center[1]}, RadiusM: c.RadiusM}
	}
	for _, name := range j.Classes {
		c, ok := vehicles.ParseClass(name)
		if !ok {
			return f, fmt.Errorf("%w: class %q", errFenceEntry, name)
		}
		f.Classes |= vehicles.ClassSet(c)
	}
	var err error
	if f.Floor, err = j.Floor.decode(); err != nil {
		return f, err
	}
	f.Ceiling, err = j.Ceiling.decode()
	return f, err
}

func (a *altitudeJSON) decode() (geo.Altitude, error) {
	if a == nil {
		return geo.Altitude{}, nil
	}
	d, ok := geo.ParseDatum(a.Datum)
	if !ok {
		return geo.Altitude{}, fmt.Errorf("%w: datum %q", errFenceEntry, a.Datum)
	}
	return geo.Altitude{MM: a.MM, Datum: d}, nil
}

func decodeRing(r [][2]int32) geo.Ring {
	out := make(geo.Ring, len(r))
	for i, v := range r {
		out[i] = geo.Point{Lon: v[0], Lat: v[1]}
	}
	return out
}

// readFence decodes a fence entry and compiles its fence, if it sets one.
func readFence(rec journal.Record) (e fenceEntry, c *geofence.Compiled, err error) {
	if err := json.Unmarshal(rec.Body, &e); err != nil {
		return e, nil, fmt.Errorf("%w: %w", errFenceEntry, err)
	}
	switch {
	case e.Type == fencePut && e.Fence != nil:
		f, err := e.Fence.decode()
		if err != nil {
			return e, nil, err
		}
		if c, err = geofence.Compile(f); err != nil {
			return e, nil, fmt.Errorf("fence %s: %w", f.ID, err)
		}
	case e.Type != fenceDeleted:
		return e, nil, fmt.Errorf("%w: type %q", errFenceEntry, e.Type)
	}
	return e, c, nil
}

// applyFence takes a durable entry into the state. Called with r.mu held.
func (r *Register) applyFence(e *fenceEntry, c *geofence.Compiled) error {
	if c == nil {
		old := r.fences[e.ID]
		if old == nil {
			return fmt.Errorf("%w: deletes fence %s, which never was", errFenceEntry, e.ID)
		}
		gone := *old
		gone.Deleted, gone.compiled = true, nil
		gone.Fence.Rev, gone.UpdatedUS, gone.UpdatedBy = e.Rev, e.AtUS, e.By
		r.fences[e.ID] = &gone
		return nil
	}
	created := e.AtUS
	if old := r.fences[c.Fence.ID]; old != nil {
		created = old.CreatedUS
	}
	r.fences[c.Fence.ID] = &FenceRecord{Fence: c.Fence, CreatedUS: created, UpdatedUS: e.AtUS, UpdatedBy: e.By, compiled: c}
	return nil
}

func newID(prefix string) string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	return prefix + hex.EncodeToString(b[:])
}
