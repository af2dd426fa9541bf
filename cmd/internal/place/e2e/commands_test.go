package e2e

import (
	"bytes"
	"crypto/ed25519"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"doord/policy/ledger"
	"doord/sim/board"
	"doord/store"
	"doord/store/cloudsync"
)

// newMeddled makes a place of one controller, with a meddler between.
func newMeddled(t testing.TB) (*site, *unit, *meddler) {
	t.Helper()
	m := &meddler{}
	s := newSite(t, "small", 1, 1, nil)
	s.stop()
	s.service.wrap = m.wrap
	s.start()
	s.pass(2 * time.Minute)
	return s, s.units[0], m
}

// unlock asks for a door, and returns the status.
func (s *site) unlock(lock int64) int {
	status, _ := s.ask("POST", path("/locks/%d/unlock", lock), "")
	return status
}

// moves counts how often a relay let people in.
func (u *unit) moves() (n int) {
	for _, t := range u.board.Transitions() {
		if t.On && (t.Channel == front || t.Channel == side) {
			n++
		}
	}
	return n
}

func TestAnUnlockByTheAPIMovesTheRelay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, u, _ := newMeddled(t)
		if status := s.unlock(u.front); status != http.StatusOK {
			t.Fatal(status)
		}
		u.released(front)
		s.pass(4 * time.Second)
		u.released()
		s.isolate("A")
		s.pass(time.Second)
		began := time.Now()
		if status := s.unlock(u.front); status != http.StatusServiceUnavailable || time.Since(began) > time.Second {
			t.Errorf("%d after %v, with the controller away", status, time.Since(began))
		}
		s.join("A")
		s.pass(6 * time.Minute)
		u.released()
		if n := u.moves(); n != 1 {
			t.Errorf("it moved %d times", n)
		}
	})
}

func TestACommandThatIsLateOpensNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, u, m := newMeddled(t)
		for _, by := range []time.Duration{cloudsync.CommandLife, cloudsync.CommandLife + time.Second, 30 * time.Second} {
			m.set(func(m *meddler) { m.command = late(by) })
			if status := s.unlock(u.front); status != http.StatusServiceUnavailable {
				t.Errorf("%v late: %d", by, status)
			}
			s.pass(time.Minute)
			if n := u.moves(); n != 0 {
				t.Fatalf("%v late: it moved", by)
			}
		}
		m.set(func(m *meddler) { m.command = late(cloudsync.CommandLife - 100*time.Millisecond) })
		if status := s.unlock(u.front); status != http.StatusOK || u.moves() != 1 {
			t.Errorf("in time: %d", status)
		}
	})
}

// A controller whose loop is held up does not do later what was given up meanwhile.
func TestAControllerThatIsHeldUpOpensNothingLater(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, held := range []time.Duration{6 * time.Second, 12 * time.Second} {
			s, u, m := newMeddled(t)
			var hold sync.Once
			u.board.OnRelay(func(tr board.Transition) {
				if tr.Channel == side {
					hold.Do(func() { time.Sleep(held) })
				}
			})
			m.set(func(m *meddler) { m.command = late(8 * time.Second) })
			status := make(chan int, 1)
			go func() { status <- s.unlock(u.front) }()
			s.pass(7 * time.Second)
			u.present("side", s.cards[0].number)
			if got := <-status; got != http.StatusServiceUnavailable {
				t.Errorf("held up for %v: %d", held, got)
			}
			before := u.moves()
			s.pass(time.Minute)
			if u.moves() != before {
				t.Errorf("held up for %v: the door opened after the answer", held)
			}
		}
	})
}

