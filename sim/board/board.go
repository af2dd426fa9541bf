package board

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"doord/policy"
	"doord/reader/wiegand"
	"doord/relay"
	"doord/rex"
)

// Spec says what is wired to the board. It should be valid: the board itself
// does not check it, those who drive it do.
type Spec struct {
	Relays  []relay.Wiring   // in the order of the line request
	Egress  []rex.Config     // the bank of REX and fire inputs
	Others  []rex.Config     // the bank of all other inputs
	Wiegand []wiegand.Config // one for each reader

	// The same as Egress and Others, of the inputs that are measured.
	MeasuredEgress, MeasuredOthers []rex.Config
}

// Board is a simulated board.
type Board struct {
	start  time.Time
	relays *relays
	banks  [2]*bank
	meters [2]*meters
	ports  []*port

	mu    sync.Mutex
	shown []shown // by reader
}

// New returns a board whose clock starts now, whose relays are in their safe
// state, and whose inputs are at rest.
func New(spec Spec) *Board {
	b := &Board{start: time.Now(), shown: make([]shown, len(spec.Wiegand))}
	b.relays = newRelays(b.Now, spec.Relays)
	b.banks = [2]*bank{Egress: newBank(b.Now, spec.Egress), Others: newBank(b.Now, spec.Others)}
	b.meters = [2]*meters{newMeters(spec.MeasuredEgress), newMeters(spec.MeasuredOthers)}
	for _, c := range spec.Wiegand {
		b.ports = append(b.ports, newPort(b.Now, c))
	}
	return b
}

// Now returns the time since New: the clock of all time stamps.
func (b *Board) Now() time.Duration { return time.Since(b.start) }

// Relays returns the lines of the relays, requested with their safe levels.
func (b *Board) Relays() relay.Lines { return b.relays }

// Egress returns the lines of the REX and fire inputs.
func (b *Board) Egress() rex.Lines { return b.banks[Egress] }

// Others returns the lines of all other inputs.
func (b *Board) Others() rex.Lines { return b.banks[Others] }

// MeasuredEgress returns the meters of the REX and fire inputs that are measured.
func (b *Board) MeasuredEgress() rex.Meters { return b.meters[0] }

// MeasuredOthers returns the meters of all other inputs that are measured.
func (b *Board) MeasuredOthers() rex.Meters { return b.meters[1] }

// Wiegand returns the edges of a reader's D0 and D1.
func (b *Board) Wiegand(reader int) wiegand.Edges { return b.ports[reader] }

// Close ends every Read and Levels of inputs and readers, now and from now on,
// with [os.ErrClosed]. The relays stay as they are and can still be written: a
// daemon makes them safe after its inputs have ended.
func (b *Board) Close() {
	for _, bank := range b.banks {
		bank.close()
	}
	for _, m := range b.meters {
		m.close()
	}
	for _, p := range b.ports {
		p.close()
	}
}

type shown struct {
	feedback policy.Feedback
	sound    bool
}

// Show sets what a reader shows the person before it, with its buzzer or without.
func (b *Board) Show(reader int, f policy.Feedback, sound bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shown[reader] = shown{f, sound}
}

// Shown returns what a reader shows, at first [policy.ShowIdle] without a sound.
func (b *Board) Shown(reader int) (f policy.Feedback, sound bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shown[reader].feedback, b.shown[reader].sound
}

// Present sends a frame to a reader's port as a train of pulses of the given
// shape, whose chances are drawn from seed. The train starts now or, if the
// reader is still sending, a proper gap after the train before.
//
// It does not wait, but returns when the train's last pulse falls. That is the
// time of the read, reader.Read.At, unless that pulse found its line still low.
//
// It returns an error, and sends nothing, if the shape is none that a wire could
// have or if too many trains are waiting.
func (b *Board) Present(reader int, bits wiegand.Bits, shape wiegand.Shape, seed uint64) (end time.Duration, err error) {
	if err := checkShape(shape); err != nil {
		return 0, err
	}
	return b.ports[reader].send(shape, seed, bits)
}

