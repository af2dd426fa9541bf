package gateway

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"doord/relay/gateway"
)

// Lock is a simulated wireless lock. Its exported fields are what is so of it; a change
// is reported by itself.
type Lock struct {
	Unlocked bool
	Cause    gateway.Cause
	Open     bool
	Battery  int // percent
	Signal   int // dBm
	Tampered bool
	Stalled  bool          // its motor does not move, whatever it is told
	Deaf     bool          // out of range of its gateway
	Key      float64       // m, how far the key is; negative is silent
	Moves    time.Duration // how long the motor takes

	command gateway.Command
	moving  bool
	at      time.Duration // when the motor is there
	until   time.Duration // when it locks by itself; 0: not
	keyAt   time.Duration // when the key was last heard
	told    []byte        // the last state
}

// Gateway is a simulated gateway.
type Gateway struct {
	Name  string
	Key   gateway.Key
	Rand  func([]byte)
	Locks map[int]*Lock

	Mute   bool           // says nothing, and hears nothing
	Drop   int            // so many frames of the controller are lost
	Refuse gateway.Result // what every SET ends with, if it is not Done
	Sets   int            // how many came

	parser   gateway.Parser
	session  gateway.Key
	up       bool
	sent     uint32
	heard    uint32
	passages []passage
	id       uint32
	boot     uint32
	alone    time.Duration // when the controller was heard last; 0: it is no news that it is not
}

// aloneFor is how long a gateway waits for its controller.
const aloneFor = 30 * time.Second

type passage struct {
	id      uint32
	channel int
	entered bool
	again   time.Duration
}

// New returns a gateway with locks on these channels, locked and closed.
func New(key gateway.Key, random func([]byte), channels ...int) *Gateway {
	g := &Gateway{Name: "simulated", Key: key, Rand: random, Locks: map[int]*Lock{}}
	for _, c := range channels {
		g.Locks[c] = &Lock{Battery: 90, Signal: -60}
	}
	return g
}

// Reboot forgets the session. The locks stay as they are.
func (g *Gateway) Reboot() { g.up, g.passages, g.id, g.boot = false, nil, 0, g.boot+1 }

// Pass lets somebody go through a door.
func (g *Gateway) Pass(channel int, entered bool) {
	g.id++
	g.passages = append(g.passages, passage{g.id, channel, entered, 0})
}

