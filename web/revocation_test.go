package web

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// TestRevocation ends what somebody may see in every way there is, with a websocket
// and a stream of events open, and measures by the server's clock how long each stays
// open: 30 s at most. The clock is turned by what the server waits between two looks.
func TestRevocation(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.organisation("zone", "authority")
	z.organisation("acme", "operator")
	z.organisation("harbour", "operator")
	z.organisation("closed", "operator")
	z.account("ada", "zone", "administrator")
	replace := func(c account, rights string) reply {
		return z.call(adminToken, "PUT", "/v1/people/"+c.ID, rights, "If-Match", `"1"`)
	}
	ways := []struct {
		name, org, role string
		byKey           bool // the channels are open with an API key of the person
		revoke          func(c account, k NewKey) reply
	}{
		{"role change", "zone", "controller", false, func(c account, _ NewKey) reply { return replace(c, `{"organisation":"zone","roles":["observer"]}`) }},
		{"role that may not read", "acme", "test_operator", true, func(c account, _ NewKey) reply { return replace(c, `{"organisation":"acme","roles":["vehicle"]}`) }},
		{"other organisation", "acme", "test_operator", true, func(c account, _ NewKey) reply {
			return replace(c, `{"organisation":"harbour","roles":["test_operator"]}`)
		}},
		{"disabled", "zone", "controller", false, func(c account, _ NewKey) reply {
			return replace(c, `{"organisation":"zone","roles":["controller"],"disabled":true}`)
		}},
		{"owner disabled", "zone", "controller", true, func(c account, _ NewKey) reply {
			return replace(c, `{"organisation":"zone","roles":["controller"],"disabled":true}`)
		}},
		{"organisation disabled", "closed", "test_operator", false, func(account, NewKey) reply {
			return z.call(adminToken, "PUT", "/v1/organisations/closed", `{"name":"closed","disabled":true}`, "If-Match", `"1"`)
		}},
		{"key revoked", "zone", "controller", true, func(c account, k NewKey) reply {
			return z.as(c, "DELETE", "/v1/keys/"+k.Key.ID, "", "If-Match", `"1"`)
		}},
		{"signed out", "zone", "controller", false, func(c account, _ NewKey) reply { return z.as(c, "DELETE", "/v1/session", "") }},
		{"password reset", "zone", "controller", false, func(c account, _ NewKey) reply {
			return z.call(adminToken, "PUT", "/v1/people/"+c.ID+"/password", `{"password":"another password"}`)
		}},
	}
	sockets, streams, revoke := make([]*liveClient, len(ways)), make([]*eventReader, len(ways)), make([]func() reply, len(ways))
	for i, w := range ways {
		c := z.account(fmt.Sprint("person-", i), w.org, w.role)
		k := z.key(c, "")
		header, token := []string{"Cookie", c.cookie}, ""
		if w.byKey {
			header, token = []string{"Authorization", "Bearer " + k.Secret}, k.Secret
		}
		sockets[i] = z.live(header...)
		sockets[i].hello()
		streams[i] = z.follow(token, "", header...)
		revoke[i] = func() reply { return w.revoke(c, k) }
	}
	begin := z.clock.now()
	for i, w := range ways {
		if r := revoke[i](); r.StatusCode >= 300 {
			t.Fatalf("%s: %d %s", w.name, r.StatusCode, r.body)
		}
	}
	z.clock.advance(recheckEvery)
	var longest time.Duration
	for i, w := range ways {
		if code := sockets[i].ended(); code != closeExpired && code != closeNoRight {
			t.Errorf("%s: the websocket ended with %d", w.name, code)
		}
		for streams[i].in.Scan() {
		}
		if err := streams[i].in.Err(); err != nil { // the test gave up, not the server
			t.Errorf("%s: the stream of events stays open: %v", w.name, err)
		}
		longest = max(longest, z.clock.now().Sub(begin))
	}
	if longest > 30*time.Second {
		t.Errorf("open %v after the revocation", longest)
	}
	if *figures {
		fmt.Printf("auth/revoked_socket_s %.1f s\n", longest.Seconds())
		fmt.Fprintf(os.Stderr, "the longest of %d ways to lose a right, websocket and events; goal <= 30\n", len(ways))
	}
}
