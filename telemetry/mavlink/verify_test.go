package mavlink

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	gomav "github.com/bluenviron/gomavlib/v3/pkg/frame"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/vehicles"
)

var (
	keyA = Key(bytes.Repeat([]byte{7}, 32))
	keyB = Key(bytes.Repeat([]byte{9}, 32))
)

// signer signs with gomavlib, so that verification is tested against another
// implementation.
type signer struct {
	sender
	key  Key
	link uint8
	ts   Stamp
}

func newSigner(sys uint8, key Key) *signer {
	return &signer{sender{sys: sys, comp: 1}, key, 3, StampOf(epoch)}
}

// next signs with a stamp one higher than the last.
func (s *signer) next(msg message.Message) []byte {
	s.ts++
	return s.at(s.ts, msg)
}

func (s *signer) at(ts Stamp, msg message.Message) []byte {
	rw := testDialect().GetMessage(msg.GetID())
	f := &gomav.V2Frame{
		IncompatibilityFlag: flagSigned, SequenceNumber: s.seq, SystemID: s.sys, ComponentID: s.comp,
		Message: rw.Write(msg, true), SignatureLinkID: s.link, SignatureTimestamp: uint64(ts),
	}
	s.seq++
	f.Checksum = f.GenerateChecksum(rw.CRCExtra())
	k := gomav.V2Key(s.key)
	f.Signature = f.GenerateSignature(&k)
	var buf bytes.Buffer
	w := &gomav.Writer{ByteWriter: &buf}
	if err := w.Initialize(); err != nil {
		panic(err)
	}
	if err := w.Write(f); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

func credential(vehicle vehicles.VehicleID, sys uint8, key Key) *Credential {
	return &Credential{Vehicle: vehicle, SystemID: sys, KeyID: "vk_" + string(vehicle), Key: key, Stamps: &Stamps{}}
}

// signedBench is a decoder of a signed listener.
func signedBench(t *testing.T, creds ...*Credential) (*bench, *Keyring) {
	t.Helper()
	ring := &Keyring{}
	if err := ring.Set(creds); err != nil {
		t.Fatal(err)
	}
	rec := &recorder{}
	cfg := Config{Name: "signed", Idle: time.Minute, Keys: ring}
	b := &bench{newDecoder(cfg, testCatalog(), rec, &routes{}, epoch), rec, epoch}
	b.tick(epoch)
	return b, ring
}

// only checks that nothing but what is named was refused.
func only(t *testing.T, s *Stats, want map[Reason]uint64) {
	t.Helper()
	for r := range ReasonCount {
		if s.Refused[r] != want[r] {
			t.Errorf("refused %s: %d, want %d", r, s.Refused[r], want[r])
		}
	}
	balance(t, s)
}

func TestSignedVehicleIsFollowed(t *testing.T) {
	b, _ := signedBench(t, credential("uav-7", 1, keyA), credential("uav-8", 2, keyB))
	s := newSigner(1, keyA)
	b.send(addrA, s.next(somewhere())) // before the heartbeat: not known yet
	b.send(addrA, s.next(copterBeat()), s.next(somewhere()))
	if len(b.rec.sources) != 1 || b.rec.sources[0].Vehicle != "uav-7" || b.rec.sources[0].Class != vehicles.UAV {
		t.Fatalf("sources %+v", b.rec.sources)
	}
	if got := b.rec.positions(); !slices.Equal(got, []vehicles.Handle{1}) {
		t.Errorf("positions of %v", got)
	}
	route, ok := b.routes.get(1)
	if !ok || route.Addr != addrA || route.SystemID != 1 || route.Autopilot != 1 || route.Credential.Vehicle != "uav-7" {
		t.Errorf("route %+v, %v", route, ok)
	}
	only(t, &b.stats, map[Reason]uint64{NoSession: 1})
}

func TestWhatIsNotAuthentic(t *testing.T) {
	good := func(s *signer) []byte { return s.next(somewhere()) }
	for _, tc := range []struct {
		name string
		send func(s *signer) []byte
		want Reason
	}{
		{"no signature", func(s *signer) []byte { return s.frame(somewhere()) }, Unsigned},
		{"version 1", func(s *signer) []byte { v := sender{v1: true, sys: 1, comp: 1}; return v.frame(somewhere()) }, Unsigned},
		{"another vehicle's key", func(s *signer) []byte { s.key = keyB; return good(s) }, BadSignature},
		{"one bit of the signature", func(s *signer) []byte { f := good(s); f[len(f)-1] ^= 1; return f }, BadSignature},
		{"another link id", func(s *signer) []byte { f := good(s); f[len(f)-signature]++; return f }, BadSignature},
		{"another timestamp", func(s *signer) []byte { f := good(s); f[len(f)-signature+1]++; return f }, BadSignature},
		{"another system id, no vehicle's", func(s *signer) []byte { s.sys = 77; return good(s) }, NotEnrolled},
		{"the same stamp", func(s *signer) []byte { return s.at(s.ts, somewhere()) }, Replay},
		{"an older stamp", func(s *signer) []byte { return s.at(s.ts-1, somewhere()) }, Replay},
		{"another link, older than all", func(s *signer) []byte { s.link = 9; return s.at(s.ts-1, somewhere()) }, Replay},
		{"a component that has no right to the key", func(s *signer) []byte { s.comp = 191; return good(s) }, WrongComponent},
		{"more than an hour ahead", func(s *signer) []byte { return s.at(StampOf(epoch)+futureStamps+1, somewhere()) }, Future},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b, _ := signedBench(t, credential("uav-7", 1, keyA), credential("uav-8", 2, keyB))
			s := newSigner(1, keyA)
			b.send(addrA, s.next(copterBeat()))
			before := b.rec.positions()
			frame := tc.send(s)
			b.send(addrA, frame)
			if got := b.rec.positions(); len(got) != len(before) {
				t.Fatalf("the frame moved a vehicle: %v", got)
			}
			only(t, &b.stats, map[Reason]uint64{tc.want: 1})
			// The vehicle itself goes on, from here and from elsewhere.
			honest := newSigner(1, keyA)
			honest.ts += 10
			b.send(addrA, good(honest))
			b.send(addrB, good(honest))
			if got := b.rec.positions(); len(got) != len(before)+2 {
				t.Errorf("the vehicle is no longer followed: %v", b.stats.Refused)
			}
		})
	}
}

