package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"time"

	"testzone/airspace"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/telemetry/command/bulk"
	"testzone/telemetry/command/ladder"
	"testzone/telemetry/command/onboard"
	"testzone/telemetry/coverage"
	"testzone/telemetry/journal"
	"testzone/web"
)

// A snapshot spares a start the decoding of all that was ever decided. It is made
// from the journal alone, by a second set of parts that loads the snapshot before
// and replays what came since: so it is what a replay builds, whatever the parts of
// the running server are doing, and costs them no lock. That set is in memory while
// a snapshot is made. The audit log is never in one: it is built from the entries.

const (
	// snapshotLook is how often somebody looks whether a snapshot is due.
	snapshotLook = 10 * time.Second
	// snapshotAtStop is how many entries a stop leaves to the next start at most.
	snapshotAtStop = 1000
)

// statePart is a part of the state that the journal builds.
type statePart interface {
	Replay(journal.Record) error
	SaveState() ([]byte, error)
	LoadState([]byte) (install func(), err error)
}

// state is the parts that are in a snapshot, in its order.
type state []statePart

func (s *server) state() state {
	return state{s.register, s.book, s.requests, s.orders, s.coverage, s.ladders, s.bulk, s.plans}
}

// freshState has seen no entry and decides nothing.
func (s *server) freshState() (state, error) {
	register, err := airspace.NewRegister(airspace.Config{Zone: s.cfg.zone(), Journal: s.journal})
	if err != nil {
		return nil, err
	}
	orders, err := command.New(command.Config{})
	if err != nil {
		return nil, err
	}
	many, err := bulk.New(bulk.Config{})
	if err != nil {
		return nil, err
	}
	covered, err := coverage.New(coverage.Config{})
	if err != nil {
		return nil, err
	}
	ladders, err := ladder.New(ladder.Config{})
	if err != nil {
		return nil, err
	}
	plans, err := onboard.New(onboard.Config{})
	if err != nil {
		return nil, err
	}
	return state{register, telemetry.NewBook(telemetry.BookConfig{Bus: telemetry.NewBus(nil)}), web.NewRequests(), orders, covered, ladders, many, plans}, nil
}

func (st state) replay(rec journal.Record) error {
	errs := make([]error, len(st))
	for i, part := range st {
		errs[i] = part.Replay(rec)
	}
	return errors.Join(errs...)
}

// savedState is a state as it stands in a snapshot: of each part the size in bytes,
// u64 little-endian, and its bytes.
type savedState [][]byte

func (st state) save() (savedState, error) {
	out := make(savedState, len(st))
	for i, part := range st {
		var err error
		if out[i], err = part.SaveState(); err != nil {
			return nil, fmt.Errorf("encode the state: %w", err)
		}
	}
	return out, nil
}

// WriteTo is journal.WriteSnapshot's way to get it.
func (s savedState) WriteTo(w io.Writer) (n int64, err error) {
	for _, part := range s {
		for _, b := range [][]byte{binary.LittleEndian.AppendUint64(nil, uint64(len(part))), part} {
			k, err := w.Write(b)
			if n += int64(k); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

var errSnapshotCut = errors.New("the state ends early or has more parts than this program")

// load takes a saved state in; after an error nothing has changed.
func (st state) load(b []byte) error {
	var installs []func()
	for _, part := range st {
		if len(b) < 8 || uint64(len(b)-8) < binary.LittleEndian.Uint64(b) {
			return errSnapshotCut
		}
		end := 8 + binary.LittleEndian.Uint64(b)
		install, err := part.LoadState(b[8:end])
		if err != nil {
			return err
		}
		installs, b = append(installs, install), b[end:]
	}
	if len(b) > 0 {
		return errSnapshotCut
	}
	for _, install := range installs {
		install()
	}
	return nil
}

// loadSnapshot takes the newest usable snapshot in and returns its last entry; 0
// without one, and everything has to be replayed.
func (s *server) loadSnapshot(st state) (seq uint64) {
	snap, err := s.journal.LatestSnapshot(s.schema)
	if err == nil {
		if err = st.load(snap.State); err == nil {
			return snap.Seq
		}
	}
	if !errors.Is(err, journal.ErrNoSnapshot) {
		s.cfg.log.Warn("no snapshot is used, everything is replayed", "err", err)
	}
	return 0
}

// keepSnapshots writes one after every journal.SnapshotEvery entries until ctx ends.
func (s *server) keepSnapshots(ctx context.Context) error {
	tick := time.NewTicker(snapshotLook)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.snapshotAfter(ctx, journal.SnapshotEvery)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lastSnapshot is for the next start; it is given up when it is late.
func (s *server) lastSnapshot(late <-chan time.Time) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.snapshotAfter(ctx, snapshotAtStop)
	}()
	select {
	case <-done:
	case <-late:
		s.cfg.log.Warn("no snapshot at the stop, it took too long: the next start replays more")
	}
}

// snapshotAfter writes a snapshot when so many entries came since the last one.
func (s *server) snapshotAfter(ctx context.Context, entries uint64) {
	head, _ := s.journal.Head()
	if head-s.snapped < entries || s.schema == 0 || s.journal.Health().State != journal.OK {
		return
	}
	begin := time.Now()
	seq, size, err := s.takeSnapshot(ctx)
	s.snapped = head // after an error, too: not every few seconds
	switch {
	case err == nil:
		s.snapped = seq
		s.cfg.log.Info("snapshot written", "entry", seq, "bytes", size, "took_ms", time.Since(begin).Milliseconds())
	case ctx.Err() == nil:
		s.cfg.log.Warn("snapshot not written: the next start replays more", "err", err)
	}
}

func (s *server) takeSnapshot(ctx context.Context) (seq uint64, size int, err error) {
	st, err := s.freshState()
	if err != nil {
		return 0, 0, err
	}
	var hash [32]byte
	err = s.journal.Replay(s.loadSnapshot(st)+1, func(rec journal.Record) error {
		seq, hash = rec.Seq, rec.Hash
		return errors.Join(ctx.Err(), st.replay(rec))
	})
	if err != nil || seq == 0 { // 0: nothing came
		return 0, 0, err
	}
	saved, err := st.save()
	if err = errors.Join(err, ctx.Err()); err != nil {
		return 0, 0, err
	}
	for _, part := range saved {
		size += len(part)
	}
	return seq, size, s.journal.WriteSnapshot(seq, hash, s.schema, saved)
}

// programSchema stands for this very program: a snapshot is used by the program
// that wrote it only, so that its form needs no versions, and a program that learnt
// to read more of an entry reads them all again. 0: not known, no snapshots.
func programSchema() uint32 {
	path, err := os.Executable()
	if err != nil {
		return 0
	}
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	if _, err := io.Copy(sum, f); err != nil {
		return 0
	}
	return sum.Sum32()
}
