package web

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"testzone/telemetry/audit"
	"testzone/web/auth"
)

// audit makes what writes acts down and what signs checkpoints, as the program
// has them; nil for a zone without.
func (z *testZone) audit(wanted bool) (*audit.Recorder, *audit.Keeper) {
	z.t.Helper()
	if !wanted {
		return nil, nil
	}
	key, err := audit.LoadKey(z.t.TempDir(), "lingang")
	if err != nil {
		z.t.Fatal(err)
	}
	logger := slog.New(slog.NewJSONHandler(z.log, nil))
	keeper, err := audit.NewKeeper(audit.Config{Journal: z.journal, Group: "lingang", Key: key, Entries: 10, Clock: z.clock.now, Logger: logger})
	if err != nil {
		z.t.Fatal(err)
	}
	return audit.NewRecorder(audit.RecorderConfig{Journal: z.journal, Clock: z.clock.now, Logger: logger}), keeper
}

// actsOf writes down what happens at the door.
func actsOf(acts *audit.Recorder) func(auth.Event) {
	if acts == nil {
		return nil
	}
	kinds := map[auth.EventKind]string{
		auth.SignedIn: audit.SessionOpened, auth.SignedOut: audit.SessionClosed, auth.PasswordChanged: audit.PasswordChanged,
		auth.Refused: audit.SessionRefused, auth.Limited: audit.SessionRefused,
	}
	return func(e auth.Event) {
		acts.Record(audit.Act{Type: kinds[e.Kind], By: e.Actor.ID, From: e.Address, Outcome: string(e.Kind)})
	}
}

// found are the entries that an audit search finds.
func (z *testZone) found(token, query string, header ...string) (out []AuditEvent) {
	z.t.Helper()
	for after := ""; ; {
		var page AuditList
		r := z.call(token, "GET", "/v1/audit/events?limit=500"+query+after, "", header...)
		if r.StatusCode != 200 {
			z.t.Fatalf("search %s answers %d %s", query, r.StatusCode, r.body)
		}
		r.json(z.t, &page)
		out = append(out, page.Items...)
		if page.Next == nil {
			return out
		}
		after = "&cursor=" + *page.Next
	}
}

// audited waits for the entry of a refusal: what was called, and the code.
func (z *testZone) audited(auditor, what, outcome string) {
	z.t.Helper()
	eventually(z.t, "the audit tells of "+what+" "+outcome, func() bool {
		return slices.ContainsFunc(z.found(auditor, ""), func(e AuditEvent) bool {
			return e.Outcome == outcome && (e.What == what || strings.HasPrefix(e.Object, what+" ") || what == "" && e.What == audit.CallRefused)
		})
	})
}

// auditedZone is a zone with a controller, an auditor and what it signs in with.
func auditedZone(t *testing.T) (z *testZone, carl account, auditor string) {
	t.Helper()
	z = newTestZone(t, zoneOptions{audited: true, schedule: true})
	z.organisation("zone", "authority")
	z.account("ada", "zone", "administrator")
	carl = z.account("carl", "zone", "controller")
	var k NewKey
	z.as(z.account("otto", "zone", "auditor"), "POST", "/v1/keys", `{"label":"audit","scopes":["audit.read"]}`).json(t, &k)
	return z, carl, k.Secret
}
