package osdp

import (
	"errors"
	"time"

	"doord/policy"
	"doord/reader/tap"
)

// tapState is how far a reader is with the phone that is held to it.
//
//	unable ─mode set─▶ idle ─present─▶ selecting ─phone─▶ asking ◀─ the caller asks
//	                    ▲                  │                 ▼
//	                    │                  │              signing ─answer─▶ judged
//	                    └─── ending ◀──────┴── error, time-out ──┴──◀ the caller tells
type tapState int

const (
	tapUnable    tapState = iota // the reader has no transparent mode, or is not in it yet
	tapIdle                      // nothing is held to it
	tapSelecting                 // SELECT is out
	tapAsking                    // a phone; the caller makes a challenge
	tapSigning                   // AUTHENTICATE is out
	tapJudged                    // the caller decides
	tapEnding                    // the result and the end go out
)

// askFor is how long the caller may take to make a challenge, and to decide.
const askFor = 500 * time.Millisecond

// tapRest is the shortest time from one tap at a reader to the next: a phone that
// flickers in the field, or does so on purpose, costs others no more.
const tapRest = 300 * time.Millisecond

// tapping is a phone at a reader. Each step is one command in a round, as any
// other: other readers of the line wait for these exchanges and not for the phone.
type tapping struct {
	state   tapState
	unit    byte
	until   time.Duration // the state's time-out
	rest    time.Duration // no other tap before
	queue   []XWrite      // to be sent, at most three
	waiting bool          // something else came before rest was over
	passed  bool          // the last of the queue has been sent, and its APDU is awaited
}

// Tap events.
type (
	// Phone says that a phone of ours is held to the reader and waits for [Bus.Ask].
	Phone struct{}
	// Tapped is its answer, of which nothing is proved. [Bus.Tell] is due.
	Tapped struct{ Assertion policy.Assertion }
	// TapFailed says that there will be no answer: one of the errors of package
	// reader/tap.
	TapFailed struct{ Err error }
)

func (Phone) body()     {}
func (Tapped) body()    {}
func (TapFailed) body() {}

// String shows nothing of the answer.
func (Tapped) String() string { return "answer of a phone" }

// Ask has the phone at a reader sign a tap. It returns ErrReader, or ErrNoPhone when
// none waits for it any more.
func (b *Bus) Ask(i int, t policy.Tap) error {
	p, err := b.peer(i)
	switch {
	case err != nil:
		return err
	case p.tap.state != tapAsking:
		return ErrNoPhone
	}
	p.tapSend(tapSigning, tap.AnswerFor, tap.Authenticate(t))
	return nil
}

// Tell tells the phone at a reader what came of its answer: a reason, or none if
// the door opens. The phone may be gone by then; nothing comes of that. It returns
// ErrReader.
func (b *Bus) Tell(i int, r policy.Reason) error {
	p, err := b.peer(i)
	if err != nil || p.tap.state != tapJudged {
		return err
	}
	p.tapSend(tapEnding, tap.ResultFor, tap.Result(r))
	return nil
}

// tapBegin puts a reader that came up into transparent mode, if it has that.
func (p *peer) tapBegin() {
	p.tapLost()
	if p.cfg.Tap && p.caps.Of(CapSmartCard).Compliance&1 != 0 {
		p.tap.queue = []XWrite{SetSmartCardMode()}
	}
}

// tapJob returns the next command of a tap.
func (p *peer) tapJob() (job, bool) {
	if len(p.tap.queue) == 0 {
		return job{}, false
	}
	return job{kind: jobTap, cmd: p.tap.queue[0]}, true
}

func (t *tapping) taken() { t.queue = t.queue[1:] }

// tapSend passes a command to the phone and waits for its answer.
func (p *peer) tapSend(s tapState, wait time.Duration, c tap.Command) {
	t := &p.tap
	t.state, t.until, t.passed = s, p.bus.now+wait, false
	t.queue = append(t.queue[:0:0], PassAPDU(t.unit, c.Append(nil)))
}

