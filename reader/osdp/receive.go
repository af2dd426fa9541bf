package osdp

import (
	"bytes"
	"time"

	"doord/policy"
	"doord/reader"
)

// verdict is what a frame means for the exchange that is out.
type verdict int

const (
	ignored  verdict = iota // none of ours: go on waiting
	doubtful                // spoilt or forged: the true reply may still follow at once
	settled                 // the exchange is over
)

// judge decides what a frame from the line means for the reader that was asked.
func (p *peer) judge(f *Frame) verdict {
	switch {
	case !f.Reply:
		return ignored // an adapter that echoes what we send
	case f.Addr != p.comm.Addr && p.comm.Addr != ConfigAddr:
		p.count.WrongAddr++
		return ignored
	}
	if carriesRead(f) {
		if p.bus.now-p.saidAt < sameRead && bytes.Equal(f.raw, p.said) {
			return ignored // two bits of sequence number cannot tell a late double in clear
		}
		p.saying = append(p.saying[:0], f.raw...) // before it is decrypted in place
	}
	if p.session != nil {
		return p.judgeSealed(f)
	}
	return p.judgeClear(f)
}

// sameRead is how long a read that is the same to the last bit of its frame is
// taken for an echo. A true one is only put off: the reader repeats it until then.
const sameRead = 500 * time.Millisecond

// carriesRead says whether a reply is a card or keys.
func carriesRead(f *Frame) bool {
	c := ReplyCode(f.Code)
	return f.Reply && (c == ReplyRaw || c == ReplyFormatted || c == ReplyKeypad)
}

// stray takes a frame that nobody waits for. If it carries a read that has not
// arrived otherwise, that read is lost: its reader will not send it again.
func (b *Bus) stray(f *Frame) {
	if !carriesRead(f) {
		return
	}
	for _, p := range b.peers {
		if !p.gone && p.comm.Addr == f.Addr && p.serving() && !bytes.Equal(f.raw, p.said) && b.now-p.strayAt >= time.Second {
			p.strayAt = b.now
			b.emit(p, PossiblyLost{})
		}
	}
}

// judgeSealed takes a frame inside a session: believed are the session's next
// message, and BUSY for a while.
func (p *peer) judgeSealed(f *Frame) verdict {
	code := ReplyCode(f.Code)
	if f.Scheme().sealed() {
		if f.Seq() != p.seq {
			p.count.WrongSeq++
			return ignored
		}
		if err := p.session.Open(f); err != nil {
			p.count.BadMAC++
			p.badMACs++
			p.renew = p.renew || p.badMACs >= maxBadMACs && p.bus.now-p.started >= restartEvery
			return doubtful
		}
		p.concluded()
		p.deliver(code, f.Data)
		return settled
	}
	if isBusy(f) {
		p.putOff()
		return settled
	}
	p.count.Unsafe++
	if f.Scheme() == None && p.job.kind == jobKeySet && code == ReplyAck && f.Seq() == p.seq {
		// Some readers drop the session before they acknowledge the new key. The
		// handshake that follows needs no one's word for it.
		p.open = false
		p.finish(Ack{}, nil)
		return settled
	}
	if f.Scheme() == None && (code == ReplyNak || f.Seq() == 0) {
		p.hints++
	}
	return doubtful
}

// judgeClear takes a frame outside a session, at its exact step.
func (p *peer) judgeClear(f *Frame) verdict {
	code := ReplyCode(f.Code)
	plain := f.Scheme() == None
	switch {
	case plain && isBusy(f):
		p.putOff()
		return settled
	case plain && code == ReplyNak:
		return p.refused(f)
	case f.Seq() != p.seq:
		p.count.WrongSeq++
		if f.Seq() == 0 {
			p.hints++
			return doubtful
		}
		return ignored
	case p.phase == challenged && p.challengeReply(f), p.phase == proving && p.proofReply(f):
		return settled
	case p.phase == challenged || p.phase == proving || !plain:
		p.count.Unsafe++
		return doubtful
	}
	p.concluded()
	switch p.phase {
	case probing:
		if id, ok := p.decode(code, f.Data).(Identity); ok {
			p.id = id
		}
		p.phase = asking
	case greeting:
		p.phase, p.greeted = probing, true
		p.deliver(code, f.Data)
	case asking:
		if c, ok := p.decode(code, f.Data).(Capabilities); ok {
			p.caps = c
		}
		p.identified()
	default:
		p.deliver(code, f.Data)
	}
	return settled
}

