package web

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"
)

// TestAuthFigures prints how long a live session outlives its person's rights,
// in real seconds: the worst of ten moments at which they are taken. Without
// the flag it is TestSessionsEnd, which turns the clock instead.
func TestAuthFigures(t *testing.T) {
	// The flag is that of TestPlatformFigures; one package declares it once.
	if f := flag.Lookup("figures"); f == nil || f.Value.String() != "true" {
		return
	}
	z := newTestZone(t, zoneOptions{})
	z.organisation("zone", "authority")
	worst := time.Duration(0)
	for i := range 10 {
		carl := z.account(fmt.Sprint("carl-", i), "zone", "controller")
		live := z.live("Cookie", carl.cookie)
		live.hello()
		<-time.After(time.Duration(i) * recheckEvery / 10)
		begin := time.Now()
		z.want(z.call(adminToken, "PUT", "/v1/people/"+carl.ID, `{"organisation":"zone","roles":["observer"]}`, "If-Match", `"1"`), "200")
		if code := live.ended(); code != closeExpired {
			t.Errorf("ended with %d", code)
		}
		worst = max(worst, time.Since(begin))
	}
	fmt.Printf("auth/revoked_socket_s %.1f s\n", worst.Seconds())
	fmt.Fprintln(os.Stderr, "auth/revoked_socket_s: role change to closed websocket, worst of 10; goal 30")
}
