package airspace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"testzone/airspace/document"
)

// EraseDocuments erases the documents whose time is over: at once those of an
// application that was never handed in and is withdrawn, else when the pack's time
// after the end of the permit is over ("document", else that of the audit). Without
// its pack a permit keeps them.
func (r *Register) EraseDocuments(ctx context.Context) (erased int, err error) {
	if r.cfg.Documents == nil {
		return 0, nil
	}
	now := r.cfg.Clock().UnixMicro()
	r.mu.RLock()
	ids := slices.Sorted(maps.Keys(r.documents.of))
	due := slices.DeleteFunc(ids, func(id string) bool { return len(r.documentsDue(id, now)) == 0 })
	var late []document.Name // erased, but a crash or the disk left the file
	for _, of := range r.documents.of {
		for _, d := range of {
			if d.ErasedUS != 0 && r.cfg.Documents.Has(d.name()) {
				late = append(late, d.name())
			}
		}
	}
	r.mu.RUnlock()
	for _, id := range due {
		var names []document.Name
		one := r.decideDocuments(ctx, "", id, actEraseDocument, func(now time.Time) (changes []documentChange, err error) {
			names = nil
			for _, d := range r.documentsDue(id, now.UnixMicro()) {
				d.ErasedUS = now.UnixMicro()
				changes, names = append(changes, documentChange{Document: &d}), append(names, d.name())
			}
			return changes, nil
		})
		if one != nil {
			err = errors.Join(err, fmt.Errorf("erase documents of permit %s: %w", id, one))
			continue
		}
		late = append(late, names...)
		erased += len(names)
	}
	for _, n := range late {
		err = errors.Join(err, r.cfg.Documents.Erase(n))
	}
	return erased, err
}

// documentsDue are the documents of a permit whose time is over. Called with r.mu held.
func (r *Register) documentsDue(id string, nowUS int64) (out []Document) {
	p, ok := r.permits.book.Get(id)
	if !ok || !p.Ended() {
		return nil
	}
	until := p.EndedUS
	if p.SubmittedUS != 0 {
		pack, err := r.packOf(&p, 0)
		if err != nil {
			return nil
		}
		keep, ok := pack.Retention["document"]
		if !ok {
			if keep, ok = pack.Retention["audit"]; !ok {
				return nil
			}
		}
		until = keep.After(time.UnixMicro(p.EndedUS).In(pack.Location())).UnixMicro()
	}
	if nowUS < until {
		return nil
	}
	for _, d := range r.documents.of[id] {
		if d.ErasedUS == 0 {
			out = append(out, d)
		}
	}
	return out
}