// isBusy recognises BUSY: in clear, with sequence 0, whatever was asked.
func isBusy(f *Frame) bool {
	return ReplyCode(f.Code) == ReplyBusy && f.Scheme() == None && f.Seq() == 0 && len(f.Data) == 0
}

// refused takes a NAK in clear. It fails the command and not the link, but for the
// codes that speak of the link.
func (p *peer) refused(f *Frame) verdict {
	nak, ok := p.decode(ReplyNak, f.Data).(Nak)
	if !ok {
		return doubtful
	}
	p.countNak(nak.Why)
	switch {
	case nak.Why == NakCheck && p.tries < 3:
		return doubtful // it was spoilt on its way there: the same again
	case p.phase == probing && !p.greeted:
		p.concludedUnproven()
		p.phase = greeting // some readers want to be polled first
	case p.phase == probing, p.phase == greeting:
		p.concludedUnproven()
		p.phase = asking
	case p.phase == asking:
		p.concludedUnproven()
		p.identified()
	case p.phase == challenged && p.window.open && !p.asDefault:
		p.concludedUnproven()
		p.asDefault = true // it may have no key yet
		p.becomeChallenged(false)
	case p.phase == challenged || p.phase == proving:
		p.concludedUnproven()
		p.handshakeFailed(ErrProof)
	case nak.Why == NakSecurity && p.code == CmdPoll:
		p.drop("")
		p.setFault(ErrWantsKey)
		p.becomeProbing()
		p.notYet = p.bus.now + failWaitMax
	case nak.Why == NakSequence || f.Seq() != p.seq:
		p.hints++
		return doubtful
	default:
		p.concluded()
		p.finish(nil, nak)
	}
	return settled
}

func (p *peer) countNak(n NakCode) {
	if int(n) >= len(p.count.Naks) {
		n = 0
	}
	p.count.Naks[n]++
}

// decode reads a payload and counts a bad one, which it returns as nil.
func (p *peer) decode(code ReplyCode, data []byte) Reply {
	r, err := DecodeReply(code, data)
	if err != nil {
		p.count.BadForm++
		return nil
	}
	return r
}

// deliver hands on a reply that counts. Replies that are events of their own are
// reported whatever was asked.
func (p *peer) deliver(code ReplyCode, data []byte) {
	if code == ReplyAck {
		p.finish(Ack{}, nil)
		return
	}
	if p.job.kind == jobPoll && p.drain > 0 { // it had something to say: ask on
		p.drain--
		p.bus.again = p
	}
	r := p.decode(code, data)
	if r == nil {
		p.finish(nil, ErrPayload)
		return
	}
	b := p.bus
	if !p.serving() && p.job.kind == jobPoll {
		if code == ReplyRaw || code == ReplyFormatted || code == ReplyKeypad {
			b.emit(p, PossiblyLost{}) // it was polled only to make it speak
		}
		return
	}
	switch x := r.(type) {
	case Nak:
		p.countNak(x.Why)
		if x.Why == NakSequence && p.job.kind == jobPoll {
			p.hints = 2
			p.restart()
			return
		}
		p.finish(nil, x)
		return
	case LocalStatus:
		if now := Tamper(x); now != p.tamper {
			p.tamper = now
			b.emit(p, now)
		}
	case Status:
		p.status(x)
	case Raw:
		p.read(x.Reader, p.card(x))
	case Formatted:
		p.read(x.Reader, formatted(x))
	case Keypad:
		for _, k := range x.Keys {
			p.read(x.Reader, keyRead(k))
		}
	case Part:
		if msg, err := p.parts.Add(x.Fragment); err != nil {
			p.count.BadForm++
		} else if msg != nil {
			b.emit(p, Assembled{code, msg})
		}
	case XRead:
		if p.job.kind == jobPoll && p.tap.carries() {
			p.tapHeard(x)
		} else if p.job.kind == jobPoll {
			b.emit(p, Message{code, r})
		}
	default:
		if p.job.kind == jobPoll {
			b.emit(p, Message{code, r})
		}
	}
	p.finish(r, nil)
}