// Step takes what the controller sent up to now and returns what to send it.
func (g *Gateway) Step(now time.Duration, rx []byte) (tx []byte) {
	g.parser.Push(rx)
	for f, ok := g.parser.Next(); ok; f, ok = g.parser.Next() {
		if g.Mute {
			continue
		}
		if g.Drop > 0 {
			g.Drop--
			continue
		}
		tx = g.take(tx, now, &f)
	}
	if g.alone != 0 && now-g.alone >= aloneFor {
		g.alone = 0
		for _, l := range g.Locks {
			if l.Unlocked && !l.moving && l.until == 0 {
				l.take(now, gateway.Command{})
			}
		}
	}
	for _, c := range slices.Sorted(maps.Keys(g.Locks)) {
		g.Locks[c].move(now)
	}
	if !g.up || g.Mute {
		return tx
	}
	for _, c := range slices.Sorted(maps.Keys(g.Locks)) {
		tx = g.state(tx, c, false)
	}
	for i := range g.passages {
		if p := &g.passages[i]; now >= p.again {
			p.again = now + time.Second
			tx = g.send(tx, gateway.Passed, p.channel, append(binary.BigEndian.AppendUint32(nil, p.id), 2-bit(p.entered)))
		}
	}
	return tx
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func (g *Gateway) send(tx []byte, t gateway.Type, channel int, data []byte) []byte {
	g.sent++
	f := gateway.Frame{Sequence: g.sent, Type: t, Channel: byte(channel), Data: data}
	return f.Append(tx, gateway.Gateway, g.session)
}

func (g *Gateway) take(tx []byte, now time.Duration, f *gateway.Frame) []byte {
	if f.Type == gateway.Hello && len(f.Data) == 16 {
		var b gateway.Nonce
		g.Rand(b[:])
		g.up, g.sent, g.heard = true, 0, 0
		g.session = g.Key.Session(gateway.Nonce(f.Data), b)
		for _, l := range g.Locks {
			l.told = nil
		}
		return g.send(tx, gateway.Welcome, 0, append(append(binary.BigEndian.AppendUint32(b[:], g.boot), byte(len(g.Locks))), g.Name...))
	}
	if !g.up || !f.Valid(gateway.Controller, g.session) || f.Sequence <= g.heard {
		return tx
	}
	g.heard, g.alone = f.Sequence, now
	ack := func(r gateway.Result) []byte {
		return g.send(tx, gateway.Ack, int(f.Channel), append(binary.BigEndian.AppendUint32(nil, f.Sequence), byte(r)))
	}
	switch f.Type {
	case gateway.Set:
		g.Sets++
		l := g.Locks[int(f.Channel)]
		c, ok := gateway.ParseSet(f.Data)
		if !ok {
			return ack(gateway.Refusal)
		}
		switch {
		case l == nil:
			return ack(gateway.NoChannel)
		case l.Deaf:
			return ack(gateway.NotHeard)
		case g.Refuse != gateway.Done:
			return ack(g.Refuse)
		}
		l.take(now, c)
		return ack(gateway.Done)
	case gateway.Get:
		for _, c := range slices.Sorted(maps.Keys(g.Locks)) {
			if f.Channel == 0 || int(f.Channel) == c {
				tx = g.state(tx, c, true)
			}
		}
		return tx
	case gateway.Got:
		if len(f.Data) == 4 {
			id := binary.BigEndian.Uint32(f.Data)
			g.passages = slices.DeleteFunc(g.passages, func(p passage) bool { return p.id == id })
		}
		return tx
	default:
		return ack(gateway.Done)
	}
}

// state tells a lock's state if it changed, or always.
func (g *Gateway) state(tx []byte, channel int, always bool) []byte {
	l := g.Locks[channel]
	now := gateway.AppendState(nil, gateway.Report{Unlocked: l.Unlocked, Cause: l.Cause, Contact: true, Open: l.Open,
		Battery: l.Battery, Signal: l.Signal, Stalled: l.Stalled && l.moving, Tampered: l.Tampered}, !l.Deaf)
	if !always && slices.Equal(now, l.told) {
		return tx
	}
	l.told = now
	return g.send(tx, gateway.State, channel, now)
}

// take begins to move the bolt.
func (l *Lock) take(now time.Duration, c gateway.Command) {
	l.command, l.moving, l.at, l.until, l.keyAt = c, true, now+l.Moves, 0, now
	if c.Unlocked && c.For > 0 {
		l.until = now + c.For
	}
}

// move does what is due.
func (l *Lock) move(now time.Duration) {
	if l.moving && !l.Stalled && now >= l.at {
		l.moving, l.Unlocked, l.Cause = false, l.command.Unlocked, gateway.Commanded
	}
	if l.Key >= 0 {
		l.keyAt = now
	}
	c := &l.command
	gone := c.Distance > 0 && l.Key > c.Distance || c.Timeout > 0 && now-l.keyAt >= c.Timeout
	over := l.until != 0 && now >= l.until
	if !l.Unlocked || l.moving || !gone && !over || l.Stalled {
		return
	}
	l.Unlocked, l.Cause, l.until, l.command = false, gateway.KeyGone, 0, gateway.Command{}
	if over {
		l.Cause = gateway.TimeOver
	}
}

// Turn is somebody with a knob or a mechanical key.
func (l *Lock) Turn(unlocked bool) {
	l.Unlocked, l.Cause, l.moving, l.until, l.command = unlocked, gateway.ByHand, false, 0, gateway.Command{}
}
