package airspace_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"testzone/airspace"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// unreliable is a real journal that refuses now and then.
type unreliable struct {
	*journal.Journal
	mu  sync.Mutex // guards rng
	rng *rand.Rand
}

func (u *unreliable) Append(ctx context.Context, batch ...journal.Entry) ([]uint64, error) {
	u.mu.Lock()
	n := u.rng.IntN(20)
	u.mu.Unlock()
	switch n {
	case 0:
		return nil, &journal.ConflictError{Agg: "airspace:north"}
	case 1:
		return nil, journal.ErrNoSpace
	}
	return u.Journal.Append(ctx, batch...)
}

// TestDecisionsAgainstModel makes random decisions from many sides about a few
// fences and accounts. The journal is the order in which they happened: a model
// that makes them one after the other must allow each, every decision that was
// answered as made is in it once, none that was refused is, and a register that
// replays it has the state of the one that decided.
func TestDecisionsAgainstModel(t *testing.T) {
	const sides, each = 16, 40
	j, err := journal.Open(journal.Config{Dir: t.TempDir(), Group: "north", SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	cfg := airspace.Config{Zone: airspace.Zone{ID: "north"}, Listeners: []string{"a"}, Journal: &unreliable{Journal: j, rng: rand.New(rand.NewPCG(1, 1))}}
	r, err := airspace.NewRegister(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	outcome := map[string]error{} // by the actor of the one decision
	var ids []string
	var wg sync.WaitGroup
	for side := range sides {
		rng := rand.New(rand.NewPCG(7, uint64(side)))
		wg.Go(func() {
			for n := range each {
				mu.Lock()
				known := ids
				mu.Unlock()
				who := airspace.Actor{ID: fmt.Sprintf("s%d-%d", side, n), Roles: []airspace.Role{airspace.SetUp}}
				made, err := randomDecision(t.Context(), r, who, rng, known)
				mu.Lock()
				outcome[who.ID] = err
				if made != "" && len(ids) < 6 {
					ids = append(ids, made)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	checkAgainstModel(t, j, outcome)
	cfg.Journal = j
	replayed, err := airspace.NewRegister(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Replay(1, replayed.Replay); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(stateOf(r), stateOf(replayed), cmpopts.IgnoreUnexported(airspace.FenceRecord{})); diff != "" {
		t.Errorf("state that decided, state that is replayed (-decided +replayed):\n%s", diff)
	}
}

// randomDecision makes one of all kinds; made is the id of a new fence.
func randomDecision(ctx context.Context, r *airspace.Register, who airspace.Actor, rng *rand.Rand, ids []string) (made string, err error) {
	op := rng.IntN(13)
	if len(ids) == 0 {
		op = 0
	}
	f := river()
	f.Operators = [][]string{nil, {}, {"acme"}}[rng.IntN(3)]
	org := fmt.Sprint("o", rng.IntN(6))
	id, rev := "", uint64(1)
	if len(ids) > 0 {
		id = ids[rng.IntN(len(ids))]
		if now, err := r.Fence(id); err == nil {
			rev = now.Fence.Rev + uint64(rng.IntN(10)/9) // now and then a revision that is only queued
		}
	}
	switch {
	case op == 0:
		var got airspace.FenceRecord
		got, err = r.CreateFence(ctx, who, f)
		made = got.Fence.ID
	case op < 5:
		_, err = r.ReplaceFence(ctx, who, id, rev, f)
	case op == 5:
		err = r.DeleteFence(ctx, who, id, rev)
	case op == 6:
		_, err = r.RestoreFence(ctx, who, id, rev, 1)
	case op == 7:
		_, err = r.ApplyBatch(ctx, who, []airspace.Change{{Op: airspace.Create, Fence: f}, {Op: airspace.Replace, ID: id, Rev: rev, Fence: f}})
	case op == 8:
		_, err = r.CreateOrganisation(ctx, who, airspace.Organisation{ID: org, Kind: airspace.Operator, Name: "x"})
	case op == 9:
		who.Roles, who.Org = []airspace.Role{airspace.TestOperator}, org
		v := airspace.Vehicle{ID: fmt.Sprint("v", rng.IntN(20)), Name: "x", Class: "uav", Operator: org, MAVLink: vehicles.MAVLink{
			Listener: "a", SystemID: uint8(1 + rng.IntN(200)), Component: 1, Autopilot: vehicles.PX4}}
		_, err = r.RegisterVehicle(ctx, who, v, false)
	case op == 10:
		who.Roles, who.Org = []airspace.Role{airspace.TestOperator}, org
		_, err = r.AddVehicleKey(ctx, who, fmt.Sprint("v", rng.IntN(10)), airspace.NewVehicleKeyID(), false)
	case op == 11:
		who.Roles, who.Org = []airspace.Role{airspace.TestOperator}, org
		_, err = r.EnrolGateway(ctx, who, airspace.Gateway{
			ID: fmt.Sprint("g", rng.IntN(20)), Name: "x", SPKI: fmt.Sprintf("%064x", rng.IntN(40)), Operator: org}, false)
	default:
		_, err = r.CreatePerson(ctx, who, airspace.Person{Org: org, Roles: []airspace.Role{airspace.Observer}})
	}
	return made, err
}

// checkAgainstModel makes the decisions of a journal one after the other.
func checkAgainstModel(t *testing.T, j *journal.Journal, outcome map[string]error) {
	t.Helper()
	type fence struct {
		ID  string
		Rev uint64
	}
	revs, orgs, seen := map[string]uint64{}, map[string]bool{}, map[string]int{}
	err := j.Replay(1, func(rec journal.Record) error {
		var e struct {
			fence
			Fence   *fence
			By      string
			Changes []struct {
				fence
				Fence        *fence
				Organisation *struct{ ID string }
				Person       *struct{ Org string }
				Vehicle      *struct {
					ID  string
					Rev uint64
				}
			}
		}
		if err := json.Unmarshal(rec.Body, &e); err != nil {
			return err
		}
		seen[e.By]++
		put := func(deleted fence, f *fence) {
			if f == nil {
				f = &deleted
			}
			if f.ID == "" {
				return
			}
			if f.Rev != revs[f.ID]+1 {
				t.Errorf("entry %d makes revision %d of %s, which had %d", rec.Seq, f.Rev, f.ID, revs[f.ID])
			}
			revs[f.ID] = f.Rev
		}
		put(e.fence, e.Fence)
		for _, c := range e.Changes {
			put(c.fence, c.Fence)
			if c.Organisation != nil {
				if orgs[c.Organisation.ID] {
					t.Errorf("entry %d makes organisation %s again", rec.Seq, c.Organisation.ID)
				}
				orgs[c.Organisation.ID] = true
			}
			if v := c.Vehicle; v != nil {
				if v.Rev != revs[v.ID]+1 {
					t.Errorf("entry %d makes revision %d of vehicle %s, which had %d", rec.Seq, v.Rev, v.ID, revs[v.ID])
				}
				revs[v.ID] = v.Rev
			}
			if c.Person != nil && !orgs[c.Person.Org] {
				t.Errorf("entry %d makes a person of organisation %s, which there is not", rec.Seq, c.Person.Org)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	for who, err := range outcome {
		if want := 0; err == nil {
			want, made = 1, made+1
			if seen[who] != want {
				t.Errorf("%s was answered as made and is in the journal %d times", who, seen[who])
			}
		} else if seen[who] != want {
			t.Errorf("%s was answered %v and is in the journal %d times", who, err, seen[who])
		}
	}
	if made < len(outcome)/5 || made > len(outcome)*4/5 {
		t.Errorf("%d of %d decisions were made: the test does not press", made, len(outcome))
	}
}

// stateOf is all that can be read of a register.
func stateOf(r *airspace.Register) map[string]any {
	versions := map[string][]airspace.FenceVersion{}
	for _, f := range append(r.Fences(), r.DeletedFences()...) {
		versions[f.Fence.ID], _ = r.FenceVersions(f.Fence.ID)
	}
	return map[string]any{
		"fences": r.Fences(), "deleted": r.DeletedFences(), "versions": versions,
		"organisations": r.Organisations(), "people": r.People(), "keys": r.APIKeys(), "proposals": r.Proposals(),
		"vehicles": r.Fleet(airspace.Everybody, true), "gateways": r.Gateways(airspace.Everybody, true), "tenures": r.Tenures(airspace.Everybody, "a"),
	}
}
