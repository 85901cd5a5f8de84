package activity

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/airspace/volumes"
	"testzone/geofence"
)

const (
	maxTitle = 120
	maxText  = 500
	// maxVertices bounds what is compared with the permit's volumes while others wait.
	maxVertices = 1000
	// maxLength is how long one activity lasts at most: what goes on for longer is
	// planned by days.
	maxLength = 24 * time.Hour
)

// New files a plan under a permit. more are the faults that the zone found.
func New(id string, a permit.Act, p *permit.Permit, pack *rules.Pack, plan Plan, more []permit.Fault) (Activity, error) {
	if err := plan.check(); err != nil {
		return Activity{}, err
	}
	x := Activity{ID: id, Permit: p.ID, Org: p.Org, Kind: p.Application.Kind, State: Planned, Pack: p.Pack, Plan: plan, CreatedUS: a.AtUS,
		Day: rules.DateOf(time.UnixMicro(plan.FromUS).In(pack.Location())).String()}
	faults := x.faults(p, pack, a.AtUS)
	if err := x.setClocks(p, pack, a.AtUS, &faults); err != nil {
		return Activity{}, err
	}
	if faults = append(faults, more...); len(faults) > 0 {
		return Activity{}, &permit.RulesError{Faults: faults}
	}
	x.done(a, "activity.planned")
	return x, nil
}

func (p *Plan) check() error {
	switch n := utf8.RuneCountInString(p.Title); {
	case n < 1 || n > maxTitle:
		return fmt.Errorf("%w: a title has 1 to %d characters", permit.ErrApplication, maxTitle)
	case p.FromUS >= p.ToUS:
		return fmt.Errorf("%w: the end is not after the begin", permit.ErrApplication)
	case p.ToUS-p.FromUS > maxLength.Microseconds():
		return fmt.Errorf("%w: an activity lasts at most %v: plan the next day apart", permit.ErrApplication, maxLength)
	case len(p.Vehicles) > 1000 || len(p.People) > 1000:
		return fmt.Errorf("%w: at most 1000 vehicles and people", permit.ErrApplication)
	}
	vertices := 0
	for i := range p.Volumes {
		v := &p.Volumes[i]
		if len(v.Windows) > 0 {
			return fmt.Errorf("%w: the volumes of an activity have its own time and no windows", permit.ErrApplication)
		}
		for _, polygon := range v.Polygons {
			for _, ring := range polygon {
				vertices += len(ring)
			}
		}
		if v.Corridor != nil {
			vertices += len(v.Corridor.Line)
		}
	}
	if vertices > maxVertices || len(p.Volumes) > 50 {
		return fmt.Errorf("%w: at most 50 volumes with %d vertices in all", permit.ErrApplication, maxVertices)
	}
	return permit.CheckVolumes(p.Volumes)
}

// faults is all that the permit says against the plan, and makes what it takes.
func (x *Activity) faults(p *permit.Permit, pack *rules.Pack, nowUS int64) (out []permit.Fault) {
	fail := func(f permit.Fault) { out = append(out, f) }
	if p.State != rules.Approved && p.State != rules.Effective {
		fail(permit.Fault{Code: "permit", Message: fmt.Sprintf("permit %s is %s: activities are planned under one that is approved or effective", p.ID, p.State)})
	}
	if x.FromUS <= nowUS {
		fail(permit.Fault{Code: "invalid", Item: "from", Message: "the begin is past", Minutes: float64(nowUS-x.FromUS) / 60e6})
	}
	if len(x.Vehicles) == 0 {
		fail(permit.Fault{Code: "missing", Item: "vehicles", Message: "no vehicle is named: which of the permit's take part?"})
	}
	for i, id := range x.Vehicles {
		if !slices.Contains(p.Allowed(), id) || slices.Contains(x.Vehicles[:i], id) {
			fail(permit.Fault{Code: "vehicle", Item: fmt.Sprintf("vehicles/%d", i), Message: fmt.Sprintf("vehicle %s is none of the permit's, or named twice", id)})
		}
	}
	x.crewFaults(p, pack, &out)
	x.room(p, &out)
	return out
}

// crewFaults asks for people of the permit whose licences last.
func (x *Activity) crewFaults(p *permit.Permit, pack *rules.Pack, out *[]permit.Fault) {
	if len(x.People) == 0 && len(p.Application.People) > 0 {
		*out = append(*out, permit.Fault{Code: "missing", Item: "people", Message: "nobody is named: which of the permit's people take part?"})
	}
	pilot := false
	for i, ref := range x.People {
		k := slices.IndexFunc(p.Application.People, func(m permit.Crewman) bool { return m.Ref == ref })
		if k < 0 {
			*out = append(*out, permit.Fault{Code: "licence", Item: fmt.Sprintf("people/%d", i), Message: fmt.Sprintf("%q is none of the permit's people", ref)})
			continue
		}
		m := &p.Application.People[k]
		pilot = pilot || m.Role == "remote_pilot" && m.Licence != ""
		if m.LicenceUS != 0 && m.LicenceUS < x.ToUS {
			*out = append(*out, permit.Fault{Code: "licence", Item: fmt.Sprintf("people/%d", i), Message: ref + ": the licence ends before the activity does",
				Minutes: float64(x.ToUS-m.LicenceUS) / 60e6, Passes: "an end by " + local(pack, m.LicenceUS)})
		}
	}
	class, _ := p.Facts(pack)["uav.class"].(string)
	if p.Domain == "uav" && slices.Contains(pack.UAV.Duties["pilot_licence"], class) && !pilot && len(x.People) > 0 {
		*out = append(*out, permit.Fault{Code: "licence", Rule: "/uav/duties/pilot_licence", Item: "people", Message: "an aircraft of class " + class + " needs a remote pilot with a licence among those who take part"})
	}
}

