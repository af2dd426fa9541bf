package board

import (
	"errors"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"doord/policy"
	"doord/reader/wiegand"
	"doord/relay"
	"doord/rex"
)

const ms = time.Millisecond

// fourDoors has one input of each kind, and relays of every polarity.
var fourDoors = Spec{
	Relays: []relay.Wiring{
		{Channel: relay.AuxChannel, Use: relay.Siren},
		{Channel: 1, Use: relay.Lock, LockType: relay.ElectricStrike, FailMode: relay.FailSecure, Contact: relay.NO},
		{Channel: 2, Use: relay.Lock, LockType: relay.Magnetic, Contact: relay.NO, ActiveLow: true},
		{Channel: 3, Use: relay.Lock, LockType: relay.ElectricStrike, FailMode: relay.FailSecure, Contact: relay.NC},
		{Channel: 4, Use: relay.Lock, LockType: relay.ElectricStrike, FailMode: relay.FailSafe, Contact: relay.NC,
			AcknowledgeDeadBoardLocked: true},
	},
	Egress: []rex.Config{{Kind: rex.REX}, {Kind: rex.Fire}},
	Others: []rex.Config{{Kind: rex.Contact}, {Kind: rex.Tamper, ClosedHigh: true}},
	Wiegand: []wiegand.Config{
		{Formats: []string{"H10301", "H10302"}, Keypad: wiegand.Keypad8},
		{Keypad: wiegand.KeypadBuffered, PINFacility: 7},
	},
}

// bubble runs a test with a board in a synctest bubble.
func bubble(t *testing.T, spec Spec, test func(t *testing.T, b *Board)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := New(spec)
		defer b.Close()
		test(t, b)
	})
}

// until sleeps, in a bubble, until the board's clock says so.
func until(b *Board, at time.Duration) { time.Sleep(at - b.Now()) }

func TestCloseEndsEveryRead(t *testing.T) {
	bubble(t, fourDoors, func(t *testing.T, b *Board) {
		errs := make(chan error, 4)
		go func() { _, err := b.Egress().Read(make([]rex.Edge, 1), time.Hour); errs <- err }()
		go func() { _, err := b.Others().Read(make([]rex.Edge, 1), time.Hour); errs <- err }()
		go func() { _, err := b.Wiegand(0).Read(make([]wiegand.Edge, 1), -1); errs <- err }()
		go func() { _, err := b.Wiegand(1).Read(make([]wiegand.Edge, 1), -1); errs <- err }()
		synctest.Wait()
		b.Close()
		for range cap(errs) {
			if err := <-errs; !errors.Is(err, os.ErrClosed) {
				t.Errorf("Read: %v", err)
			}
		}
		if b.Now() != 0 {
			t.Errorf("the last Read ended after %v", b.Now())
		}

		b.SetInput(Egress, 0, rex.Closed)
		if n, err := b.Egress().Read(make([]rex.Edge, 1), 0); n != 0 || !errors.Is(err, os.ErrClosed) {
			t.Errorf("Read of a closed board: %d, %v", n, err)
		}
		if _, err := b.Egress().Levels(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Levels of a closed board: %v", err)
		}
		if err := relay.MakeSafe(fourDoors.Relays, b.Relays()); err != nil {
			t.Errorf("relays of a closed board: %v", err)
		}
	})
}

func TestReadersShow(t *testing.T) {
	b := New(fourDoors)
	b.Show(1, policy.ShowGranted, true)
	if f, sound := b.Shown(0); f != policy.ShowIdle || sound {
		t.Errorf("reader 0: %v, %t", f, sound)
	}
	if f, sound := b.Shown(1); f != policy.ShowGranted || !sound {
		t.Errorf("reader 1: %v, %t", f, sound)
	}
}

// Everybody does everything at once: for the race detector.
func TestConcurrentUse(t *testing.T) {
	bubble(t, fourDoors, func(t *testing.T, b *Board) {
		var work sync.WaitGroup
		for i := range 4 {
			work.Go(func() {
				for n := range 20 {
					b.OnRelay(func(Transition) { b.Released(1) })
					b.StickRelay(1, n%2 == 0)
					_ = b.Relays().Set(^uint64(0), uint64(n))
					_, _ = b.Relays().Get()
					b.FreeRelay(1)
					b.Transitions()
					b.SetInput(Egress, 0, rex.Closed)
					_, _ = b.Bounce(Others, 1, rex.Open, 2, ms)
					_, _ = b.Others().Levels()
					_, _ = b.Type(0, "12")
					_, _ = b.Wiegand(0).Read(make([]wiegand.Edge, 8), ms)
					_, _ = b.Egress().Read(make([]rex.Edge, 8), ms)
					b.Show(i%2, policy.ShowDenied, n%2 == 0)
					b.Shown(0)
				}
			})
		}
		work.Wait()
	})
}
