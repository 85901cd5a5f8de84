package web

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"testzone/telemetry/journal"
	"testzone/vehicles"
)

func vehicleChange(system int) string {
	return fmt.Sprintf(`{"name":"Boat","class":"usv","operator":"acme","mavlink":{"listener":"signed","system_id":%d,"autopilot":"ardupilot"}}`, system)
}

func vehicleBody(id string, system int) string {
	return fmt.Sprintf(`{"id":%q,%s`, id, vehicleChange(system)[1:])
}

func gatewayBody(id string, digit byte) string {
	return fmt.Sprintf(`{"id":%q,"name":"Gateway","operator":"acme","fingerprint":%q}`, id, strings.Repeat(string(digit), 64))
}

// owners are two operators and a controller; only what moves says may move.
type owners struct {
	*testZone
	anna, hugo, carl account
	moving           map[string]bool
}

func newOwners(t *testing.T) *owners {
	t.Helper()
	o := &owners{moving: map[string]bool{}}
	o.testZone = newTestZone(t, zoneOptions{
		moves: func(v string) bool { return o.moving[v] },
		proof: func(v vehicles.VehicleID) VehicleProof {
			if v != "boat-1" {
				return VehicleProof{RefusedUS: 1_700_000_000_000_000, RefusedReason: "unsigned"}
			}
			return VehicleProof{ProvedUS: 1_700_000_000_000_000, Listener: "signed", Address: "192.0.2.1:14550"}
		},
	})
	o.organisation("zone", "authority")
	o.organisation("acme", "operator")
	o.organisation("harbour", "operator")
	o.anna, o.hugo = o.account("anna", "acme", "test_operator"), o.account("hugo", "harbour", "test_operator")
	o.carl = o.account("carl", "zone", "controller")
	return o
}

