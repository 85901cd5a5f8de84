package main

import (
	"context"
	"errors"
	"sync"
	"time"
)

// stage is a set of goroutines that end together. The zero value has none.
type stage struct {
	cancel context.CancelFunc
	done   chan struct{}
	errs   []error
}

// startStage runs each of runs until the stage is ended; it outlives the
// cancellation of ctx. When one of them returns by itself, failed is called.
func startStage(failed func(), ctx context.Context, runs ...func(context.Context) error) stage {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	st := stage{cancel: cancel, done: make(chan struct{}), errs: make([]error, len(runs))}
	var wg sync.WaitGroup
	for i, run := range runs {
		wg.Go(func() {
			defer failed()
			if err := run(own); !errors.Is(err, context.Canceled) {
				st.errs[i] = err
			}
		})
	}
	go func() {
		wg.Wait()
		close(st.done)
	}()
	return st
}

// end stops the stage and waits for it, but not beyond late.
func (st *stage) end(late <-chan time.Time) bool {
	if st.cancel == nil {
		return true
	}
	st.cancel()
	select {
	case <-st.done:
		return true
	case <-late:
		return false
	}
}

// err is what went wrong in an ended stage.
func (st *stage) err() error { return errors.Join(st.errs...) }
