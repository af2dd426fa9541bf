package gateway

import (
	"encoding/binary"
	"time"
)

// Want is how a lock is to be: a level.
type Want struct {
	Unlocked bool
	Until    time.Duration // when the lock is to lock again by itself, on the clock of Step; 0: not
	Distance float64       // m, up to 6553.5: it locks when the key is farther away; 0: any
	Timeout  time.Duration // up to 65535 s: it locks when the key is silent for so long; 0: none
}

// set encodes SET at a time.
func (w Want) set(now time.Duration) []byte {
	var b []byte
	var left time.Duration
	if w.Until != 0 {
		left = max(w.Until-now, time.Millisecond)
	}
	b = append(b, bit(w.Unlocked))
	b = binary.BigEndian.AppendUint32(b, uint32(min(left/time.Millisecond, 1<<32-1)))
	b = binary.BigEndian.AppendUint16(b, uint16(min(max(w.Distance*10, 0), 0xFFFF)))
	return binary.BigEndian.AppendUint16(b, uint16(min((w.Timeout+time.Second-1)/time.Second, 0xFFFF)))
}

// Command is SET as a gateway reads it.
type Command struct {
	Unlocked bool
	For      time.Duration
	Distance float64
	Timeout  time.Duration
}

// ParseSet reads the data of SET.
func ParseSet(d []byte) (Command, bool) {
	if len(d) != 9 || d[0] > 1 {
		return Command{}, false
	}
	return Command{d[0] == 1, time.Duration(binary.BigEndian.Uint32(d[1:])) * time.Millisecond,
		float64(binary.BigEndian.Uint16(d[5:])) / 10, time.Duration(binary.BigEndian.Uint16(d[7:])) * time.Second}, true
}

// Cause is why a lock is as it is.
type Cause byte

// The causes.
const (
	Commanded Cause = iota
	KeyGone
	TimeOver
	ByHand
)

// Report is what a lock says of itself.
type Report struct {
	Unlocked bool
	Cause    Cause
	Contact  bool // it has a door contact, and so Open means something
	Open     bool
	Battery  int // percent; −1 is not known
	Signal   int // dBm; 0 is not known
	Stalled  bool
	Tampered bool
}

// The flags of STATE.
const (
	flagHeard = 1 << iota
	flagUnlocked
	flagContact
	flagOpen
	flagStalled
	flagTampered
)

// AppendState encodes STATE; a lock that is not heard has no report.
func AppendState(b []byte, r Report, heard bool) []byte {
	if !heard {
		return append(b, 0, 0, 255, 0)
	}
	flags := flagHeard | bit(r.Unlocked)*flagUnlocked | bit(r.Contact)*flagContact | bit(r.Open)*flagOpen | bit(r.Stalled)*flagStalled | bit(r.Tampered)*flagTampered
	battery := byte(255)
	if r.Battery >= 0 && r.Battery <= 100 {
		battery = byte(r.Battery)
	}
	return append(b, flags, byte(r.Cause), battery, byte(int8(r.Signal)))
}

// ParseState reads the data of STATE; heard is false for a lock out of range.
func ParseState(d []byte) (r Report, heard, ok bool) {
	if len(d) != 4 || d[0]&^byte(2*flagTampered-1) != 0 || d[1] > byte(ByHand) || d[2] > 100 && d[2] != 255 {
		return Report{}, false, false
	}
	if d[0]&flagHeard == 0 {
		return Report{}, false, true
	}
	r = Report{Unlocked: d[0]&flagUnlocked != 0, Cause: Cause(d[1]), Contact: d[0]&flagContact != 0, Open: d[0]&flagOpen != 0,
		Battery: int(d[2]), Signal: int(int8(d[3])), Stalled: d[0]&flagStalled != 0, Tampered: d[0]&flagTampered != 0}
	if d[2] == 255 {
		r.Battery = -1
	}
	return r, true, true
}

// Result is that of a command.
type Result byte

// The results.
const (
	Done Result = iota
	NoChannel
	Refusal
	NotHeard
)

func (r Result) String() string {
	if int(r) < len(results) {
		return results[r]
	}
	return "unknown result"
}

var results = [...]string{"done", "no such channel", "refused", "not heard"}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}
