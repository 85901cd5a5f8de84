package coverage

import (
	"cmp"
	"maps"
	"slices"

	"testzone/telemetry"
	"testzone/vehicles"
)

// Look takes in what a shard found of its vehicles.
func (l *Ledger) Look(steadyUS int64, looks []telemetry.EnforcementLook) {
	l.mu.Lock()
	defer l.mu.Unlock()
	nowUS := l.cfg.Clock().UnixMicro()
	l.steady = max(l.steady, steadyUS)
	for i := range looks {
		l.look(&looks[i], steadyUS, nowUS)
	}
}

// look counts what passed since the last look at a vehicle, as it was found then,
// and takes in what is found now. Called with l.mu held.
func (l *Ledger) look(found *telemetry.EnforcementLook, steadyUS, nowUS int64) {
	v := l.now[found.Vehicle.ID]
	if v == nil {
		v = &seen{Vehicle: Vehicle{Vehicle: found.Vehicle, Armed: found.Armed, Enforced: found.Enforced(), Reasons: found.Reasons(), SinceUS: nowUS}}
		l.now[found.Vehicle.ID] = v
		l.first(v, nowUS)
	} else if v.Armed && v.Vehicle.Vehicle.Verified {
		l.count(v, steadyUS-v.steadyUS, nowUS)
	}
	v.steadyUS, v.Vehicle.Vehicle = steadyUS, found.Vehicle
	if v.hasFix = found.HasFix; v.hasFix {
		v.at = found.At
	}
	v.become(found, nowUS)
}

func (v *seen) become(found *telemetry.EnforcementLook, nowUS int64) {
	switch {
	case v.Armed != found.Armed: // told by the vehicle: nothing that flickers
		v.Armed, v.Enforced, v.others, v.SinceUS = found.Armed, found.Enforced(), 0, nowUS
	case v.Enforced == found.Enforced():
		v.others = 0
	default:
		if v.others++; v.others < looksToChange {
			return // what held goes on to hold, its reasons too
		}
		v.Enforced, v.others, v.SinceUS = found.Enforced(), 0, nowUS
	}
	v.Reasons = found.Reasons()
}

// first is about a vehicle that was not looked at before in this run: what no fact
// has of one that was armed, and still is, nobody supervised. Called with l.mu held.
func (l *Ledger) first(v *seen, nowUS int64) {
	id := v.Vehicle.Vehicle.ID
	if !v.Vehicle.Vehicle.Verified || l.began[id] {
		return
	}
	l.began[id] = true
	k, was := slices.BinarySearchFunc(l.armed, id, func(a armedRef, id vehicles.VehicleID) int { return cmp.Compare(a.Vehicle, id) })
	if !was || !v.Armed {
		return
	}
	if from := cmp.Or(l.armed[k].UnseenUS, l.toUS); nowUS-from <= unseenUS {
		l.lost(v, from, nowUS)
	}
}

// count adds the time between two looks. Called with l.mu held.
func (l *Ledger) count(v *seen, us, nowUS int64) {
	if us <= 0 {
		return
	}
	if us > gapUS {
		l.lost(v, nowUS-us, nowUS)
		return
	}
	us += v.restUS
	v.restUS = us % 1000
	sum := Sum{EnforcedMS: us / 1000}
	if !v.Enforced {
		sum = Sum{NotEnforcedMS: us / 1000}
		for _, why := range v.Reasons {
			sum.because(why, us/1000)
		}
	}
	l.book(v, nowUS/hourUS, &sum)
}

// lost adds time in which nobody looked, hour by hour. Called with l.mu held.
func (l *Ledger) lost(v *seen, fromUS, toUS int64) {
	for fromUS < toUS {
		end := min(toUS, (fromUS/hourUS+1)*hourUS)
		sum := Sum{NotEnforcedMS: (end - fromUS) / 1000}
		sum.because(SupervisionLost, sum.NotEnforcedMS)
		l.book(v, fromUS/hourUS, &sum)
		fromUS = end
	}
}

// book enters a sum. Called with l.mu held.
func (l *Ledger) book(v *seen, hour int64, sum *Sum) {
	id := v.Vehicle.Vehicle
	l.open.row(row{hour, id.ID, id.Operator}).Add(sum)
	l.total.Add(sum)
	if cell, ok := l.cell(v); ok && sum.NotEnforcedMS > 0 {
		l.open.places[place{hour, id.Operator, cell}] += sum.NotEnforcedMS
	}
}

