package gateway

import "time"

// MaxChannels is the most locks behind one gateway.
const MaxChannels = 64

// Adapter speaks a gateway's protocol. It has no clock and does no I/O: time is any
// monotonic duration. It is not safe for concurrent use; [Loop] is.
type Adapter interface {
	// Want says how the lock of a channel is to be, from now on. Channels of which it
	// never was said are left alone.
	Want(channel int, w Want)
	// Step takes what was received up to now, which may be nothing, and returns what
	// to send. Call it when bytes arrive and at Wake.
	Step(now time.Duration, rx []byte) (tx []byte)
	// Wake is when Step must be called next if nothing arrives.
	Wake() time.Duration
	// Events returns what happened since the last call. It holds until the next Step.
	Events() []Event
	// Reset says that the line was opened anew: what was begun on the old one is over.
	Reset()
}

// Config is what an adapter is made with.
type Config struct {
	Channels []int // that are in use
	Key      Key
	Rand     func([]byte) // nil means crypto/rand
}

// Adapters are the protocols that there are, by their name in the board's
// configuration.
var Adapters = map[string]func(Config) Adapter{
	"doord": func(c Config) Adapter { return NewLink(c) },
}

// Event is something that happened. Channel 0 is the gateway: it concerns all locks.
type Event struct {
	Channel int
	Body    Body
}

// Body says what happened: one of the types below.
type Body interface{ body() }

type (
	// Found says that the gateway answers, and what it calls itself.
	Found struct{ Name string }
	// Lost says that a lock, or the gateway and so every lock of it, is not heard: what
	// it is like is unknown from now on.
	Lost struct{}
	// Passage is somebody who went through the door.
	Passage struct{ Entered bool }
	// Refused is a command that was not carried out.
	Refused struct{ Result Result }
)

func (Found) body()   {}
func (Lost) body()    {}
func (Report) body()  {}
func (Passage) body() {}
func (Refused) body() {}