// tapReply follows a command of a tap.
func (p *peer) tapReply(c Command, r Reply, err error) {
	x, _ := c.(XWrite)
	t := &p.tap
	switch {
	case x.SetsSmartCardMode():
		if y, ok := r.(XRead); err == nil && !(ok && y.failed()) && t.state == tapUnable {
			t.state = tapIdle
		}
	case x.EndsAPDUs():
	case err != nil:
		p.tapFailed(tap.ErrTimeout) // refused or lost: nobody knows what the phone did
	default:
		t.passed = true
		if y, ok := r.(XRead); ok { // else the answer comes with a poll
			p.tapHeard(y)
		}
	}
}

// tapHeard takes what a reader in transparent mode has to say.
func (p *peer) tapHeard(x XRead) {
	t := &p.tap
	if unit, there, ok := x.present(); ok {
		switch {
		case !there && t.busy() && unit == t.unit:
			p.tapFailed(tap.ErrTimeout)
		case !there && unit == t.unit:
			t.waiting = false
		case there && (t.state == tapIdle || t.state == tapEnding):
			t.unit, t.waiting = unit, true
			p.tapExpire()
		}
		return
	}
	unit, apdu, ok := x.answer()
	switch {
	case !t.busy() || !t.passed:
	case x.failed():
		p.tapFailed(tap.ErrTimeout)
	case ok && unit == t.unit:
		t.passed = false
		p.tapAnswer(apdu)
	}
}

// tapAnswer takes an APDU of the phone.
func (p *peer) tapAnswer(apdu []byte) {
	t := &p.tap
	switch t.state {
	case tapSelecting:
		if err := tap.ParseSelected(apdu); err != nil {
			p.tapFailed(err)
			return
		}
		t.state, t.until = tapAsking, p.bus.now+askFor
		p.bus.emit(p, Phone{})
	case tapSigning:
		a, err := tap.ParseAnswer(apdu)
		if err != nil {
			p.tapFailed(err)
			return
		}
		t.state, t.until = tapJudged, p.bus.now+askFor
		p.bus.emit(p, Tapped{a})
	case tapEnding:
		p.tapEnd()
	case tapUnable, tapIdle, tapAsking, tapJudged: // it was asked for nothing
	}
}

// tapFailed gives a phone up.
func (p *peer) tapFailed(err error) {
	if s := p.tap.state; s != tapEnding && s != tapJudged {
		p.bus.emit(p, TapFailed{err})
	}
	p.tapEnd()
}

// tapEnd leaves the phone alone.
func (p *peer) tapEnd() {
	t := &p.tap
	t.state, t.passed, t.rest = tapIdle, false, p.bus.now+tapRest
	t.queue = append(t.queue[:0:0], EndAPDUs(t.unit))
}

// tapExpire gives up a phone, or a caller, that takes too long, and turns to the
// next.
func (p *peer) tapExpire() {
	t := &p.tap
	switch {
	case t.busy() && p.bus.now >= t.until:
		p.tapFailed(tap.ErrTimeout)
	case t.state == tapIdle && t.waiting && p.bus.now >= t.rest:
		t.waiting = false
		p.tapSend(tapSelecting, tap.SelectFor, tap.Select())
	}
}

// tapLost ends a tap with the link.
func (p *peer) tapLost() {
	if p.tap.busy() {
		p.tapFailed(tap.ErrTimeout)
	}
	p.tap = tapping{}
}

// busy says whether a phone is being spoken to.
func (t *tapping) busy() bool { return t.state > tapIdle }

// carries says whether the reader is ready for taps.
func (t *tapping) carries() bool { return t.state != tapUnable }

// ErrNoPhone says that no phone waits to be asked.
var ErrNoPhone = errors.New("osdp: no phone is held to the reader")
