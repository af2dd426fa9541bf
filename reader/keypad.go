package reader

import (
	"time"

	"doord/policy"
)

// EntryTimeout is how long a keypad entry waits for its next key.
const EntryTimeout = 5 * time.Second

// LongestPIN is the most digits of a PIN; the last of them ends the entry.
const LongestPIN = 8

// Entry collects the keys of a keypad into a PIN. '#' ends it, '*' begins anew,
// and so does a pause of EntryTimeout. The zero Entry is empty.
type Entry struct {
	digits [LongestPIN]byte
	n      int
	last   time.Duration
}

// Key takes a key that was pressed at a monotonic time. It returns the PIN when
// this key ends it; '#' without digits before it ends nothing.
func (e *Entry) Key(at time.Duration, key byte) (pin policy.Token, done bool) {
	if at-e.last > EntryTimeout {
		e.n = 0
	}
	e.last = at
	switch {
	case key == KeyStar:
		e.n = 0
		return policy.Token{}, false
	case key >= '0' && key <= '9':
		e.digits[e.n] = key
		e.n++
		done = e.n == LongestPIN
	case key == KeyHash:
		done = e.n > 0
	}
	if !done {
		return policy.Token{}, false
	}
	pin = policy.Token{Class: policy.TokenPIN, Value: string(e.digits[:e.n])}
	*e = Entry{}
	return pin, true
}
