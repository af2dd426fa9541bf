package cloudsync

import (
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"
	"time"

	"doord/policy"
	"doord/policy/ledger"
)

func TestACommandIsCarriedOutAtOnceAndItsResultTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.daemon.answer = Result{Reason: policy.OutsideSchedule, Text: "not now"}
		s := r.service
		r.pass(time.Hour)
		v := s.open()
		for i := range 40 { // on one stream, numbered on
			before := time.Now()
			s.send(v, s.order(v, ActionUnlock), s.key)
			r.pass(time.Millisecond)
			if n := len(r.daemon.done); n != i+1 || len(s.results) != n || s.results[i].Text != "not now" {
				t.Fatalf("after %v %d were done, with the results %+v", time.Since(before), n, s.results)
			}
			r.pass(time.Minute)
		}
		if s.opened != 1 {
			t.Errorf("%d streams", s.opened)
		}
		r.faulty()
	})
}

func TestACommandThatIsWrongIsNotCarriedOutAndEndsItsStream(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*Command, *ed25519.PrivateKey) // what comes after one that was good
		want  error
	}{
		{"replayed", func(c *Command, _ *ed25519.PrivateKey) { c.ID--; c.Sequence-- }, errOrderSequence},
		{"skipping one", func(c *Command, _ *ed25519.PrivateKey) { c.Sequence++ }, errOrderSequence},
		{"another controller's", func(c *Command, _ *ed25519.PrivateKey) { c.Controller++ }, errOrderController},
		{"another stream's", func(c *Command, _ *ed25519.PrivateKey) { c.Nonce = slices.Clone(c.Nonce); c.Nonce[0]++ }, errOrderNonce},
		{"of another key", func(_ *Command, key *ed25519.PrivateKey) { *key = ed25519.NewKeyFromSeed(make([]byte, 32)) }, errOrderKey},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				s := r.service
				key := s.key
				v := s.open()
				s.send(v, s.order(v, ActionUnlock), s.key)
				r.pass(time.Second)
				c := s.order(v, ActionUnlock)
				tt.spoil(&c, &key)
				s.send(v, c, key)
				s.send(v, s.order(v, ActionUnlock), s.key) // nothing more is taken from there
				r.pass(100 * time.Millisecond)
				if len(r.daemon.done) != 1 || len(s.results) != 1 {
					t.Errorf("done: %+v, told: %+v", r.daemon.done, s.results)
				}
				r.faulty("a command was refused: " + tt.want.Error())
				if len(r.daemon.notes) != 1 {
					t.Errorf("noted %q", r.daemon.notes)
				}
				r.pass(5 * time.Second)
				next := s.open()
				if string(next.nonce) == string(v.nonce) {
					t.Error("the nonce is the same")
				}
				s.send(next, s.order(next, ActionUnlock), s.key)
				r.pass(time.Second)
				if len(r.daemon.done) != 2 || len(s.results) != 2 {
					t.Errorf("after it %d were done, %d told", len(r.daemon.done), len(s.results))
				}
			})
		})
	}
}

func TestALateCommandIsTakenAndNotCarriedOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		s := r.service
		v := s.open()
		c := s.order(v, ActionUnlock)
		r.pass(CommandLife + time.Second) // somewhere on the way
		s.send(v, c, s.key)
		r.pass(time.Second)
		if len(r.daemon.done) != 0 || len(s.results) != 1 || s.results[0].Done {
			t.Errorf("done: %+v, told: %+v", r.daemon.done, s.results)
		}
		s.send(v, s.order(v, ActionUnlock), s.key)
		r.pass(time.Second)
		if len(r.daemon.done) != 1 || s.opened != 1 {
			t.Errorf("the next: %d done, on stream %d", len(r.daemon.done), s.opened)
		}
		r.faulty()
	})
}

func TestACommandNeedsNoClock(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.daemon.set(func() { r.daemon.clock = false })
		r.service.cut(false)
		r.pass(10 * time.Second)
		v := r.service.open()
		r.service.send(v, r.service.order(v, ActionUnlock), r.service.key)
		r.pass(time.Second)
		if len(r.daemon.done) != 1 {
			t.Errorf("%d were done", len(r.daemon.done))
		}
	})
}

func TestADeadStreamIsNoticed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		s := r.service
		r.pass(10 * time.Minute) // pings keep it
		if s.opened != 1 {
			t.Fatalf("%d streams were opened", s.opened)
		}
		s.listener.freeze()
		r.pass(deadStream + 2*answerFor)
		if s.opened != 2 || !r.client.Report().Online {
			t.Errorf("%d streams were opened: %+v", s.opened, r.client.Report())
		}
		s.touch("after that")
		r.pass(2 * mostPause)
		r.at(2)
	})
}

func TestAStreamThatIsNoneIsOpenedAnewWithPauses(t *testing.T) {
	tests := map[string]func(*served){
		"it ends at once":        func(v *served) { close(v.ended) },
		"another beginning":      func(v *served) { <-v.send; v.event(StreamPolicy, "1.1.x") },
		"no events":              func(v *served) { <-v.send; v.send <- []byte("<html>" + strings.Repeat("x", maxLine)) },
		"a command that is none": func(v *served) { v.send <- []byte("event: command\ndata: {}\n\n") },
		"a zone that is none":    func(v *served) { v.send <- []byte("event: zone\ndata: 1\n\n") },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newStranger(t)
				r.service.begin = spoil
				if err := r.client.Enroll(t.Context(), address, r.service.claim()); err != nil {
					t.Fatal(err)
				}
				r.pass(10 * time.Minute)
				if n := r.service.opened; n < 8 || n > 30 {
					t.Errorf("%d streams in ten minutes", n)
				}
				r.at(1) // nothing else minds
				r.service.mu.Lock()
				r.service.begin = nil
				r.service.mu.Unlock()
				r.pass(2 * mostPause)
				v := r.service.open()
				r.service.send(v, r.service.order(v, ActionUnlock), r.service.key)
				r.pass(time.Second)
				if len(r.daemon.done) != 1 {
					t.Errorf("%d were done", len(r.daemon.done))
				}
			})
		})
	}
}

// The daemon takes one command after the other, and the results do not pile up.
func TestManyCommandsAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		s := r.service
		v := s.open()
		for range 50 {
			s.send(v, s.order(v, ActionUnlock), s.key)
		}
		r.pass(time.Second)
		if len(r.daemon.done) != 50 || len(s.results) < mostWaits {
			t.Errorf("%d done, %d told", len(r.daemon.done), len(s.results))
		}
		for i, c := range r.daemon.done {
			if c.Sequence != uint64(i+1) {
				t.Fatalf("command %d came as number %d", c.Sequence, i+1)
			}
		}
	})
}

func TestGrantsThatCameWithAPolicyHoldForCommands(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		s := r.service
		key := newKey(t)
		s.mu.Lock()
		s.grant(key, 10*365*24*time.Hour)
		s.mu.Unlock()
		s.touch("with a new key")
		r.pass(time.Second)
		v := s.open()
		s.send(v, s.order(v, ActionUnlock), key)
		r.pass(time.Second)
		if len(r.daemon.done) != 1 {
			t.Errorf("%d were done", len(r.daemon.done))
		}
		if grants := r.client.current(nil).Grants; len(grants) != 2 || ledger.IDOf(public(key)) == grants[0].Key {
			t.Errorf("%d grants are kept", len(grants))
		}
	})
}
