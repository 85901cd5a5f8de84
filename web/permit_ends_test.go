package web

import (
	"testing"
	"time"

	"testzone/telemetry/command/bulk"
)

// TestPermitEndOf: of an end at once what is told, of a gentle one that it may finish.
func TestPermitEndOf(t *testing.T) {
	it := bulk.Item{Vehicle: "icv-2", Class: "icv", Kind: "hold", AfterS: int((15 * time.Second).Seconds()), Held: true, Holder: "pete", Call: "look at the road behind it"}
	if got := permitEndOf(&it, true); got.Kind != "hold" || got.AfterS != 15 || !got.Held || got.Holder != "pete" || got.Call != it.Call {
		t.Errorf("at once: %+v", got)
	}
	if got := permitEndOf(&it, false); got.Kind != "finish" || got.AfterS != 0 || got.Held || got.Holder != "pete" || got.Call != "" {
		t.Errorf("finish and recover: %+v", got)
	}
}