func TestCommandsThatAreForgedOrPlayedAgainOpenNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, u, m := newMeddled(t)
		other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
		command := func(nonce []byte) cloudsync.Command {
			return cloudsync.Command{ID: 1, Controller: u.id, Nonce: nonce, Sequence: 1, Action: cloudsync.ActionUnlock, Lock: u.front, Body: []byte(path(`{"member":%d}`, s.staff))}
		}
		if status := s.unlock(u.front); status != http.StatusOK {
			t.Fatal(status)
		}
		s.pass(4 * time.Second)
		first := u.moves()
		for _, tt := range []struct {
			name   string
			inject func(nonce []byte) []byte
		}{
			{"played again on its stream", func([]byte) []byte {
				old, _ := m.old()
				return old[len(old)-1]
			}},
			{"signed by another", func(nonce []byte) []byte { return frame(ledger.Sign(ledger.ForCommand, command(nonce), other)) }},
			{"played again on another stream", func([]byte) []byte {
				old, _ := m.old()
				return old[0]
			}},
			{"of no form", func([]byte) []byte { return []byte("event: command\ndata: {}\n\n") }},
		} {
			name := tt.name
			mark := u.journal.Head().Sequence
			m.set(func(m *meddler) { m.inject = once(tt.inject) })
			s.ok(t, "PATCH", path("/locks/%d", u.side), `{"lock":{"name":%q}}`, name)
			s.pass(time.Second)
			if n := u.moves(); n != first {
				t.Fatalf("%s: it opened the door", name)
			}
			if !slices.ContainsFunc(u.since(mark), func(r store.Record) bool { return strings.Contains(r.Detail, "a command was refused") }) {
				t.Errorf("%s: nobody is told", name)
			}
			s.pass(3 * time.Minute)
			if !s.synced(u) {
				t.Errorf("%s: the controller does not come back", name)
			}
			if status := s.unlock(u.front); status != http.StatusOK {
				t.Errorf("%s: a good one is answered with %d", name, status)
			}
			s.pass(4 * time.Second)
			first++
		}
		// Of one that comes twice, the door opens once.
		m.set(func(m *meddler) { m.command = func(f []byte) [][]byte { return [][]byte{f, f} } })
		s.unlock(u.front)
		s.pass(4 * time.Second)
		if n := u.moves(); n != first+1 {
			t.Errorf("a command that came twice moved it %d times", n-first)
		}
	})
}

// Nobody without the keys brings an old policy back, nor another.
func TestPoliciesThatAreOldOrChangedAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, u, m := newMeddled(t)
		number := s.cards[0].number
		if !u.tap("front", number) {
			t.Fatal("not admitted")
		}
		for range 2 {
			s.ok(t, "POST", path("/cards/%d/activate", s.cards[0].id), "")
			m.set(func(m *meddler) { m.whole = true })
			s.cut()
			s.pass(2 * time.Minute)
			s.ok(t, "POST", path("/cards/%d/deactivate", s.cards[0].id), "")
			s.pass(time.Second)
		}
		if u.tap("front", number) {
			t.Fatal("admitted")
		}
		position := u.policy.Position()
		_, old := m.old()
		if len(old) < 5 {
			t.Fatalf("only %d policies went by", len(old))
		}
		for i, a := range old {
			for name, change := range map[string]func([]byte) []byte{
				"again":   func(b []byte) []byte { return b },
				"cut off": func(b []byte) []byte { return b[:len(b)/2] },
				"changed": func(b []byte) []byte {
					b = bytes.Clone(b)
					b[len(b)*2/3] ^= 1
					return b
				},
			} {
				body := change(a.body)
				m.set(func(m *meddler) { m.policy = func(*http.Request) *recorded { return &recorded{a.header, body} } })
				s.cut()
				s.pass(2 * time.Minute)
				if u.tap("front", number) {
					t.Fatalf("answer %d, %s: admitted", i, name)
				}
				if got := u.policy.Position(); got != position {
					t.Fatalf("answer %d, %s: the controller went from %v to %v", i, name, position, got)
				}
			}
		}
		m.set(func(m *meddler) { m.policy = nil })
		s.ok(t, "POST", path("/cards/%d/activate", s.cards[0].id), "")
		s.pass(6 * time.Minute)
		if !u.tap("front", number) {
			t.Error("not admitted after all is well again")
		}
		s.agreed()
	})
}
