package airspace

import (
	"reflect"
	"strings"
	"testing"
)

// TestEveryFieldIsSavedOrNoState: whoever adds state to the register adds it to
// SaveState, LoadState and this list; else it would be gone after a start from a
// snapshot.
func TestEveryFieldIsSavedOrNoState(t *testing.T) {
	for _, c := range []struct {
		of             any
		saved, noState string
	}{
		{Register{}, "fences versions seqs answers accounts fleet control priorities places volumes restrictions permits activities supervised notices documents last", "cfg zone decider publishing mu emergencies tightenings hasty waiting startedUS embedded keepOuts granted bounded applying live untold"},
		{accounts{}, "organisations people keys proposals", ""},
		{fleet{}, "vehicles gateways since answers", "configured"},
		{control{}, "state duties answers", ""},
		{priorities{}, "of answers", ""},
		{permits{}, "book answers", "taken allowing"},
		{activities{}, "book answers", "taken"},
		{documents{}, "of", "used"},
		{Document{}, "Permit Org SHA256 Type Bytes Title Item By AtUS ErasedUS", ""},
		{supervised{}, "book answers", ""},
		{Priority{}, "ID Name Kind Track Route AtUS CourseDeg SpeedMPS RadiusM Floor Ceiling Classes LookAheadS ClearByUS UntilUS EndedUS Reason Stamp", "Provisional Err"},
		{places{}, "sites bookings answers diaries", ""},
		{restrictions{}, "of answers", ""},
		{kept[Restriction]{}, "SHA256 AtUS What", ""},
		{Restriction{}, "ID Name Kind Reason Fence FromUS ToUS PublishedUS NoticeUS Pack Late Told ToldRev EndedUS EndReason Stamp", ""},
		{Site{}, "Site Stamp", ""},
		{Booking{}, "Booking Stamp", ""},
		{ZoneStatus{}, "State Reason Stamp", "Provisional Err"},
		{Duty{}, "ID Person Sectors SinceUS ConfirmedUS EndedUS TakenBy Offer Stamp", "Present"},
		{answers{}, "byName order size", "limit"},
		{answer{}, "name sha256 atUS records changes", ""},
		{FenceRecord{}, "Fence CreatedUS UpdatedUS UpdatedBy Deleted compiled", "Provisional"},
		{FenceVersion{}, "Fence AtUS By Deleted", ""},
	} {
		named := strings.Fields(c.saved + " " + c.noState)
		have := map[string]bool{}
		for f := range reflect.TypeOf(c.of).Fields() {
			have[f.Name] = true
		}
		for _, name := range named {
			if !have[name] {
				t.Errorf("%T has no field %s", c.of, name)
			}
			delete(have, name)
		}
		for name := range have {
			t.Errorf("field %s of %T: is it state that Replay builds? Then SaveState must write and LoadState read it, and this list must name it", name, c.of)
		}
	}
}