func TestVehicleLife(t *testing.T) {
	o := newOwners(t)
	change := func(name, class string, system int) string {
		return strings.NewReplacer("Boat", name, "usv", class).Replace(vehicleChange(system))
	}
	for _, s := range []struct {
		name          string
		who           account
		method, path  string
		body, ifMatch string
		want          string
		has           string
	}{
		{"dry run", o.anna, "POST", "?dry_run=true", vehicleBody("boat-1", 9), "", "200", `"rev":1`},
		{"of another operator", o.hugo, "POST", "", vehicleBody("boat-1", 9), "", "403 forbidden", ""},
		{"by a controller", o.carl, "POST", "", vehicleBody("boat-1", 9), "", "403 forbidden", ""},
		{"id of the unregistered", o.anna, "POST", "", vehicleBody("unverified-1", 9), "", "422 invalid", ""},
		{"id of the zone", o.anna, "POST", "", vehicleBody("boat-1", 250), "", "422 invalid", "the zone's own"},
		{"broadcast", o.anna, "POST", "", vehicleBody("boat-1", 0), "", "422 invalid", "system_id"},
		{"no such listener", o.anna, "POST", "", strings.Replace(vehicleBody("boat-1", 9), `"signed"`, `"open"`, 1), "", "422 invalid", "signed listeners are: signed"},
		{"no such operator", o.anna, "POST", "", strings.Replace(vehicleBody("boat-1", 9), `"acme"`, `"nobody"`, 1), "", "403 forbidden", ""},
		{"register", o.anna, "POST", "", vehicleBody("boat-1", 9), "", "201", `"origin":"enrolled"`},
		{"its id again", o.anna, "POST", "", vehicleBody("boat-1", 10), "", "409 exists", ""},
		{"id of the configuration", o.anna, "POST", "", vehicleBody("uav-1", 10), "", "409 exists", ""},
		{"its system id", o.anna, "POST", "", vehicleBody("boat-2", 9), "", "409 system_id_taken", "SYSID_THISMAV"},
		{"read", o.anna, "GET", "/boat-1", "", "", "200", `"state":"proved","proved_at":"2023-11-14T22:13:20.000Z","listener":"signed"`},
		{"read by a controller", o.carl, "GET", "/boat-1", "", "", "200", `"operator":"acme"`},
		{"read by another operator", o.hugo, "GET", "/boat-1", "", "", "404 not_found", ""},
		{"list of another operator", o.hugo, "GET", "", "", "", "200", `"items":[]`},
		{"one that was refused", o.carl, "GET", "/uav-1", "", "", "200", `"refused_reason":"unsigned"`},
		{"replace without revision", o.anna, "PUT", "/boat-1", change("B", "usv", 9), "", "428 if_match_required", ""},
		{"replace stale", o.anna, "PUT", "/boat-1", change("B", "usv", 9), `"7"`, "412 stale", ""},
		{"replace by another operator", o.hugo, "PUT", "/boat-1", change("B", "usv", 9), `"1"`, "404 not_found", ""},
		{"give away", o.anna, "PUT", "/boat-1", strings.Replace(vehicleChange(9), "acme", "harbour", 1), `"1"`, "403 forbidden", ""},
		{"trial", o.anna, "PUT", "/boat-1?dry_run=true", change("B", "uav", 9), `"1"`, "200", `"class":"uav"`},
		{"replace", o.anna, "PUT", "/boat-1", change("B", "uav", 9), `"1"`, "200", `"rev":2`},
		{"the configuration's", o.anna, "PUT", "/uav-1", change("B", "uav", 9), `"0"`, "409 configured", ""},
		{"withdraw by another operator", o.hugo, "DELETE", "/boat-1", "", `"2"`, "404 not_found", ""},
		{"withdraw", o.anna, "DELETE", "/boat-1", "", `"2"`, "200", `"state":"leaving"`},
		{"withdraw again", o.anna, "DELETE", "/boat-1", "", `"3"`, "409 withdrawn", ""},
		{"its system id while it may fly", o.anna, "POST", "", vehicleBody("boat-3", 9), "", "409 system_id_taken", ""},
	} {
		r := o.as(s.who, s.method, "/v1/vehicles"+s.path, s.body, "If-Match", s.ifMatch)
		if got := o.code(r); got != s.want || !strings.Contains(string(r.body), s.has) {
			t.Errorf("%s answers %s without %q, want %s: %s", s.name, got, s.has, s.want, r.body)
		}
	}
	if _, err := o.register.SettleVehicle(t.Context(), "boat-1", "it has stopped"); err != nil {
		t.Fatal(err)
	}
	o.want(o.as(o.anna, "POST", "/v1/vehicles", vehicleBody("boat-3", 9)), "201")
	o.want(o.as(o.anna, "POST", "/v1/vehicles", vehicleBody("boat-1", 11)), "409 exists") // an id is used once
	for path, n := range map[string]int{"/v1/vehicles": 2, "/v1/vehicles?withdrawn=true": 3} {
		var list VehicleList
		o.as(o.carl, "GET", path, "").json(t, &list)
		if len(list.Items) != n {
			t.Errorf("%s lists %d vehicles, want %d", path, len(list.Items), n)
		}
	}
}

// TestMovingVehicleKeepsItsAddress: nobody cuts off what moves by a change of its
// system id.
func TestMovingVehicleKeepsItsAddress(t *testing.T) {
	o := newOwners(t)
	o.want(o.as(o.anna, "POST", "/v1/vehicles", vehicleBody("boat-1", 9)), "201")
	o.moving["boat-1"] = true
	o.want(o.as(o.anna, "PUT", "/v1/vehicles/boat-1", vehicleChange(10), "If-Match", `"1"`), "409 vehicle_moves")
	o.want(o.as(o.anna, "PUT", "/v1/vehicles/boat-1", strings.Replace(vehicleChange(9), "Boat", "Ship", 1), "If-Match", `"1"`), "200")
	o.moving["boat-1"] = false
	o.want(o.as(o.anna, "PUT", "/v1/vehicles/boat-1", vehicleChange(10), "If-Match", `"2"`), "200")
}

