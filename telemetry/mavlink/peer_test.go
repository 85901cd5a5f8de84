package mavlink

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"

	"testzone/vehicles"
)

// peerSays runs npm node-mavlink, which shares no code with us or with gomavlib.
func peerSays(t *testing.T, stdin []byte, args ...string) []byte {
	t.Helper()
	ui, err := filepath.Abs("../../web/ui")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(ui, "node_modules", "node-mavlink")); err != nil {
		t.Fatal("web/ui/node_modules is missing: run `make ui` first, or the tests by `make test`")
	}
	script, err := filepath.Abs("testdata/peer.mjs")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", append([]string{script}, args...)...)
	cmd.Dir, cmd.Stdin = ui, bytes.NewReader(stdin)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node %v: %v\n%s", args, err, errs.Bytes())
	}
	return out
}

// What the independent peer signs is accepted, with the right values; under
// another key none of it.
func TestPeerSignsForUs(t *testing.T) {
	raw := peerSays(t, nil, "sign", strconv.FormatInt(epoch.UnixMilli(), 10))
	for _, right := range []bool{true, false} {
		cred := &Credential{Vehicle: "uav-7", SystemID: 7, KeyID: "vk_7", Key: sevens, Stamps: &Stamps{}}
		if !right {
			cred.Key[3] ^= 1
		}
		ring := &Keyring{}
		if err := ring.Set([]*Credential{cred}); err != nil {
			t.Fatal(err)
		}
		rec := &recorder{}
		d := newDecoder(Config{Keys: ring, Limits: Limits{PerSource: -1, AnswersPerSource: -1, NotesPerSource: -1, UnknownPerSource: -1}}, testCatalog(), rec, &routes{}, epoch)
		d.tick(epoch)
		n := 0
		for b := raw; ; n++ {
			frame, rest, ok := NextFrame(b)
			if !ok {
				break
			}
			d.datagram(addrA, frame)
			b = rest
		}
		d.flush()
		if want := uint64(600); n != 600 || right && d.stats.Decoded != want || !right && d.stats.Decoded != 0 || d.stats.Garbage != 0 {
			t.Fatalf("right key %v: %d frames, stats %+v", right, n, d.stats)
		}
		if !right {
			continue
		}
		positions := 0
		for _, r := range rec.reports {
			if r.Has&vehicles.HasPosition == 0 {
				continue
			}
			i := int32(6*positions + 1)
			if p := r.Fix.Point; p.Lat != 312304160+i || p.Lon != 1214737010-i || r.Velocity != (vehicles.Velocity{N: 100, E: -200, D: 5}) || r.BootMS != uint32(1000+i) {
				t.Errorf("position %d: %+v", positions, r)
			}
			positions++
		}
		if positions != 100 || d.stats.Cold != 300 {
			t.Errorf("%d positions, %d cold messages", positions, d.stats.Cold)
		}
	}
}

// The independent peer finds every signature of a burst of ours right.
func TestPeerVerifiesUs(t *testing.T) {
	const n = 1000
	link := &memoryLink{}
	link.set(signedRoute(1, 1))
	s := newTestSender(t, SenderConfig{Burst: 2 * n, Clock: func() time.Time { return epoch }}, link)
	s.Open(1)
	for i := range n {
		if err := s.Send(1, &ardupilotmega.MessageMissionItemInt{
			TargetSystem: 1, TargetComponent: 1, Seq: uint16(i), Command: 5001, X: int32(-i), Y: 1214737010, MissionType: 1,
		}); err != nil {
			t.Fatal(err)
		}
	}
	var found struct {
		CRCErrors int
		Packets   []struct {
			ID, Sys, Comp, Seq, Link, Item, X, Y, Command int
			Right                                         bool
			Stamp                                         uint64
		}
	}
	out := peerSays(t, join(link.sent()...), "verify")
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if len(found.Packets) != n || found.CRCErrors != 0 {
		t.Fatalf("%d packets, %d errors", len(found.Packets), found.CRCErrors)
	}
	for i, p := range found.Packets {
		if !p.Right || p.ID != idMissionItemInt || p.Sys != 250 || p.Comp != 190 || p.Link != 1 || p.Seq != i%256 || p.Item != i || p.X != -i || p.Y != 1214737010 || p.Command != 5001 {
			t.Fatalf("packet %d: %+v", i, p)
		}
		if want := uint64(StampOf(epoch)) + uint64(i); p.Stamp != want {
			t.Fatalf("packet %d has stamp %d, want %d", i, p.Stamp, want)
		}
	}
}
