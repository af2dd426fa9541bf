package osdp

import (
	"testing"
	"time"
)

// secureBus returns a bus with one reader in a session.
func secureBus(t *testing.T) (*Bus, *peer) {
	t.Helper()
	b, err := NewBus(Config{Readers: []Reader{{Addr: 1, Secure: true, Keys: Keys{Current: testKey}}}})
	if err != nil {
		t.Fatal(err)
	}
	p := b.peers[0]
	p.session, p.seq = NewSession(testKey, Nonce{1}, Nonce{2}), 1
	p.becomeUp(heldCurrent)
	p.jobs = nil
	return b, p
}

func TestSessionIsRenewedDaily(t *testing.T) {
	b, p := secureBus(t)
	p.heard = 24*time.Hour - time.Second
	if tx := b.Step(24*time.Hour-time.Second, nil); p.code != CmdPoll || len(tx.Data) == 0 {
		t.Fatalf("a second before: %v", p.code)
	}
	p.concluded()
	b.cur = nil
	b.Step(24*time.Hour, nil)
	if p.code != CmdChallenge || p.seq != 0 {
		t.Errorf("after a day: %v", p.code)
	}
	for _, e := range b.Events() {
		if _, lost := e.Body.(PossiblyLost); lost {
			t.Error("a renewal between two exchanges loses nothing")
		}
	}
}

func TestARetryIsTheSameBytes(t *testing.T) {
	b, p := secureBus(t)
	first := string(b.Step(0, nil).Data)
	for range 3 {
		at := b.Wake()
		tx := b.Step(at, nil)
		if len(tx.Data) == 0 {
			tx = b.Step(b.Wake(), nil)
		}
		if string(tx.Data) != first {
			t.Fatalf("sent %X, then %X", first, tx.Data)
		}
	}
	if p.count.Retries != 3 || p.count.Timeouts != 3 {
		t.Errorf("%+v", p.count)
	}
}

func TestReadersComeAndGo(t *testing.T) {
	b, _ := secureBus(t)
	if _, err := b.Attach(Reader{Addr: 1}); err == nil {
		t.Error("two readers with one address")
	}
	b.Step(0, nil)
	if err := b.Detach(0); err != nil {
		t.Fatal(err)
	}
	i, err := b.Attach(Reader{Addr: 1})
	if err != nil || i != 1 {
		t.Fatalf("reader %d: %v", i, err)
	}
	if err := b.Show(0, 0, true); err == nil {
		t.Error("a detached reader is still there")
	}
	for range MaxReaders - 1 {
		i++
		if _, err := b.Attach(Reader{Addr: byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Attach(Reader{Addr: 99}); err == nil {
		t.Error("too many readers")
	}
	for range 50 {
		b.Step(b.Wake(), nil)
	}
}
