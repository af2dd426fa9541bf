package pd

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"slices"
	"time"

	"doord/reader/osdp"
)

// sessionTimeout is how long a session outlives the last command.
const sessionTimeout = 8 * time.Second

// Config is what a reader is made with.
type Config struct {
	Comm         osdp.Comm         // address and speed
	Identity     osdp.Identity     // what it says of itself
	Capabilities osdp.Capabilities // the same; nil means DefaultCapabilities
	UID          osdp.UID          // cUID
	Key          osdp.Key          // SCBK; zero means that it still has the default key
	Secure       bool              // in clear it answers ID, CAP and handshakes only
	PollFirst    bool              // it refuses ID before the first POLL
	Forgetful    bool              // it carries a repeated command out again, as some products do
	Rand         func([]byte)      // nil means crypto/rand
	// Transparent answers XWR, if it is set, in place of the reader's own transparent
	// mode.
	Transparent func(osdp.XWrite) osdp.Reply
	// File answers each piece of a file; nil accepts all of it into Files.
	File func(osdp.FileChunk) osdp.FileStatus
}

// DefaultCapabilities are those of a reader with everything.
var DefaultCapabilities = osdp.Capabilities{
	{Function: osdp.CapInputs, Compliance: 2, Number: 2},
	{Function: osdp.CapOutputs, Compliance: 4, Number: 1},
	{Function: osdp.CapCardData, Compliance: 1},
	{Function: osdp.CapLED, Compliance: 4, Number: 1},
	{Function: osdp.CapBuzzer, Compliance: 2, Number: 1},
	{Function: osdp.CapText, Compliance: 1, Number: 1},
	{Function: osdp.CapCheck, Compliance: 1},
	{Function: osdp.CapSecurity, Compliance: 1},
	{Function: osdp.CapRxSize, Compliance: 0x00, Number: 0x02}, // 512
	{Function: osdp.CapSmartCard, Compliance: 1},
	{Function: osdp.CapReaders, Number: 1},
}

// PD is a simulated reader. Its exported fields are what a person would see of
// it, and the faults it can be told to have.
type PD struct {
	Config

	LED     osdp.LED // as last commanded
	Beeps   int      // sounds since it was made
	Text    string   // on its display
	Outputs []byte   // 1 on
	Inputs  []byte   // as ISTATR reports them
	Local   osdp.LocalStatus
	Files   []byte // of the last file transfer

	CardTime time.Duration // from an APDU to its answer
	NoReport bool          // answers an APDU in the reply to XWR and not with a later poll

	Mute bool           // answers nothing
	Busy int            // answers so many commands with BUSY
	Naks []osdp.NakCode // refuses the next commands so

	parser  osdp.Parser
	events  []event
	seq     int // of the last command; −1 after a reset
	last    []byte
	reply   []byte
	session *osdp.Session
	trying  *osdp.Session
	underD  bool // the session stands on the default key
	heard   time.Duration
	polled  bool
	move    *osdp.Comm
	smart   bool // in mode 01
	held    Card
	asked   bool // held has had an APDU, and not its end
	next    Card // is held to the reader after it
}

// Card is what is held to a reader and answers APDUs. It is asked one at a time.
type Card interface{ APDU(command []byte) []byte }

type event struct {
	code osdp.ReplyCode
	r    osdp.Reply
	due  time.Duration
}

// New returns a reader that has just been switched on.
func New(c Config) *PD {
	if c.Capabilities == nil {
		c.Capabilities = DefaultCapabilities
	}
	if c.Rand == nil {
		c.Rand = func(b []byte) { _, _ = rand.Read(b) }
	}
	if c.Comm.Baud == 0 {
		c.Comm.Baud = osdp.DefaultBaud
	}
	n := c.Capabilities
	return &PD{
		Config: c, seq: -1,
		Inputs:  make([]byte, (n).Of(osdp.CapInputs).Number),
		Outputs: make([]byte, n.Of(osdp.CapOutputs).Number),
	}
}

// Card queues a card with these bits, '0' and '1', first bit first.
func (p *PD) Card(bits string) {
	data := make([]byte, (len(bits)+7)/8)
	for i, c := range bits {
		if c == '1' {
			data[i/8] |= 0x80 >> (i % 8)
		}
	}
	p.Queue(osdp.ReplyRaw, osdp.Raw{Format: 1, Bits: len(bits), Data: data})
}