// A first stamp near 0, of a vehicle without clock, is accepted, and all that are
// higher after it.
func TestVehicleWithoutClock(t *testing.T) {
	b, _ := signedBench(t, credential("uav-7", 1, keyA))
	s := newSigner(1, keyA)
	b.send(addrA, s.at(5, copterBeat()))
	for _, ts := range []Stamp{100, 1000, 900_000, StampOf(epoch)} {
		b.send(addrA, s.at(ts, somewhere()))
	}
	if got := len(b.rec.positions()); got != 4 {
		t.Errorf("%d positions, want 4: %v", got, b.stats.Refused)
	}
}

func TestReplay(t *testing.T) {
	cred := credential("uav-7", 1, keyA)
	b, _ := signedBench(t, cred)
	s := newSigner(1, keyA)
	var captured [][]byte
	for range 50 {
		captured = append(captured, s.next(copterBeat()), s.next(somewhere()))
	}
	b.send(addrA, captured...)
	accepted := b.stats.Decoded
	if accepted != 100 {
		t.Fatalf("%d of 100 accepted: %v", accepted, b.stats.Refused)
	}
	again := func(where string, b *bench, from netip.AddrPort, before uint64) {
		t.Helper()
		b.send(from, captured...)
		if b.stats.Decoded != before {
			t.Errorf("%s: %d replayed frames were accepted", where, b.stats.Decoded-before)
		}
		balance(t, &b.stats)
	}
	again("same address", b, addrA, accepted)
	again("another address", b, addrB, accepted)
	b.advance(2 * time.Minute) // the sessions are gone
	if b.stats.Sessions != 0 {
		t.Fatalf("%d sessions", b.stats.Sessions)
	}
	again("after the session ended", b, addrA, accepted)
	b.advance(-time.Hour)
	again("after the clock was set back", b, addrB, accepted)
	b.advance(48 * time.Hour)
	again("after the clock was set on", b, addrA, accepted)

	// Signed by the vehicle for another ground station, on another link, before
	// what we saw: recorded there and sent to us.
	other := newSigner(1, keyA)
	other.link, captured = 8, nil
	for range 50 {
		captured = append(captured, other.next(copterBeat()))
	}
	again("recorded on another link", b, addrA, accepted)

	// Another listener of the same key, which never saw the vehicle.
	second, _ := signedBench(t, cred)
	again("another listener", second, addrB, 0)
}

