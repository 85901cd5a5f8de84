package gateway

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// The bytes of PROTOCOL.md.
func TestWire(t *testing.T) {
	frame := bytes.Repeat([]byte{0xfd}, minFrame)
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"hello", hello{1, [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, 0x0102030405060708}.bytes(), "545a4757 01 000000 0102030405060708 0102030405060708"},
		{"welcome", welcome(answerNotEnrolled), "545a4757 01 01 0000"},
		{"uplink", uplink{0x11, 0x22, []byte{0xaa, 0xbb}}.append(nil), "0013 01 0000000000000011 0000000000000022 aabb"},
		{"downlink", downlink{0x11, 0x22, 7, frame}.append(nil), "001a 02 0000000000000011 0000000000000022 07 fdfdfdfdfdfdfdfd"},
		{"ping", appendPing(nil, 5), "0009 03 0000000000000005"},
		{"pong", pong{5, 6}.append(nil), "0011 04 0000000000000005 0000000000000006"},
		{"bye", appendBye(nil, byeProtocol), "0002 06 04"},
	} {
		if got := hex.EncodeToString(c.got); got != strings.ReplaceAll(c.want, " ", "") {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestReportFields(t *testing.T) {
	var r Report
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		v.Field(i).SetUint(uint64(i + 1))
	}
	m := newMessages(bytes.NewReader(r.append(nil)))
	k, body, err := m.next()
	if err != nil || k != kindStatus || len(r.fields()) != v.NumField() {
		t.Fatal(k, err, len(r.fields()))
	}
	if got, err := parseReport(body); err != nil || got != r {
		t.Errorf("got %+v, %v, want %+v", got, err, r)
	}
	// An older gateway has fewer counters, a newer one more.
	if got, err := parseReport(body[:16]); err != nil || got != (Report{Received: 1, Forwarded: 2}) {
		t.Errorf("older: %+v, %v", got, err)
	}
	if got, err := parseReport(append(bytes.Clone(body), 0, 0, 0, 0, 0, 0, 0, 9)); err != nil || got != r {
		t.Errorf("newer: %+v, %v", got, err)
	}
	if _, err := parseReport(make([]byte, 8*(maxReports+1))); !errors.Is(err, ErrProtocol) {
		t.Errorf("too many: %v", err)
	}
}

func TestBadMessages(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []byte
		want error
	}{
		{"nothing", nil, io.EOF},
		{"half a length", []byte{0}, io.ErrUnexpectedEOF},
		{"empty", []byte{0, 0}, ErrProtocol},
		{"too long", []byte{0xff, 0xff}, ErrProtocol},
		{"cut behind the length", []byte{0, 5}, io.ErrUnexpectedEOF},
		{"cut in the body", []byte{0, 5, 1, 2}, io.ErrUnexpectedEOF},
	} {
		if _, _, err := newMessages(bytes.NewReader(c.in)).next(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	for name, err := range map[string]error{
		"uplink":   second(parseUplink(make([]byte, uplinkHead))),
		"short":    second(parseDownlink(make([]byte, downlinkHead+minFrame-1))),
		"long":     second(parseDownlink(make([]byte, downlinkHead+maxFrame+1))),
		"ping":     second(parsePing(make([]byte, 7))),
		"pong":     second(parsePong(make([]byte, 17))),
		"bye":      second(parseBye(nil)),
		"status":   second(parseReport(make([]byte, 9))),
		"hello":    second(parseHello([]byte("GET / HTTP/1.1\r\nHost: x"))),
		"welcome":  parseWelcome([]byte("HTTP/1.1")),
		"answer 9": parseWelcome(welcome(9)),
	} {
		if !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// FuzzMessages: any bytes, read in any pieces: no panic, the same messages, and
// what is read is written the same.
func FuzzMessages(f *testing.F) {
	f.Add(uplink{1, 2, []byte("datagram")}.append(nil))
	f.Add(downlink{1, 2, 3, make([]byte, 12)}.append(nil))
	f.Add(Report{Received: 7}.append(pong{1, 2}.append(appendPing(appendBye(nil, 1), 3))))
	f.Add([]byte{0, 0, 0xff})
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, pieces := newMessages(bytes.NewReader(in)), newMessages(iotest.OneByteReader(bytes.NewReader(in)))
		for {
			k, body, err := whole.next()
			k2, body2, err2 := pieces.next()
			if k != k2 || !bytes.Equal(body, body2) || (err == nil) != (err2 == nil) {
				t.Fatalf("whole %d %x %v, in pieces %d %x %v", k, body, err, k2, body2, err2)
			}
			if err != nil {
				return
			}
			if again, ok := rewrite(k, body); ok && !bytes.Equal(again[headSize+1:], body) {
				t.Fatalf("%d: read %x, written %x", k, body, again)
			}
		}
	})
}

// rewrite reads a message and writes it again; ok is false when it cannot be read.
func rewrite(k kind, body []byte) (again []byte, ok bool) {
	var err error
	switch k {
	case kindUplink:
		var m uplink
		if m, err = parseUplink(body); err == nil {
			again = m.append(nil)
		}
	case kindDownlink:
		var m downlink
		if m, err = parseDownlink(body); err == nil {
			again = m.append(nil)
		}
	case kindPing:
		var token uint64
		if token, err = parsePing(body); err == nil {
			again = appendPing(nil, token)
		}
	case kindPong:
		var m pong
		if m, err = parsePong(body); err == nil {
			again = m.append(nil)
		}
	case kindBye:
		var reason uint8
		if reason, err = parseBye(body); err == nil {
			again = appendBye(nil, reason)
		}
	case kindStatus:
		_, _ = parseReport(body) // unknown counters are not kept
	}
	return again, again != nil
}