// UIDCard queues a card that gave its serial number.
func (p *PD) UIDCard(uid []byte) {
	p.Queue(osdp.ReplyRaw, osdp.Raw{Format: 2, Bits: 8 * len(uid), Data: uid})
}

// Hold holds a phone or a smart card to the reader, or takes it away: nil. Unless the
// ACU has put the reader into transparent mode, it does not see it. It speaks to one
// at a time.
func (p *PD) Hold(c Card) {
	if p.asked && c != nil {
		p.next = c
		return
	}
	p.held, p.asked, p.next = c, false, nil
	if p.smart {
		p.Queue(osdp.ReplyXRead, osdp.CardPresent(0, c != nil))
	}
}

// Keys queues pressed keys: digits, * and #.
func (p *PD) Keys(keys string) {
	k := bytes.ReplaceAll([]byte(keys), []byte("*"), []byte{0x7F})
	p.Queue(osdp.ReplyKeypad, osdp.Keypad{Keys: bytes.ReplaceAll(k, []byte("#"), []byte{0x0D})})
}

// SetLocal changes tamper and power, and queues the change.
func (p *PD) SetLocal(s osdp.LocalStatus) {
	p.Local = s
	p.Queue(osdp.ReplyLocalStatus, s)
}

// SetInput changes an input, and queues the change.
func (p *PD) SetInput(i int, s osdp.InputState) {
	p.Inputs[i] = byte(s)
	p.Queue(osdp.ReplyInputStatus, osdp.Status{Of: osdp.ReplyInputStatus, Items: bytes.Clone(p.Inputs)})
}

// Queue adds a reply for a later poll.
func (p *PD) Queue(code osdp.ReplyCode, r osdp.Reply) {
	p.events = append(p.events, event{code: code, r: r})
}

// Queued is how many replies wait for polls.
func (p *PD) Queued() int { return len(p.events) }

// InSession says whether a secure channel is up.
func (p *PD) InSession() bool { return p.session != nil }

// Session is the secure channel, for tests that forge replies; nil without one.
func (p *PD) Session() *osdp.Session { return p.session }

// Reset is a restart: all that is not in flash is gone.
func (p *PD) Reset() {
	p.parser.Reset()
	p.events, p.last, p.reply = nil, nil, nil
	p.session, p.trying = nil, nil
	p.seq, p.polled, p.smart, p.asked = -1, false, false, false
}

// Receive takes bytes from the line and returns the reply, nil if there is none.
// The reply holds until the next call.
func (p *PD) Receive(now time.Duration, b []byte) []byte {
	p.parser.Push(b)
	var out []byte
	for {
		f, ok, err := p.parser.Next()
		if !ok {
			return out
		}
		if err == nil && !f.Reply && !p.Mute && (f.Addr == p.Comm.Addr || f.Addr == osdp.ConfigAddr) {
			out = p.command(now, &f)
			if p.move != nil {
				p.Comm, p.move = *p.move, nil
				p.session, p.seq = nil, -1
			}
		}
	}
}

// Gap tells the reader that the line was silent, so that what was begun is over.
func (p *PD) Gap() { p.parser.Reset() }

// command carries out one command and returns its reply.
func (p *PD) command(now time.Duration, f *osdp.Frame) []byte {
	if now-p.heard > sessionTimeout {
		p.session = nil
	}
	p.heard = now
	raw := f.Append(nil)
	if int(f.Seq()) == p.seq && bytes.Equal(raw, p.last) && p.reply != nil {
		if !p.Forgetful {
			return p.reply // the ACU did not get it: the same again
		}
		p.seq = (p.seq+1)%3 + 1 // two on is one back
	}
	if p.Busy > 0 {
		p.Busy--
		busy := osdp.Frame{Addr: p.Comm.Addr, Reply: true, Ctrl: 4, Code: byte(osdp.ReplyBusy)}
		return busy.Append(nil)
	}
	if f.Seq() == 0 {
		p.session, p.trying = nil, nil
	} else if p.seq < 0 || int(f.Seq()) != p.seq%3+1 {
		nak := osdp.Frame{Addr: p.Comm.Addr, Reply: true, Ctrl: f.Ctrl&3 | 4, Code: byte(osdp.ReplyNak), Data: []byte{byte(osdp.NakSequence)}}
		return nak.Append(nil)
	}
	if p.session != nil {
		if err := p.session.Open(f); err != nil {
			p.session = nil
			return p.answer(f, raw, osdp.ReplyNak, osdp.Nak{Why: osdp.NakSecurity}, nil)
		}
	}
	code, r, block := p.do(f)
	return p.answer(f, raw, code, r, block)
}