func TestRoaming(t *testing.T) {
	b, _ := signedBench(t, credential("uav-7", 1, keyA))
	s := newSigner(1, keyA)
	old := s.next(somewhere())
	b.send(addrA, s.next(copterBeat()), s.next(somewhere()))
	b.send(addrB, old)
	unsigned := s.frame(somewhere())
	b.send(addrB, unsigned)
	if r, _ := b.routes.get(1); r.Addr != addrA || len(b.rec.sources) != 1 {
		t.Fatalf("an old or unsigned frame moved the vehicle to %s", r.Addr)
	}
	b.advance(time.Second)
	b.send(addrB, s.next(somewhere())) // no heartbeat needed: it is known
	if r, _ := b.routes.get(1); r.Addr != addrB {
		t.Errorf("route leads to %s, want %s", r.Addr, addrB)
	}
	if b.rec.sources[1].Vehicle != "uav-7" || b.rec.sources[1].MAVType != 2 || b.stats.Roamed != 1 {
		t.Errorf("sources %+v, roamed %d", b.rec.sources, b.stats.Roamed)
	}
	// Back without a new session, once the other address is silent.
	b.send(addrA, s.next(somewhere()))
	if r, _ := b.routes.get(1); r.Addr != addrB {
		t.Errorf("route leads to %s while both speak", r.Addr)
	}
	b.advance(2 * time.Second)
	b.send(addrA, s.next(somewhere()))
	if r, _ := b.routes.get(1); r.Addr != addrA {
		t.Errorf("route leads to %s, want %s", r.Addr, addrA)
	}
	// A vehicle behind a translator that changes the port all the time does not
	// fill the table, and the address it is at stays.
	for i := range 20 {
		b.advance(200 * time.Millisecond)
		at := netip.AddrPortFrom(addrA.Addr(), uint16(20_000+i))
		b.send(at, s.next(somewhere()))
		if r, _ := b.routes.get(1); r.Addr != at {
			t.Fatalf("route leads to %s, want %s", r.Addr, at)
		}
	}
	if b.stats.Sessions != boundSessions || len(b.rec.sources)-len(b.rec.closed) != boundSessions {
		t.Errorf("%d sessions, opened %d, closed %d", b.stats.Sessions, len(b.rec.sources), len(b.rec.closed))
	}
	b.advance(2 * time.Minute)
	if _, ok := b.routes.get(1); ok || b.stats.Sessions != 0 || len(b.bound) != 0 {
		t.Error("a silent vehicle is still reachable")
	}
}

func TestKeyChange(t *testing.T) {
	first := credential("uav-7", 1, keyA)
	b, ring := signedBench(t, first)
	s := newSigner(1, keyA)
	b.send(addrA, s.next(copterBeat()))
	second := credential("uav-7", 1, keyB)
	second.KeyID = "vk_2"
	set := func(c ...*Credential) {
		t.Helper()
		if err := ring.Set(c); err != nil {
			t.Fatal(err)
		}
		b.advance(100 * time.Millisecond)
	}
	set(first, second)
	b.send(addrA, s.next(somewhere()))
	s.key = keyB
	s.ts = 7 // a new key begins anew
	b.send(addrA, s.next(somewhere()))
	if r, _ := b.routes.get(1); r.Credential != second {
		t.Error("the route has the old key")
	}
	set(second)
	b.send(addrA, s.next(somewhere()))
	if got := len(b.rec.positions()); got != 3 || len(b.rec.closed) != 0 {
		t.Fatalf("%d positions, closed %v: %v", got, b.rec.closed, b.stats.Refused)
	}
	s.key = keyA
	b.send(addrA, newSigner(1, keyA).at(StampOf(epoch)+500, somewhere()))
	only(t, &b.stats, map[Reason]uint64{BadSignature: 1})
	set()
	if b.stats.Sessions != 0 || len(b.rec.closed) != 1 {
		t.Errorf("%d sessions after the vehicle was withdrawn", b.stats.Sessions)
	}
}

// Who forges the address of a vehicle must not silence it.
func TestForgedAddressDoesNotMute(t *testing.T) {
	var told []Suspicion
	b, _ := signedBench(t, credential("uav-7", 1, keyA))
	b.tell = func(s Suspicion) { told = append(told, s) }
	s, forger := newSigner(1, keyA), newSigner(1, keyB)
	b.send(addrA, s.next(copterBeat()))
	for range 500 {
		b.send(addrA, forger.next(somewhere()))
	}
	b.send(addrA, s.next(somewhere()))
	if len(b.rec.positions()) != 1 {
		t.Errorf("the vehicle was silenced: %v", b.stats.Refused)
	}
	want := Suspicion{Listener: "signed", Addr: addrA, SystemID: 1, Vehicle: "uav-7", Why: BadSignature, Count: suspicious}
	if len(told) != 1 || told[0] != want {
		t.Errorf("told %+v, want once %+v", told, want)
	}
	only(t, &b.stats, map[Reason]uint64{BadSignature: 500})
}

