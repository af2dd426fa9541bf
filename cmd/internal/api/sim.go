package api

import (
	"context"
	"net/http"
	"time"

	"doord/policy"
	"doord/store"
)

// readWait bounds how long a simulated read may take to become an event.
const readWait = 3 * time.Second

// settleWait bounds how long an input may take to settle: debounce and rate limit.
const settleWait = time.Second

// simInput sets an input and answers once the daemon has seen it settle.
func (s *server) simInput(r *http.Request) (any, error) {
	var v SimInput
	if err := body(r, &v); err != nil {
		return nil, err
	}
	if err := s.sim.Input(r.Context(), v); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), settleWait)
	defer cancel()
	for ctx.Err() == nil && !s.settled(ctx, v) {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return Result{Version: Version, Granted: true}, r.Context().Err()
}

func (s *server) settled(ctx context.Context, v SimInput) bool {
	list, err := s.daemon.Inputs(ctx)
	if err != nil {
		return false
	}
	for _, in := range list {
		if in.Name == v.Input {
			return in.Status == v.State || in.Status != "unknown" && v.State == activity(in.Active)
		}
	}
	return false
}

func activity(active bool) string {
	if active {
		return "active"
	}
	return "inactive"
}

func simulate[T any](do func(context.Context, T) error) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var v T
		if err := body(r, &v); err != nil {
			return nil, err
		}
		return Result{Version: Version, Granted: true}, do(r.Context(), v)
	}
}

func (s *server) simBits(r *http.Request) (any, error) {
	var v SimBits
	if err := body(r, &v); err != nil {
		return nil, err
	}
	return s.outcome(r.Context(), v.Reader, func() error { return s.sim.Bits(r.Context(), v) })
}

func (s *server) simKeys(r *http.Request) (any, error) {
	var v SimKeys
	if err := body(r, &v); err != nil {
		return nil, err
	}
	return s.outcome(r.Context(), v.Reader, func() error { return s.sim.Keys(r.Context(), v) })
}

func (s *server) simTap(r *http.Request) (any, error) {
	var v SimTap
	if err := body(r, &v); err != nil {
		return nil, err
	}
	if v.State == "out_of_range" {
		return Result{Version: Version, Text: "the phone is out of range: nothing reached the reader"}, nil
	}
	return s.outcome(r.Context(), v.Reader, func() error { return s.sim.Tap(r.Context(), v) })
}

func (s *server) simInApp(r *http.Request) (any, error) {
	var v InApp
	if err := body(r, &v); err != nil {
		return nil, err
	}
	return s.daemon.InApp(r.Context(), v)
}

// outcome does something at a reader and answers with what the daemon made of
// it: the first event of that reader that follows.
func (s *server) outcome(ctx context.Context, reader string, do func() error) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	journal, err := s.daemon.Events()
	if err != nil {
		return Result{}, err
	}
	if err := journal.Sync(ctx); err != nil {
		return Result{}, err
	}
	since := journal.Head().Sequence
	if err := do(); err != nil {
		return Result{}, err
	}
	for record, err := range journal.Follow(ctx, since) {
		if err != nil || record.Reader != reader {
			continue
		}
		switch record.Type {
		case policy.LockUnlock, policy.ElevatorPermit, policy.ReaderAccess, policy.ReaderBadFrame:
			return ResultOf(record), nil
		}
	}
	return Result{Version: Version, Pending: s.pending(reader), Text: "the reader told nothing: it waits for more"}, nil
}

func (s *server) pending(reader string) string {
	list, err := s.daemon.Readers(context.Background())
	if err != nil {
		return ""
	}
	for _, r := range list {
		if r.Name == reader && r.Shows == policy.ShowAskPIN.String() {
			return "pin"
		}
	}
	return ""
}

// ResultOf is what an event says of a decision.
func ResultOf(r store.Record) Result {
	result := Result{
		Version: Version,
		Granted: r.Success && (r.Type == policy.LockUnlock || r.Type == policy.ElevatorPermit),
		Reason:  r.Reason,
		Code:    r.Reason.Code(),
		Text:    r.Reason.Text(),
		Door:    r.Object.Name,
		Lock:    r.Object.ID,
		Type:    string(r.Type),
		Event:   r.Sequence,
		Bits:    r.Bits,
		Trace:   r.Trace,
	}
	if r.Actor.Type == "member" {
		result.Member = r.Actor.ID
	}
	if r.Type == policy.ReaderBadFrame {
		result.Fault, result.Door, result.Lock = r.Detail, "", 0
		result.Text = "the frame is no credential: " + r.Detail
	}
	if result.Granted {
		result.Text = "granted"
	}
	return result
}