// answer makes the reply, and remembers it for when it is asked for again.
func (p *PD) answer(f *osdp.Frame, raw []byte, code osdp.ReplyCode, r osdp.Reply, block []byte) []byte {
	out := osdp.Frame{Addr: p.Comm.Addr, Reply: true, Ctrl: f.Seq() | 4, Block: block, Code: byte(code), Data: r.AppendData(nil)}
	p.seq, p.last = int(f.Seq()), raw
	if p.session != nil {
		p.reply = p.session.Seal(nil, out)
	} else {
		p.reply = out.Append(nil)
	}
	if block != nil && code == osdp.ReplyInitialMAC && block[2] == 1 {
		p.session, p.trying = p.trying, nil
	}
	if osdp.CommandCode(f.Code) == osdp.CmdKeySet && code == osdp.ReplyAck {
		p.session = nil // the next handshake is with the new key
	}
	return p.reply
}

func nak(n osdp.NakCode) (osdp.ReplyCode, osdp.Reply, []byte) {
	return osdp.ReplyNak, osdp.Nak{Why: n}, nil
}

func ack() (osdp.ReplyCode, osdp.Reply, []byte) { return osdp.ReplyAck, osdp.Ack{}, nil }

// do carries out a command and returns what to reply, with a block in a handshake.
func (p *PD) do(f *osdp.Frame) (osdp.ReplyCode, osdp.Reply, []byte) {
	code := osdp.CommandCode(f.Code)
	if len(p.Naks) > 0 {
		n := p.Naks[0]
		p.Naks = p.Naks[1:]
		return nak(n)
	}
	open := code == osdp.CmdID || code == osdp.CmdCap || code == osdp.CmdChallenge || code == osdp.CmdCryptogram
	if (p.Secure || f.Scheme() >= osdp.SCS15) && p.session == nil && !open {
		return nak(osdp.NakSecurity)
	}
	c, err := osdp.DecodeCommand(code, f.Data)
	switch {
	case errors.Is(err, osdp.ErrUnknown):
		return nak(osdp.NakUnknown)
	case err != nil:
		return nak(osdp.NakLength)
	}
	switch x := c.(type) {
	case osdp.Query:
		return p.query(osdp.CommandCode(x))
	case osdp.LEDs:
		p.LED = x[len(x)-1]
	case osdp.Buzzer:
		p.Beeps += int(x.Count)
	case osdp.Text:
		p.Text = x.Text
	case osdp.Outputs:
		for _, o := range x {
			if int(o.Number) >= len(p.Outputs) {
				return nak(osdp.NakRecord)
			}
			p.Outputs[o.Number] = map[byte]byte{2: 1, 4: 1, 5: 1}[o.Action]
		}
		return osdp.ReplyOutputStatus, osdp.Status{Items: bytes.Clone(p.Outputs)}, nil
	case osdp.Comm:
		if x.Addr > osdp.MaxAddr {
			return nak(osdp.NakRecord)
		}
		p.move = &x
		return osdp.ReplyCom, x, nil
	case osdp.KeySet:
		if p.session == nil {
			return nak(osdp.NakSecurity)
		}
		p.Key = x.Key
	case osdp.Challenge:
		return p.challenge(f, x)
	case osdp.Cryptogram:
		return p.prove(f, x)
	case osdp.FileChunk:
		return osdp.ReplyFileStatus, p.piece(x), nil
	case osdp.XWrite:
		answer := p.Transparent
		if answer == nil {
			answer = p.transparent
		}
		if p.Capabilities.Of(osdp.CapSmartCard).Compliance&1 == 0 {
			return nak(osdp.NakUnknown)
		}
		if r := answer(x); r != nil {
			return osdp.ReplyXRead, r, nil
		}
	case osdp.Mfg, osdp.RxSize, osdp.KeepActive:
	default:
		return nak(osdp.NakUnknown)
	}
	return ack()
}