// cell is where a vehicle was last, row by row from the south-west. Called with
// l.mu held.
func (l *Ledger) cell(v *seen) (cell int, ok bool) {
	b := l.cfg.Box
	w, h := int64(b.East)-int64(b.West), int64(b.North)-int64(b.South)
	x, y := int64(v.at.Lon)-int64(b.West), int64(v.at.Lat)-int64(b.South)
	if !v.hasFix || w <= 0 || h <= 0 || x < 0 || y < 0 || x > w || y > h {
		return 0, false
	}
	return int(min(y*Rows/h, Rows-1))*Cols + int(min(x*Cols/w, Cols-1)), true
}

// forgetSilent lets go of vehicles that nobody follows any more.
func (l *Ledger) forgetSilent() {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.now, func(_ vehicles.VehicleID, v *seen) bool { return l.steady-v.steadyUS > gapUS })
}

// tell publishes for how many vehicles the fences are enforced, when that is news.
func (l *Ledger) tell() {
	l.mu.Lock()
	defer l.mu.Unlock()
	by, uncovered := l.countNow(), map[vehicles.VehicleID]bool{}
	for id, v := range l.now {
		if v.Armed && !v.Enforced {
			uncovered[id] = true
		}
	}
	if l.cfg.Bus == nil || maps.Equal(by, l.told) && maps.Equal(uncovered, l.uncovered) {
		return
	}
	l.told, l.uncovered = by, uncovered
	l.cfg.Bus.Publish(l.cfg.Clock().UnixMicro(), &telemetry.CoverageChange{By: by})
}

// countNow counts vehicles by operator. Called with l.mu held.
func (l *Ledger) countNow() map[string]telemetry.CoverageCount {
	by := map[string]telemetry.CoverageCount{}
	for _, v := range l.now {
		n := by[v.Vehicle.Vehicle.Operator]
		switch {
		case !v.Armed:
		case !v.Vehicle.Vehicle.Verified:
			n.Unverified++
		default:
			if n.Armed++; !v.Enforced {
				n.NotEnforced++
			}
		}
		if n != (telemetry.CoverageCount{}) {
			by[v.Vehicle.Vehicle.Operator] = n
		}
	}
	return by
}

// Count is for how many vehicles of a view the fences are enforced now.
func (l *Ledger) Count(view telemetry.View) telemetry.CoverageCount {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := telemetry.CoverageChange{By: l.countNow()}
	return now.Of(view)
}

// Now lists the vehicles of a view, by id.
func (l *Ledger) Now(view telemetry.View) []Vehicle {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Vehicle
	for _, v := range l.now {
		if view.Owns(v.Vehicle.Vehicle.Operator) {
			out = append(out, v.Vehicle)
		}
	}
	slices.SortFunc(out, func(a, b Vehicle) int { return cmp.Compare(a.Vehicle.ID, b.Vehicle.ID) })
	return out
}

// Total is what was counted since the start of the program.
func (l *Ledger) Total() Sum {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out Sum
	out.Add(&l.total)
	return out
}

// Minutes are the sums of a vehicle under one operator.
type Minutes struct {
	Vehicle  vehicles.VehicleID
	Operator string
	Sum
}

// Between lists the sums of the hours that begin within a time, by vehicle and operator.
func (l *Ledger) Between(view telemetry.View, fromUS, toUS int64) []Minutes {
	l.mu.Lock()
	defer l.mu.Unlock()
	sums := map[row]*Sum{}
	for _, c := range []*counts{&l.kept, &l.open} {
		for k, s := range c.rows {
			if k.hour*hourUS < fromUS || k.hour*hourUS >= toUS || !view.Owns(k.operator) {
				continue
			}
			k.hour = 0
			if sums[k] == nil {
				sums[k] = &Sum{}
			}
			sums[k].Add(s)
		}
	}
	var out []Minutes
	for k, s := range sums {
		out = append(out, Minutes{k.vehicle, k.operator, *s})
	}
	slices.SortFunc(out, func(a, b Minutes) int {
		return cmp.Or(cmp.Compare(a.Vehicle, b.Vehicle), cmp.Compare(a.Operator, b.Operator))
	})
	return out
}

// Places are the milliseconds that were not enforced since a time, by cell of the grid.
func (l *Ledger) Places(view telemetry.View, fromUS int64) map[int]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[int]int64{}
	for _, c := range []*counts{&l.kept, &l.open} {
		for k, ms := range c.places {
			if (k.hour+1)*hourUS > fromUS && view.Owns(k.operator) {
				out[k.cell] += ms
			}
		}
	}
	return out
}
