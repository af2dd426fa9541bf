package osdp

import (
	"time"

	"doord/policy"
)

// showing is the feedback that a reader should give. A newer one replaces an older
// one that has not gone out: nobody wants to see the past.
type showing struct {
	set   bool
	now   policy.Feedback
	level policy.Feedback // the last that lasts, shown again when the reader comes back
	todo  part
	out   part
}

// part is one of the ways of giving feedback.
type part byte

const (
	partLED part = 1 << iota
	partBuzzer
	partText
)

// want asks for feedback, with the buzzer or without.
func (s *showing) want(f policy.Feedback, sound bool) {
	if f < 0 || int(f) >= len(looks) {
		return
	}
	s.set, s.now, s.todo = true, f, partLED|partText
	if sound {
		s.todo |= partBuzzer
	}
	if looks[f].lasts() {
		s.level = f
	}
}

// again shows the lasting state to a reader that came up, without a sound.
func (s *showing) again() {
	if s.set {
		s.now, s.todo = s.level, partLED|partText
	}
}

// next returns the next command, leaving out what the reader cannot do.
func (s *showing) next(caps Capabilities) (job, bool) {
	l := &looks[s.now]
	for s.todo != 0 {
		p := s.todo & -s.todo
		s.out = p
		switch p {
		case partLED:
			if len(caps) == 0 || caps.Of(CapLED).Compliance > 0 {
				return job{kind: jobShow, cmd: LEDs{l.led}}, true
			}
		case partBuzzer:
			if l.buzzer.Count > 0 && (len(caps) == 0 || caps.Of(CapBuzzer).Compliance > 0) {
				return job{kind: jobShow, cmd: l.buzzer}, true
			}
		case partText:
			if caps.Of(CapText).Compliance > 0 {
				return job{kind: jobShow, cmd: l.text()}, true
			}
		}
		s.todo &^= p
	}
	return job{}, false
}

// taken notes that the last command of next is on its way.
func (s *showing) taken() { s.todo &^= s.out }

// look is what one feedback looks and sounds like.
type look struct {
	led    LED
	buzzer Buzzer
	words  string
}

// lasts says whether the feedback holds until the next, or is over by itself.
func (l *look) lasts() bool { return l.led.Perm.Action != 0 }

func (l *look) text() Text {
	t := Text{Action: 1, Row: 1, Col: 1, Text: l.words}
	if !l.lasts() {
		t.Action, t.Time = 3, max(l.led.Time, time.Second)
	}
	return t
}

// looks is the language of the lights: red is locked, green is open, amber wants
// something, blinking is urgent. What a single read brings about lasts for a moment
// and leaves the state of the door behind.
var looks = [...]look{
	policy.ShowIdle:         {steady(Red), Buzzer{}, "Present card"},
	policy.ShowReleased:     {steady(Green), Buzzer{}, "Open"},
	policy.ShowGranted:      {moment(3*time.Second, Green, Green), beep(1, 200), "Access granted"},
	policy.ShowDenied:       {moment(1200*time.Millisecond, Red, Black), beep(3, 100), "Access denied"},
	policy.ShowAskPIN:       {moment(10*time.Second, Amber, Black), beep(1, 100), "Enter PIN"},
	policy.ShowTwoFactor:    {moment(10*time.Second, Blue, Black), beep(2, 100), "Unlock phone, tap again"},
	policy.ShowSecondPerson: {moment(10*time.Second, Amber, Green), beep(1, 100), "Second person"},
	policy.ShowWarning:      {blinking(Amber), beep(3, 500), "Close the door"},
	policy.ShowAlarm:        {blinking(Red), beep(10, 500), "Alarm"},
	policy.ShowOffline:      {steady(Amber), Buzzer{}, "Out of service"},
}

func steady(c Color) LED {
	return LED{Temp: Blink{Action: 1}, Perm: Blink{1, 100 * time.Millisecond, 0, c, c}}
}

func blinking(c Color) LED {
	return LED{Temp: Blink{Action: 1}, Perm: Blink{1, 500 * time.Millisecond, 500 * time.Millisecond, c, Black}}
}

func moment(d time.Duration, on, off Color) LED {
	return LED{Temp: Blink{2, 200 * time.Millisecond, 200 * time.Millisecond, on, off}, Time: d}
}

func beep(n byte, ms time.Duration) Buzzer {
	return Buzzer{Tone: 2, On: ms * time.Millisecond, Off: ms * time.Millisecond, Count: n}
}