func (p *PD) query(c osdp.CommandCode) (osdp.ReplyCode, osdp.Reply, []byte) {
	switch c {
	case osdp.CmdPoll:
		p.polled = true
		for i, e := range p.events {
			if e.due <= p.heard {
				p.events = slices.Delete(p.events, i, i+1)
				return e.code, e.r, nil
			}
		}
	case osdp.CmdID:
		if p.PollFirst && !p.polled {
			return nak(osdp.NakRecord)
		}
		return osdp.ReplyID, p.Identity, nil
	case osdp.CmdCap:
		return osdp.ReplyCap, p.Capabilities, nil
	case osdp.CmdLocalStatus:
		return osdp.ReplyLocalStatus, p.Local, nil
	case osdp.CmdInputStatus:
		return osdp.ReplyInputStatus, osdp.Status{Items: bytes.Clone(p.Inputs)}, nil
	case osdp.CmdOutputStatus:
		return osdp.ReplyOutputStatus, osdp.Status{Items: bytes.Clone(p.Outputs)}, nil
	case osdp.CmdReaderStatus:
		return osdp.ReplyReaderStatus, osdp.Status{Items: []byte{0}}, nil
	}
	return ack()
}

// challenge answers CHLNG.
func (p *PD) challenge(f *osdp.Frame, c osdp.Challenge) (osdp.ReplyCode, osdp.Reply, []byte) {
	if f.Scheme() != osdp.SCS11 || len(f.Block) != 3 {
		return nak(osdp.NakNoSecurity)
	}
	sel := f.Block[2]
	p.underD = sel == 0
	key := p.Key
	switch {
	case p.underD && !p.Key.IsZero(), !p.underD && p.Key.IsZero():
		return nak(osdp.NakSecurity)
	case p.underD:
		key = osdp.DefaultKey
	}
	var b osdp.Nonce
	p.Rand(b[:])
	p.trying = osdp.NewSession(key, c.A, b)
	return osdp.ReplyCryptogram, osdp.ClientCryptogram{UID: p.UID, B: b, Proof: p.trying.ClientCryptogram()},
		[]byte{3, byte(osdp.SCS12), sel}
}

// prove answers SCRYPT.
func (p *PD) prove(f *osdp.Frame, c osdp.Cryptogram) (osdp.ReplyCode, osdp.Reply, []byte) {
	if f.Scheme() != osdp.SCS13 || p.trying == nil {
		return nak(osdp.NakSecurity)
	}
	want := p.trying.ServerCryptogram()
	ok := byte(1)
	if subtle.ConstantTimeCompare(want[:], c[:]) != 1 {
		ok = 0xFF
	}
	return osdp.ReplyInitialMAC, osdp.InitialMAC(p.trying.InitialRMAC()), []byte{3, byte(osdp.SCS14), ok}
}

// transparent carries out XWR.
func (p *PD) transparent(x osdp.XWrite) osdp.Reply {
	if x.SetsSmartCardMode() {
		p.smart = true
		if p.held != nil {
			p.Queue(osdp.ReplyXRead, osdp.CardPresent(0, true))
		}
		return nil
	}
	unit, apdu, ok := x.APDU()
	switch {
	case x.EndsAPDUs():
		if p.asked { // its owner takes it away, and holds it there anew for another tap
			next := p.next
			p.held, p.asked, p.next = nil, false, nil
			if next != nil {
				p.Hold(next)
			}
		}
		return nil
	case !ok || !p.smart || unit != 0 || p.held == nil:
		return osdp.CardError(1)
	}
	p.asked = true
	answer := p.held.APDU(apdu)
	switch {
	case answer == nil: // it says nothing at all
		return nil
	case p.NoReport:
		return osdp.CardAnswer(unit, answer)
	}
	p.events = append(p.events, event{osdp.ReplyXRead, osdp.CardAnswer(unit, answer), p.heard + p.CardTime})
	return nil
}

// piece takes a piece of a file.
func (p *PD) piece(c osdp.FileChunk) osdp.FileStatus {
	if c.Offset == 0 {
		p.Files = p.Files[:0]
	}
	if int(c.Offset) != len(p.Files) {
		return osdp.FileStatus{Flags: 1, Status: osdp.FileMalformed}
	}
	p.Files = append(p.Files, c.Data...)
	if p.File != nil {
		return p.File(c)
	}
	st := osdp.FileStatus{Flags: 1}
	if len(p.Files) == int(c.Total) {
		st.Status = osdp.FileDone
	}
	return st
}
