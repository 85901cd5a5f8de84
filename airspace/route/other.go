package route

import (
	"context"
	"errors"
)

// Other is another route for the same flight.
type Other struct {
	Kind       string // wide: farther from fences; high: at the highest level that was asked
	ClearanceM float64
	*Route
}

// Others are routes that are worth more than their length to some: one with the most
// clearance of twice, four or eight times what was asked, one as high as was asked,
// where noise is less. What is the route itself again, or not to be had, is left out.
func (p *Planner) Others(ctx context.Context, a *Air, best *Route) ([]Other, error) {
	if err := p.take(ctx); err != nil {
		return nil, err
	}
	defer p.give()
	var out []Other
	add := func(kind string, asked *Air) (found bool, err error) {
		r, err := p.at(ctx, asked)
		if refused := (*Refusal)(nil); errors.As(err, &refused) {
			return false, nil
		} else if err != nil {
			return false, err
		}
		if r.LevelMM != best.LevelMM || r.LengthM != best.LengthM {
			out = append(out, Other{kind, asked.ClearanceM, r})
		}
		return true, nil
	}
	wide := *a
	wide.LeastMM, wide.MostMM, wide.LikedMM = best.LevelMM, best.LevelMM, best.LevelMM
	for _, times := range []float64{8, 4, 2} {
		wide.ClearanceM = a.ClearanceM * times
		if found, err := add("wide", &wide); err != nil || found {
			if err != nil {
				return nil, err
			}
			break
		}
	}
	high := *a
	high.LeastMM, high.LikedMM = a.MostMM, a.MostMM
	if a.MostMM > best.LevelMM {
		if _, err := add("high", &high); err != nil {
			return nil, err
		}
	}
	return out, nil
}