func TestVehicleKeys(t *testing.T) {
	o := newOwners(t)
	o.want(o.as(o.anna, "POST", "/v1/vehicles", vehicleBody("boat-1", 9)), "201")
	const keys = "/v1/vehicles/boat-1/keys"
	post := func(who account, path, body, want string, header ...string) (k NewVehicleKey) {
		t.Helper()
		r := o.as(who, "POST", path, body, header...)
		o.want(r, want)
		if r.StatusCode < 300 {
			r.json(t, &k)
		}
		return k
	}
	if k := post(o.anna, keys+"?dry_run=true", `{}`, "200"); k.Secret != "" || k.Key.State != "active" {
		t.Errorf("dry run: %+v", k)
	}
	post(o.hugo, keys, `{}`, "404 not_found")
	post(o.carl, keys, `{}`, "403 forbidden")
	post(o.anna, keys, `{"secret":"`+strings.Repeat("0", 64)+`"}`, "422 invalid")
	post(o.anna, keys, `{"secret":"abcd"}`, "422 invalid")
	first := post(o.anna, keys, `{}`, "201", keyHeader, "the-first-key-of-boat-1")
	again := post(o.anna, keys, `{}`, "201", keyHeader, "the-first-key-of-boat-1")
	if len(first.Secret) != 64 || first.Key.State != "active" || again.Secret != first.Secret || again.Key.ID != first.Key.ID {
		t.Errorf("first %+v, again %+v", first.Key, again.Key)
	}
	post(o.anna, keys, `{"secret":"`+first.Secret+`"}`, "409 key_in_use")
	own := "00112233445566778899aabbccddeeff0123456789abcdef0f1e2d3c4b5a6978"
	second := post(o.anna, keys, `{"secret":"`+own+`"}`, "201")
	if second.Secret != own || second.Key.State != "next" {
		t.Errorf("given %+v", second.Key)
	}
	post(o.anna, keys, `{}`, "409 too_many_keys")
	states := func(want ...string) {
		t.Helper()
		var list VehicleKeyList
		r := o.as(o.anna, "GET", keys, "")
		r.json(t, &list)
		var got []string
		for _, k := range list.Items {
			got = append(got, k.State)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || strings.Contains(string(r.body), "secret") {
			t.Errorf("keys are %v, want %v: %s", got, want, r.body)
		}
	}
	states("active", "next")
	post(o.anna, keys+"/rotate", ``, "200")
	states("retiring", "active")
	post(o.anna, keys+"/rotate", ``, "409 key_state")
	post(o.hugo, keys+"/"+second.Key.ID+"/revoke", `{}`, "404 not_found")
	post(o.carl, keys+"/"+second.Key.ID+"/revoke", `{"reason":"stolen"}`, "200")
	states("retiring", "retiring")
	post(o.anna, keys+"/"+second.Key.ID+"/revoke", `{}`, "409 key_state")
	post(o.anna, keys+"/vk_nothing/revoke", `{}`, "404 not_found")
	if _, err := o.register.SettleVehicle(t.Context(), "boat-1", "it has stopped"); err != nil {
		t.Fatal(err)
	}
	states("retired", "retired")
	o.notInJournal(first.Secret, own)
	post(o.anna, "/v1/vehicles/uav-1/keys", `{}`, "409 no_mavlink")
}

// notInJournal looks for secrets as they are and as bytes.
func (z *testZone) notInJournal(secrets ...string) {
	z.t.Helper()
	err := z.journal.Replay(1, func(rec journal.Record) error {
		for _, s := range secrets {
			raw, _ := hex.DecodeString(s)
			if bytes.Contains(rec.Body, []byte(s)) || len(raw) > 0 && bytes.Contains(rec.Body, raw) {
				z.t.Errorf("journal entry %d tells a secret", rec.Seq)
			}
		}
		return nil
	})
	if err != nil {
		z.t.Fatal(err)
	}
}

// TestVehicleContact: who answers for a vehicle is for those who may have to call.
func TestVehicleContact(t *testing.T) {
	o := newOwners(t)
	contact := `{"name":"Grace Hopper","phone":"+86 21 5555 0100","email":"g@example.org","languages":["en","zh"]}`
	o.want(o.as(o.anna, "POST", "/v1/vehicles", strings.TrimSuffix(vehicleBody("boat-1", 9), "}")+`,"contact":`+contact+`}`), "201")
	reads := func(what string, r reply, want bool) {
		t.Helper()
		if got := strings.Contains(string(r.body), "Hopper"); r.StatusCode != 200 || got != want {
			t.Errorf("%s sees the contact: %v, want %v: %s", what, got, want, r.body)
		}
	}
	reads("the operator", o.as(o.anna, "GET", "/v1/vehicles/boat-1", ""), true)
	reads("a controller", o.as(o.carl, "GET", "/v1/vehicles", ""), true)
	reads("an observer", o.call(observerToken, "GET", "/v1/vehicles/boat-1", ""), false)
	o.want(o.as(o.hugo, "PUT", "/v1/vehicles/boat-1/contact", contact), "404 not_found")
	o.want(o.as(o.anna, "PUT", "/v1/vehicles/boat-1/contact", `{"name":"Ada","phone":"call me"}`), "422 invalid")
	o.want(o.as(o.anna, "PUT", "/v1/vehicles/boat-1/contact", `{"name":"Ada Byron","phone":"110"}`), "200")
	reads("after a change", o.as(o.carl, "GET", "/v1/vehicles/boat-1", ""), false)
	// A registration that is refused leaves nobody's number behind.
	refused := strings.Replace(vehicleBody("boat-2", 9), `{"id"`, `{"contact":`+contact+`,"id"`, 1)
	o.want(o.as(o.anna, "POST", "/v1/vehicles", refused), "409 system_id_taken")
	if c := o.server.cfg.VehicleSecrets.Contact("boat-2"); c != nil {
		t.Errorf("kept of a refused registration: %+v", c)
	}
	o.notInJournal("Hopper", "5555 0100", "Byron")
}

func TestGateways(t *testing.T) {
	o := newOwners(t)
	o.want(o.as(o.anna, "POST", "/v1/vehicles", vehicleBody("boat-1", 9)), "201")
	behind := func(id, gateway string, system int) string {
		return strings.Replace(vehicleBody(id, system), `"signed"`, fmt.Sprintf("%q", gateway), 1)
	}
	for _, s := range []struct {
		name          string
		who           account
		method, path  string
		body, ifMatch string
		want          string
	}{
		{"before its gateway", o.anna, "POST", "vehicles", behind("boat-2", "gw-1", 9), "", "422 invalid"},
		{"of another operator", o.hugo, "POST", "gateways", gatewayBody("gw-1", 'a'), "", "403 forbidden"},
		{"named as a listener", o.anna, "POST", "gateways", gatewayBody("signed", 'a'), "", "409 exists"},
		{"dry run", o.anna, "POST", "gateways?dry_run=true", gatewayBody("gw-1", 'a'), "", "200"},
		{"enrol", o.anna, "POST", "gateways", gatewayBody("gw-1", 'a'), "", "201"},
		{"again", o.anna, "POST", "gateways", gatewayBody("gw-1", 'b'), "", "409 exists"},
		{"with its key", o.anna, "POST", "gateways", gatewayBody("gw-2", 'A'), "", "409 fingerprint_taken"},
		{"a vehicle behind it", o.anna, "POST", "vehicles", behind("boat-2", "gw-1", 9), "", "201"},
		{"a further one with its system id", o.anna, "PUT", "gateways/gw-1", `{"name":"Pier","vehicles":["boat-1"]}`, `"1"`, "409 system_id_taken"},
		{"one that is not there", o.anna, "PUT", "gateways/gw-1", `{"name":"Pier","vehicles":["boat-7"]}`, `"1"`, "422 invalid"},
		{"read by another operator", o.hugo, "GET", "gateways/gw-1", "", "", "404 not_found"},
		{"rename", o.anna, "PUT", "gateways/gw-1", `{"name":"Pier"}`, `"1"`, "200"},
		{"revoke stale", o.carl, "DELETE", "gateways/gw-1", "", `"1"`, "412 stale"},
		{"revoke by another operator", o.hugo, "DELETE", "gateways/gw-1", "", `"2"`, "404 not_found"},
		{"revoke by a controller", o.carl, "DELETE", "gateways/gw-1", "", `"2"`, "200"},
		{"change what is revoked", o.anna, "PUT", "gateways/gw-1", `{"name":"Pier"}`, `"3"`, "409 gateway_revoked"},
		{"a vehicle behind what is revoked", o.anna, "POST", "vehicles", behind("boat-3", "gw-1", 10), "", "422 invalid"},
	} {
		r := o.as(s.who, s.method, "/v1/"+s.path, s.body, "If-Match", s.ifMatch)
		if got := o.code(r); got != s.want {
			t.Errorf("%s answers %s, want %s: %s", s.name, got, s.want, r.body)
		}
	}
	var g Gateway
	o.as(o.carl, "GET", "/v1/gateways/gw-1", "").json(t, &g)
	if g.State != "retiring" { // boat-2 may be in the air behind it
		t.Errorf("revoked gateway: %+v", g)
	}
}
