package api

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"doord/policy"
	"doord/store"
)

// recorder is a daemon with a journal.
type recorder struct {
	Daemon
	journal *store.Journal
}

func (r recorder) Events() (*store.Journal, error) { return r.journal, nil }

// newRecorder serves a journal with n events to a client.
func newRecorder(t *testing.T, n int) (*store.Journal, *Client) {
	t.Helper()
	j, err := store.OpenJournal(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	record(t, j, n)
	path := filepath.Join(t.TempDir(), "doord.sock")
	serve(t, listen(t, path), Handler(recorder{journal: j}, nil))
	return j, NewClient(path)
}

func record(t *testing.T, j *store.Journal, n int) {
	t.Helper()
	for i := range n {
		j.Append(policy.Event{Type: policy.LockOpened, At: policy.Now{Up: time.Duration(i)}, Detail: fmt.Sprint(i)})
	}
	if err := j.Sync(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestEventsAreListedInOrderWhateverTheirNumber(t *testing.T) {
	const n = 3*256 + 1
	_, c := newRecorder(t, n)
	for _, since := range []uint64{0, 255, 256, n - 1, n, n + 100} {
		next := since
		var last store.Hash
		for r, err := range c.Events(t.Context(), since, false) {
			if err != nil {
				t.Fatal(err)
			}
			next++
			if r.Sequence != next {
				t.Fatalf("since %d: event %d comes for %d", since, r.Sequence, next)
			}
			if next > since+1 && !r.Follows(last) {
				t.Fatalf("event %d does not follow the one before", r.Sequence)
			}
			last = r.Hash
		}
		if want := max(n, since); next != want {
			t.Errorf("since %d: the last is %d", since, next)
		}
	}
}

func TestAFollowerGetsWhatWasAndWhatComes(t *testing.T) {
	j, c := newRecorder(t, 3)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var got []uint64
	for r, err := range c.Events(ctx, 1, true) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Sequence)
		switch r.Sequence {
		case 3:
			record(t, j, 2)
		case 5:
			stop()
		}
	}
	if want := []uint64{2, 3, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("got %v, not %v", got, want)
	}
}

func TestAFollowerIsToldThatTheDaemonEnded(t *testing.T) {
	j, c := newRecorder(t, 1)
	var last error
	for _, err := range c.Events(t.Context(), 0, true) {
		if last = err; err != nil {
			break
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !errors.Is(last, ErrUnreachable) {
		t.Errorf("got %v", last)
	}
}

func TestAJournalThatCannotBeReadIsAnErrorAndNoEmptyList(t *testing.T) {
	j, c := newRecorder(t, 3)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for _, err := range c.Events(t.Context(), 0, false) {
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Text, "closed") {
			t.Errorf("got %v", err)
		}
		return
	}
	t.Error("an empty list")
}

func TestASequenceThatIsNoneIsRefused(t *testing.T) {
	_, c := newRecorder(t, 0)
	for _, since := range []string{"-1", "x", "1e3", "99999999999999999999999"} {
		var e *Error
		if err := c.Get(t.Context(), "/v1/events?since="+since, nil); !errors.As(err, &e) || e.Status != 400 {
			t.Errorf("since=%s: %v", since, err)
		}
	}
}
