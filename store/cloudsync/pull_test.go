package cloudsync

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"doord/policy/ledger"
)

func TestAChangeIsHereAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.pass(time.Minute)
		for v := uint64(2); v < 5; v++ {
			r.service.touch(string(rune('a' + v)))
			r.pass(time.Millisecond)
			r.at(v)
			r.pass(time.Minute)
		}
		if r.service.wholes != 1 {
			t.Errorf("%d snapshots went out", r.service.wholes)
		}
		r.faulty()
	})
}

func TestARefusedPolicyIsToldLoudlyAndTheLastGoodOneStays(t *testing.T) {
	type records = []ledger.Record
	resign := func(s *scripted, p *ledger.Preamble, change func(*ledger.Head)) {
		var h ledger.Head
		if err := p.Head.Peek(&h); err != nil {
			s.Error(err)
		}
		change(&h)
		p.Head = ledger.Sign(ledger.ForHead, h, s.key)
	}
	tests := []struct {
		name  string
		spoil func(*scripted, *ledger.Preamble, records) records
		want  error
	}{
		{"another key", func(s *scripted, p *ledger.Preamble, r records) records {
			p.Head.Signature = slices.Clone(p.Head.Signature)
			p.Head.Signature[0] ^= 1
			return r
		}, errPreamble},
		{"another place", func(s *scripted, p *ledger.Preamble, r records) records {
			resign(s, p, func(h *ledger.Head) { h.Place++ })
			return r
		}, errPlace},
		{"a lower version", func(s *scripted, p *ledger.Preamble, r records) records {
			resign(s, p, func(h *ledger.Head) { h.Version = 1; h.Chain = s.chains[1] })
			return r
		}, errBack},
		{"a forked history", func(s *scripted, p *ledger.Preamble, r records) records {
			resign(s, p, func(h *ledger.Head) { h.Version = 2; h.Chain = ledger.Hash{9} })
			return r
		}, errFork},
		{"a generation of nobody", func(s *scripted, p *ledger.Preamble, r records) records {
			resign(s, p, func(h *ledger.Head) { h.Generation = 2 })
			return r
		}, errStep},
		{"a truncated snapshot", func(_ *scripted, p *ledger.Preamble, r records) records {
			p.Base = nil
			return r[:len(r)-1]
		}, errDelta},
		{"a snapshot with one record too many", func(s *scripted, p *ledger.Preamble, r records) records {
			more, err := ledger.Small("groups", 99, map[string]any{"id": 99, "name": "Thieves"})
			if err != nil {
				s.Error(err)
			}
			r = append(r, more)
			slices.SortFunc(r, ledger.Compare)
			return r
		}, errDelta},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				r.service.touch("good")
				r.pass(time.Second)
				r.at(2)
				r.pass(time.Minute)
				s := r.service
				s.mu.Lock()
				s.chains[2][0] ^= 1 // so that it sends everything
				s.spoil = func(p *ledger.Preamble, r records) records { return tt.spoil(s, p, r) }
				s.mu.Unlock()
				s.touch("bad")
				r.pass(10 * time.Second)
				r.at(2)
				r.faulty("a policy from the place service was refused: " + tt.want.Error())
				if n := len(r.daemon.notes); n != 1 || !strings.Contains(r.daemon.notes[0], tt.want.Error()) {
					t.Errorf("noted %q", r.daemon.notes)
				}
				if n := s.count(PathPolicy); n > 20 {
					t.Errorf("the policy was asked for %d times", n)
				}
				s.mu.Lock()
				s.spoil = nil
				s.mu.Unlock()
				r.pass(2 * mostPause)
				r.at(3)
				r.faulty()
			})
		})
	}
}

func TestADeltaThatDoesNotFitIsFollowedByTheWhole(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		s := r.service
		s.mu.Lock()
		s.entries = append(s.entries, ledger.Entry{Version: 2}.Encode()) // its own chain says another
		s.chains = append(s.chains, ledger.Hash{7})
		close(s.changed)
		s.changed = make(chan struct{})
		s.mu.Unlock()
		r.pass(time.Second)
		r.at(2)
		if s.wholes != 2 {
			t.Errorf("%d snapshots went out", s.wholes)
		}
		r.faulty()
	})
}