// Type presses keys, '0' to '9', '*' and '#', on a reader's keypad. It sends one
// train for each key or, if the keypad is a buffering one, one for each PIN up to
// a '#' or the end. Like Present it returns when the last pulse falls, and sends
// nothing if it returns an error: for want of a keypad, or of such a key or PIN.
func (b *Board) Type(reader int, keys string) (end time.Duration, err error) {
	p := b.ports[reader]
	trains, err := p.encode(keys)
	if err != nil {
		return 0, err
	}
	return p.send(wiegand.Shape{}, 0, trains...)
}

// Inject pulls D0 and D1 low at the times given, on the board's clock, among any
// trains under way. Pulses whose time has passed are at once in the queue with
// their old stamps, as if the process had slept. It returns an error, and does
// nothing, if too much is waiting.
func (b *Board) Inject(reader int, pulses ...wiegand.Pulse) error {
	return b.ports[reader].inject(pulses)
}

// SetInput brings the loop of an input into a state, at once and for good: a REX
// that is set and left so is stuck. A digital line cannot tell a cut wire from an
// open contact, nor a short from a closed one; a measured loop can if it is
// supervised.
func (b *Board) SetInput(bank Bank, input int, s rex.State) {
	if bank >= MeasuredEgress {
		b.meters[bank-MeasuredEgress].change(input, func(w *wire) { w.state = s })
		return
	}
	b.banks[bank].set(input, s)
}

// Drift lets the resistors of a measured loop be off: by 0.05 for five percent more.
func (b *Board) Drift(bank Bank, input int, off float64) {
	b.meters[bank-MeasuredEgress].change(input, func(w *wire) { w.drift = off })
}

// Noise adds noise to the measurements of a loop, up to so much either way, drawn
// from seed.
func (b *Board) Noise(bank Bank, input int, most rex.Share, seed uint64) {
	b.meters[bank-MeasuredEgress].change(input, func(w *wire) { w.noise, w.rand = most, rand.New(rand.NewPCG(seed, 0)) })
}

// FailMeasure makes every measurement of a loop fail. A nil error ends that.
func (b *Board) FailMeasure(bank Bank, input int, err error) {
	b.meters[bank-MeasuredEgress].change(input, func(w *wire) { w.err = err })
}

// Bounce brings the loop of an input into a state as a worn contact does: there
// at once, then away and back again so many times, once in each period. It
// returns when the loop is there to stay. It returns an error, and does nothing,
// if times is negative or too many, or period is not positive.
func (b *Board) Bounce(bank Bank, input int, to rex.State, times int, period time.Duration) (end time.Duration, err error) {
	return b.banks[bank].bounce(input, to, times, period)
}

// StickRelay makes the line of a relay stay at a level, high or low, whatever is
// written to it. Set does not fail: only reading back tells.
func (b *Board) StickRelay(c relay.Channel, high bool) { b.relays.stick(c, high) }

// FreeRelay undoes StickRelay: the line goes where it was last told to.
func (b *Board) FreeRelay(c relay.Channel) { b.relays.free(c) }

// FailSet makes every Set that writes to one of the channels fail and write
// nothing; without channels, every Set. A nil error ends that.
func (b *Board) FailSet(err error, channels ...relay.Channel) { b.relays.failSet(err, channels) }

// FailGet makes every Get of the relays fail. A nil error ends that.
func (b *Board) FailGet(err error) { b.relays.failGet(err) }

// Coil reports whether the coil of a relay is on.
func (b *Board) Coil(c relay.Channel) bool { return coil(b.relays.look(c)) }

// LockPowered reports whether the lock on a relay has power.
func (b *Board) LockPowered(c relay.Channel) bool { return lockPowered(b.relays.look(c)) }

// Released reports whether the lock on a relay lets people through or, if it is
// no lock, whether it is on.
func (b *Board) Released(c relay.Channel) bool { return released(b.relays.look(c)) }

// Transitions returns the level changes of all relay lines since New, oldest
// first, but at most the latest [MaxTransitions].
func (b *Board) Transitions() []Transition {
	b.relays.mu.Lock()
	defer b.relays.mu.Unlock()
	return slices.Clone(b.relays.log)
}

// OnRelay has f called after each level change of a relay line, by the goroutine
// that made it. A later call replaces f; nil ends the calls.
func (b *Board) OnRelay(f func(Transition)) {
	b.relays.mu.Lock()
	defer b.relays.mu.Unlock()
	b.relays.hook = f
}