// room makes what the activity takes: its volumes, or those of the permit that hold
// during its time.
func (x *Activity) room(p *permit.Permit, out *[]permit.Fault) {
	window := [][2]int64{{x.FromUS, x.ToUS}}
	if len(x.Volumes) == 0 {
		for i := range p.Application.Volumes {
			if v := p.Application.Volumes[i]; holds(p.WindowsOf(i), x.FromUS, x.ToUS) {
				v.Ceiling, v.Windows = p.CeilingOf(i), window
				x.Takes = append(x.Takes, v)
			}
		}
		if len(x.Takes) == 0 {
			*out = append(*out, permit.Fault{Code: "invalid", Item: "from", Message: "no volume of the permit holds during all of that time", Passes: windowsText(p)})
		}
		return
	}
	for i := range x.Volumes {
		v := x.Volumes[i]
		item := fmt.Sprintf("volumes/%d", i)
		if _, err := geofence.Compile(geofence.Fence{ID: item, Kind: geofence.KeepOut, Shape: v.Shape(), Floor: v.Floor.Altitude(), Ceiling: v.Ceiling.Altitude()}); err != nil {
			*out = append(*out, permit.Fault{Code: "invalid", Item: item, Message: err.Error()})
			continue
		}
		of, timely := -1, false
		for k := range p.Application.Volumes {
			if inVolume(&v, p, k) {
				if timely = holds(p.WindowsOf(k), x.FromUS, x.ToUS); timely {
					of = k
					break
				}
				of = k
			}
		}
		switch {
		case of < 0:
			*out = append(*out, permit.Fault{Code: "fence", Item: item, Message: "it reaches out of the permit's volumes, or beyond their heights", Passes: "a volume within one of the permit's, its heights in the same datum"})
		case !timely:
			*out = append(*out, permit.Fault{Code: "invalid", Item: "from", Message: "the permit's volume does not hold during all of that time", Passes: windowsText(p)})
		default:
			v.Shared = p.Application.Volumes[of].Shared
			v.Windows = window
			if v.Ceiling == nil {
				v.Ceiling = p.CeilingOf(of)
			}
			if v.Floor == nil {
				v.Floor = p.Application.Volumes[of].Floor
			}
			x.Takes = append(x.Takes, v)
		}
	}
}

// holds reports whether one of the windows has all of a span.
func holds(windows []geofence.Window, fromUS, toUS int64) bool {
	return slices.ContainsFunc(windows, func(w geofence.Window) bool { return w.FromUS <= fromUS && toUS <= w.ToUS })
}

// windowsText names the first windows of a permit, for who has to choose another.
func windowsText(p *permit.Permit) (text string) {
	n := 0
	for i := range p.Application.Volumes {
		for _, w := range p.WindowsOf(i) {
			if n++; n > 3 {
				return text + ", …"
			}
			if text != "" {
				text += ", "
			}
			text += time.UnixMicro(w.FromUS).UTC().Format(time.RFC3339) + " to " + time.UnixMicro(w.ToUS).UTC().Format(time.RFC3339)
		}
	}
	return text
}

// inVolume reports whether a volume lies within one of a permit: its shape and its
// band. A limit that it leaves out is the permit's.
func inVolume(v *permit.Volume, p *permit.Permit, k int) bool {
	of := &p.Application.Volumes[k]
	below := func(a, b *permit.Height) bool { return a == nil || b == nil || a.Datum == b.Datum && a.MM <= b.MM }
	if !below(v.Ceiling, p.CeilingOf(k)) || !below(of.Floor, v.Floor) {
		return false
	}
	a, b := *v, *of
	bare := func(v permit.Volume) string {
		v.Floor, v.Ceiling, v.Windows, v.Shared = nil, nil, nil, false
		text, _ := json.Marshal(v)
		return string(text)
	}
	return bare(a) == bare(b) || within(a.Shape(), b.Shape())
}

// Volumes are what the activity takes in space and time. They belong to its permit,
// whose own room they do not contest; roads and channels stay shared.
func (x *Activity) Volumes4D(domain string) (out []volumes.Volume) {
	shared := domain == "icv" || domain == "usv"
	for i := range x.Takes {
		v := &x.Takes[i]
		out = append(out, volumes.Volume{
			ID: fmt.Sprintf("%s%s/%d", volumePrefix, x.ID, i), Of: permit.Of(x.Permit), Shape: v.Shape(), Floor: v.Floor.Altitude(), Ceiling: v.Ceiling.Altitude(),
			FromUS: x.FromUS, ToUS: x.ToUS, Shared: (shared || v.Shared) && !x.Exclusive,
		})
	}
	return out
}

const volumePrefix = "activity:"

// OfVolume is the activity that a volume of the 4D index is of.
func OfVolume(id string) (activity string, ok bool) {
	if len(id) <= len(volumePrefix) || id[:len(volumePrefix)] != volumePrefix {
		return "", false
	}
	activity = id[len(volumePrefix):]
	for i := range activity {
		if activity[i] == '/' {
			return activity[:i], true
		}
	}
	return activity, true
}

func local(pack *rules.Pack, us int64) string {
	return time.UnixMicro(us).In(pack.Location()).Format(time.RFC3339)
}