func TestARestoredServiceGoesBackByTheRootsWordOnly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		s := r.service
		s.touch("lost with the disk")
		r.pass(time.Second)
		r.at(2)
		s.mu.Lock()
		s.entries, s.chains = s.entries[:1], s.chains[:2] // an older backup
		s.mu.Unlock()
		s.cut(false)
		r.pass(10 * time.Second)
		r.at(2)
		r.faulty("a policy from the place service was refused: " + errBack.Error())
		s.mu.Lock()
		s.generation = 2
		step := ledger.Sign(ledger.ForStep, ledger.Step{Place: thePlace, Generation: 2}, s.root)
		s.step = &step
		s.mu.Unlock()
		r.pass(2 * mostPause)
		r.at(1)
		r.faulty()
	})
}

func TestHeadsAndKeysAreRenewedWithoutAHand(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newStranger(t)
		s := r.service
		s.certLife = 3 * 24 * time.Hour
		if err := r.client.Enroll(t.Context(), address, s.claim()); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Minute)
		s.mu.Lock()
		next := newKey(t)
		s.grants = nil
		s.grant(s.key, 60*time.Hour)
		s.grant(next, 10*365*24*time.Hour)
		s.mu.Unlock()
		certificate := r.client.Report().Until
		for day := range 6 {
			r.pass(24 * time.Hour)
			if day == 1 { // the first key ends
				s.mu.Lock()
				s.key = next
				s.mu.Unlock()
			}
			rep := r.client.Report()
			if left := time.Until(rep.Expires); rep.Stale || left < 4*24*time.Hour {
				t.Fatalf("day %d: the head ends in %v: %+v", day, left, rep)
			}
			if left := time.Until(rep.Until); left < 22*time.Hour {
				t.Fatalf("day %d: the certificate ends in %v", day, left)
			}
		}
		s.touch("after all that")
		r.pass(time.Second)
		r.at(2)
		r.faulty()
		if until := r.client.Report().Until; until.Sub(certificate) < 4*24*time.Hour {
			t.Errorf("the certificate ends on %v, and ended on %v", until, certificate)
		}
		if s.wholes != 1 {
			t.Errorf("%d snapshots went out", s.wholes)
		}
		r.end() // and what is on the disk is the last of it
		r.start()
		s.touch("after a restart")
		r.pass(time.Second)
		r.at(3)
	})
}

func TestAnAlarmComesAMonthBeforeTheLastKeyEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		s := r.service
		s.mu.Lock()
		s.grants = nil
		s.grant(s.key, 32*24*time.Hour)
		s.mu.Unlock()
		s.touch("with shorter grants")
		r.pass(24 * time.Hour)
		r.at(2)
		// Fewer grants than are known are somebody's who plays old ones.
		r.faulty()
		r.end()
		text := r.client.current(nil)
		text.Grants = s.grants
		if err := text.save(r.dir); err != nil {
			t.Fatal(err)
		}
		r.start()
		r.pass(time.Hour)
		r.faulty()
		r.pass(25 * time.Hour)
		r.faulty("the last policy key of the place service ends on ")
		s.mu.Lock()
		s.grant(newKey(t), 400*24*time.Hour)
		s.mu.Unlock()
		s.touch("with new keys")
		r.pass(2 * time.Hour)
		r.faulty()
	})
}

func TestAPolicyThatCannotBeUsedIsAFault(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.daemon.set(func() { r.daemon.useless = errors.New("no such time zone") })
		r.service.touch("useless")
		r.pass(time.Second)
		r.faulty("policy 1.2 of the place service cannot be put in force: no such time zone")
		r.daemon.set(func() { r.daemon.useless = nil })
		r.service.touch("good")
		r.pass(mostPause)
		r.at(3)
		r.faulty()
	})
}

func TestACacheThatIsLostIsNotFilledWithAnOlderPolicy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.service.touch("new")
		r.pass(2 * time.Hour) // what was reached is noted once an hour
		r.at(2)
		e := *r.client.current(nil)
		st := (&session{Client: r.client, enrolment: &e, trust: ledger.NewTrust(e.Root)}).stand()
		if st.least != st.position {
			t.Errorf("the floor is %v, the position %v", st.least, st.position)
		}
	})
}