// status reports the states that changed.
func (p *peer) status(x Status) {
	b := p.bus
	switch {
	case x.Of == ReplyInputStatus && !bytes.Equal(p.inputs, x.Items):
		p.inputs = x.Items
		in := make(Inputs, len(x.Items))
		for i, s := range x.Items {
			in[i] = InputState(min(s, byte(InputUnknown)))
		}
		b.emit(p, in)
	case x.Of == ReplyOutputStatus && !bytes.Equal(p.outputs, x.Items):
		p.outputs = x.Items
		out := make(OutputState, len(x.Items))
		for i, s := range x.Items {
			out[i] = s != 0
		}
		b.emit(p, out)
	case x.Of == ReplyReaderStatus && !bytes.Equal(p.units, x.Items):
		p.units = x.Items
		b.emit(p, Units(x.Items))
	}
}

// read reports a read at the moment its last byte arrived.
func (p *peer) read(unit byte, r reader.Read) {
	r.At = p.bus.now
	p.said, p.saidAt = append(p.said[:0], p.saying...), p.bus.now
	p.count.Reads++
	p.bus.emit(p, Read{r, unit})
}

// card turns RAW into a read: a UID by itself, all else by the decoder that
// Wiegand readers share.
func (p *peer) card(x Raw) reader.Read {
	const uid = 2
	bits := x.String()
	if n := x.Bits / 8; x.Format == uid && x.Bits%8 == 0 && n >= 4 && n <= 10 {
		return reader.Read{
			Kind: reader.Card, Bits: bits,
			Token: policy.Token{Class: policy.TokenUID, Value: string(x.Data[:n])},
		}
	}
	if p.bus.cfg.Decode == nil {
		return reader.Read{Kind: reader.Bad, Fault: reader.FaultLength, Bits: bits}
	}
	r := p.bus.cfg.Decode(bits)
	r.Bits = bits
	return r
}

// formatted turns FMT into a read. Only a decimal number is a credential, of the
// format "FMT"; the standard leaves the rest of its meaning open.
func formatted(x Formatted) reader.Read {
	var n uint64
	for _, c := range []byte(x.Text) {
		if c < '0' || c > '9' || n > (1<<64-1-9)/10 {
			return reader.Read{Kind: reader.Bad, Fault: reader.FaultLength}
		}
		n = n*10 + uint64(c-'0')
	}
	if x.Text == "" {
		return reader.Read{Kind: reader.Bad, Fault: reader.FaultLength}
	}
	return reader.Read{Kind: reader.Card, Token: policy.Token{Class: policy.TokenNumber, Format: "FMT", Number: n}}
}

// keyRead turns a byte of KEYPAD into a read (SIA OSDP 2.2).
func keyRead(k byte) reader.Read {
	switch {
	case k >= '0' && k <= '9':
		return reader.Read{Kind: reader.Key, Digit: k}
	case k == 0x7F || k == '*':
		return reader.Read{Kind: reader.Key, Digit: reader.KeyStar}
	case k == 0x0D || k == '#':
		return reader.Read{Kind: reader.Key, Digit: reader.KeyHash}
	default:
		return reader.Read{Kind: reader.Bad, Fault: reader.FaultEntry}
	}
}

// smooth averages over about eight values.
func smooth(avg, x time.Duration) time.Duration {
	if avg == 0 {
		return x
	}
	return avg + (x-avg)/8
}
