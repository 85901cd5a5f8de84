package web

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

func TestLiveRefusals(t *testing.T) {
	z := newTestZone(t, zoneOptions{origins: []string{"https://ops.example.org"}})
	bearer := "Bearer " + adminToken
	cases := []struct {
		name   string
		header []string
		status int // 101: accepted
		code   string
	}{
		{"no credential", nil, 401, "unauthenticated"},
		{"wrong token", []string{"Authorization", "Bearer wrong-token-wrong-token"}, 401, "bad_token"},
		{"no origin", []string{"Authorization", bearer}, 101, ""},
		{"own origin", []string{"Authorization", bearer, "Origin", z.url}, 101, ""},
		{"allowed origin", []string{"Authorization", bearer, "Origin", "https://ops.example.org"}, 101, ""},
		{"foreign origin", []string{"Authorization", bearer, "Origin", "https://evil.example.org"}, 403, "cross_origin"},
		{"own origin's beginning", []string{"Authorization", bearer, "Origin", z.url + ".evil.example.org"}, 403, "cross_origin"},
		{"own host by another scheme", []string{"Authorization", bearer, "Origin", "https" + strings.TrimPrefix(z.url, "http")}, 403, "cross_origin"},
		{"null origin", []string{"Authorization", bearer, "Origin", "null"}, 403, "cross_origin"},
		{"empty origin", []string{"Authorization", bearer, "Origin", ""}, 403, "cross_origin"},
		{"two origins", []string{"Authorization", bearer, "Origin", z.url, "Origin", "https://evil.example.org"}, 403, "cross_origin"},
		{"no subprotocol", []string{"Authorization", bearer, "Sec-WebSocket-Protocol", ""}, 400, "subprotocol_required"},
		{"another subprotocol", []string{"Authorization", bearer, "Sec-WebSocket-Protocol", "zl.v2"}, 400, "subprotocol_required"},
	}
	for _, c := range cases {
		conn, res, err := z.dial(c.header...)
		if c.status == 101 {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			if conn.Subprotocol() != subprotocol || strings.Contains(res.Header.Get("Sec-WebSocket-Extensions"), "deflate") {
				t.Errorf("%s: subprotocol %q, extensions %q", c.name, conn.Subprotocol(), res.Header.Get("Sec-WebSocket-Extensions"))
			}
			conn.Close()
			continue
		}
		if err == nil || res == nil || res.StatusCode != c.status {
			t.Errorf("%s: %v %v", c.name, err, res)
			continue
		}
		var p Problem
		if json.NewDecoder(res.Body).Decode(&p) != nil || p.Code != c.code {
			t.Errorf("%s: code %q, want %q", c.name, p.Code, c.code)
		}
	}
	if r := z.call(adminToken, "GET", livePath, ""); r.StatusCode != 400 || r.problem(t).Code != "no_websocket" {
		t.Errorf("plain request: %d", r.StatusCode)
	}
	if r := z.call("", "GET", livePath+"?token="+adminToken+"&access_token="+adminToken, ""); r.StatusCode != 401 {
		t.Errorf("token in the URL: %d", r.StatusCode)
	}
}

func TestLiveProtocolErrors(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	hello := `{"t":"hello","enc":["packed"],"lang":"en"}`
	cases := []struct {
		name string
		send []string
		code int
	}{
		{"sub before hello", []string{wholeZone}, closeProtocol},
		{"hello twice", []string{hello, hello}, closeProtocol},
		{"not json", []string{"hello"}, closeProtocol},
		{"unknown type", []string{hello, `{"t":"order"}`}, closeProtocol},
		{"unknown field", []string{hello, `{"t":"ping","clientTimeUs":1,"x":2}`}, closeProtocol},
		{"unknown field in hello", []string{`{"t":"hello","enc":["packed"],"lang":"en","token":"x"}`}, closeProtocol},
		{"filter", []string{hello, `{"t":"sub","bbox":[1,2,3,4],"maxHz":10,"zoom":1,"filter":{}}`}, closeProtocol},
		{"two values", []string{hello, `{"t":"ping","clientTimeUs":1}{"t":"ping","clientTimeUs":1}`}, closeProtocol},
		{"wrong type", []string{hello, `{"t":"ack","seq":"1","renderMs":1,"queued":1}`}, closeProtocol},
		{"negative seq", []string{hello, `{"t":"ack","seq":-1,"renderMs":1,"queued":1}`}, closeProtocol},
		{"ack of the future", []string{hello, `{"t":"ack","seq":999999,"renderMs":1,"queued":1}`}, closeProtocol},
		{"alertAck of the future", []string{hello, `{"t":"alertAck","alertSeq":999999}`}, closeProtocol},
		{"no bbox", []string{hello, `{"t":"sub","maxHz":10,"zoom":1}`}, closeProtocol},
		{"turned bbox", []string{hello, `{"t":"sub","bbox":[3,2,1,4],"maxHz":10,"zoom":1}`}, closeProtocol},
		{"maxHz 7", []string{hello, `{"t":"sub","bbox":[1,2,3,4],"maxHz":7,"zoom":1}`}, closeProtocol},
		{"follow too many", []string{hello, `{"t":"follow","ids":[` + strings.Repeat(`"x",`, 32) + `"x"]}`}, closeProtocol},
		{"enc delta only", []string{`{"t":"hello","enc":["delta"],"lang":"en"}`}, closeVersion},
		{"not utf-8", []string{hello, "{\"t\":\"follow\",\"ids\":[\"\xff\"]}"}, closeProtocol},
		{"too large", []string{hello, `{"t":"follow","ids":["` + strings.Repeat("x", readLimit) + `"]}`}, websocket.CloseMessageTooBig},
		{"flood", append([]string{hello}, strings.Split(strings.Repeat(`{"t":"ping","clientTimeUs":1};`, 30), ";")[:30]...), closeRate},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			client := z.live()
			client.t = t
			for _, m := range c.send {
				client.send("%s", m)
			}
			if code := client.ended(); code != c.code {
				t.Errorf("closed with %d, want %d", code, c.code)
			}
		})
	}
	t.Run("binary", func(t *testing.T) {
		client := z.live()
		client.t = t
		client.hello()
		if err := client.conn.WriteMessage(websocket.BinaryMessage, []byte{1}); err != nil {
			t.Fatal(err)
		}
		if code := client.ended(); code != closeProtocol {
			t.Errorf("closed with %d", code)
		}
	})
}