func TestUnknownSourcesAreMuted(t *testing.T) {
	b, _ := signedBench(t, credential("uav-7", 1, keyA))
	forger := newSigner(1, keyB)
	for range 30 {
		b.send(addrA, forger.next(copterBeat()))
		b.advance(100 * time.Millisecond)
	}
	// Ten are looked at, then one a second.
	if n := b.stats.Refused[BadSignature]; n != suspicious+2 && n != suspicious+1 {
		t.Errorf("%d signatures were looked at: %v", n, b.stats.Refused)
	}
	b.advance(time.Second)
	b.send(addrA, newSigner(1, keyA).next(copterBeat()))
	if len(b.rec.sources) != 1 {
		t.Errorf("the vehicle behind a muted address never gets in: %v", b.stats.Refused)
	}
}

func TestForgedSourcesCannotKeepVehicleOut(t *testing.T) {
	b, _ := signedBench(t, credential("uav-7", 1, keyA))
	forged := newSigner(1, keyB).next(copterBeat())
	s := newSigner(1, keyA)
	for i := range 20_000 {
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), uint16(i))
		b.send(addr, forged)
	}
	b.send(addrA, s.next(copterBeat()))
	if len(b.rec.sources) != 1 {
		t.Errorf("the vehicle was kept out: %v", b.stats.Refused)
	}
	if len(b.pending.index) > 256 {
		t.Errorf("%d sources are remembered", len(b.pending.index))
	}
}

func TestVouchedSource(t *testing.T) {
	c := &Credential{Vehicle: "usv-2", SystemID: 4, Vouched: true}
	b, _ := signedBench(t, c)
	s, other := &sender{sys: 4, comp: 1}, &sender{sys: 5, comp: 1}
	b.send(addrA, s.frame(heartbeat(11, 3)), s.frame(somewhere()), other.frame(copterBeat()))
	if len(b.rec.sources) != 1 || b.rec.sources[0].Vehicle != "usv-2" || len(b.rec.positions()) != 1 {
		t.Errorf("sources %+v", b.rec.sources)
	}
	only(t, &b.stats, map[Reason]uint64{NotEnrolled: 1})
}

func TestClockBehind(t *testing.T) {
	ring := &Keyring{}
	if err := ring.Set([]*Credential{credential("uav-7", 1, keyA)}); err != nil {
		t.Fatal(err)
	}
	// The server's clock says 2015; what it wrote before says otherwise.
	wrong := time.Date(2015, 1, 2, 0, 0, 0, 0, time.UTC)
	rec := &recorder{}
	d := newDecoder(Config{Keys: ring, NotBefore: epoch.Add(-50 * time.Minute), Idle: time.Minute}, testCatalog(), rec, &routes{}, wrong)
	d.tick(wrong)
	d.datagram(addrA, newSigner(1, keyA).next(copterBeat()))
	if len(rec.sources) != 1 {
		t.Errorf("an honest vehicle was taken for one of the future: %v", d.stats.Refused)
	}
}

func TestKeyringRefuses(t *testing.T) {
	same := credential("uav-8", 1, keyB)
	five := []*Credential{}
	for i := range MaxKeys + 1 {
		c := credential("uav-7", 1, keyA)
		c.KeyID = fmt.Sprint(i)
		five = append(five, c)
	}
	ring := &Keyring{}
	for name, creds := range map[string][]*Credential{
		"system id twice": {credential("uav-7", 1, keyA), same},
		"too many keys":   five,
		"system id 0":     {credential("uav-7", 0, keyA)},
		"empty key":       {credential("uav-7", 1, Key{})},
		"no replay state": {{Vehicle: "uav-7", SystemID: 1, Key: keyA}},
		"no vehicle":      {credential("", 1, keyA)},
	} {
		if err := ring.Set(creds); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if got := fmt.Sprintf("%v %+v %#v %s", keyA, Credential{Key: keyA}, keyA, keyA); bytes.Contains([]byte(got), []byte("7 7 7")) || bytes.Contains([]byte(got), []byte("0x7")) {
		t.Errorf("a key is printed: %s", got)
	}
}

func TestVerificationDoesNotAllocate(t *testing.T) {
	b, _ := signedBench(t, credential("uav-7", 1, keyA))
	s := newSigner(1, keyA)
	b.send(addrA, s.next(copterBeat()))
	b.limits.UnknownPerDatagram = -1
	const n = 2000
	var good, bad, old [][]byte
	forger := newSigner(1, keyB)
	for range n {
		f := s.next(&ardupilotmega.MessageAttitude{Roll: 1})
		good, old = append(good, f), append(old, f)
		bad = append(bad, forger.next(somewhere()))
	}
	for name, list := range map[string][][]byte{"authentic": good, "forged": bad, "replayed": old} {
		i := 0
		if got := testing.AllocsPerRun(n/2, func() {
			b.datagram(addrA, list[i])
			b.advance(time.Millisecond)
			i++
			b.batch = b.batch[:0]
		}); got != 0 {
			t.Errorf("%s: %v allocations per frame", name, got)
		}
	}
}
