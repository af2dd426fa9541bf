package osdp

import (
	"crypto/subtle"
	"errors"
	"time"
)

// held says which key a session stands on.
type held int

const (
	heldNone    held = iota // no session
	heldCurrent             // Keys.Current
	heldNext                // Keys.Next
	heldDefault             // SCBK-D, in a commissioning window
)

// window is an open commissioning window: the only time in which SCBK-D is
// accepted, and in which a new key may be made for a reader.
type window struct {
	open   bool
	until  time.Duration
	key    Key // to be given; zero to derive one from master
	master Key
}

// secured says whether the reader is to be spoken to through a secure channel
// only. It is the configuration's word: what PDCAP says cannot change it.
func (p *peer) secured() bool { return p.cfg.Secure || p.window.open }

// becomeChallenged begins a handshake; fresh with sequence 0, which makes the
// reader drop a session that it may still have.
func (p *peer) becomeChallenged(fresh bool) {
	p.phase, p.open, p.session, p.trying, p.held = challenged, false, nil, nil, heldNone
	p.renew = false
	if fresh {
		p.seq, p.tries = 0, 0
		p.asDefault = p.keys.Current.IsZero() && p.keys.Next.IsZero()
	}
	if p.asDefault && !p.window.open {
		p.asDefault = false
		p.handshakeFailed(ErrNoKey)
	}
}

// handshakeFailed waits before the next one, longer each time.
func (p *peer) handshakeFailed(err error) {
	p.setFault(err)
	p.phase, p.open, p.session, p.trying = challenged, false, nil, nil
	if errors.Is(err, ErrNoKey) {
		p.phase = asking // there is nothing to try: see now and then that it is there
	}
	p.seq, p.tries = 0, 0
	p.notYet = p.bus.now + min(time.Second<<min(p.waits, 5), failWaitMax)
	p.waits++
}

// challengeReply takes CCRYPT. The cryptogram tells which of our keys the reader
// has, so a key that was on its way in a power cut needs no guessing.
func (p *peer) challengeReply(f *Frame) bool {
	sel, _ := f.blockByte()
	r, err := DecodeReply(ReplyCode(f.Code), f.Data)
	cc, ok := r.(ClientCryptogram)
	if err != nil || !ok || f.Scheme() != SCS12 {
		return false
	}
	p.concludedUnproven()
	p.uid = cc.UID
	type candidate struct {
		key  Key
		held held
	}
	try := []candidate{{p.keys.Next, heldNext}, {p.keys.Current, heldCurrent}}
	if p.asDefault {
		try = []candidate{{DefaultKey, heldDefault}}
	}
	for _, c := range try {
		if c.key.IsZero() || sel != bit(!p.asDefault) {
			continue
		}
		s := NewSession(c.key, p.nonce, cc.B)
		if want := s.ClientCryptogram(); subtle.ConstantTimeCompare(want[:], cc.Proof[:]) == 1 {
			p.trying, p.held = s, c.held
			p.phase = proving
			return true
		}
	}
	if p.window.open && !p.asDefault {
		p.asDefault = true // it may still have the key it was made with
		p.becomeChallenged(false)
		return true
	}
	p.handshakeFailed(ErrWrongKey)
	return true
}

// proofReply takes RMAC_I, by which the reader accepts us.
func (p *peer) proofReply(f *Frame) bool {
	status, _ := f.blockByte()
	r, err := DecodeReply(ReplyCode(f.Code), f.Data)
	mac, ok := r.(InitialMAC)
	if err != nil || !ok || f.Scheme() != SCS14 {
		return false
	}
	want := p.trying.InitialRMAC()
	good := subtle.ConstantTimeCompare(want[:], mac[:]) == 1
	if status != 1 || !good {
		p.concludedUnproven()
		p.handshakeFailed(ErrProof)
		return true
	}
	p.concluded()
	p.session, p.trying = p.trying, nil
	p.count.Sessions++
	p.established()
	return true
}

// concludedUnproven ends an exchange whose reply anyone could have made: it moves
// the sequence on, and does not count as a sign of life.
func (p *peer) concludedUnproven() {
	heard := p.heard
	p.concluded()
	p.heard = heard
}

// established follows a handshake: the key it proves is in use from now on, and
// one that is due goes out next.
func (p *peer) established() {
	h := p.held
	if h == heldNext {
		p.keys = Keys{Current: p.keys.Next}
		p.saveKeys()
		h = heldCurrent
		p.cfg.Secure = true
		if p.window.open && (p.window.key.IsZero() || p.window.key.Equal(p.keys.Current)) {
			p.closeWindow(nil)
		}
	}
	if p.window.open {
		p.prepare()
	}
	p.becomeUp(h)
	if h == heldDefault {
		p.notYet = p.bus.now + offlineAfter // KeysSaved wakes it
	}
}

// prepare settles the key that the reader is to get, and asks for it to be stored
// before it is sent. It runs after a handshake, when it is certain that the
// reader does not have a Next that would be overwritten.
func (p *peer) prepare() {
	k := p.window.key
	if k.IsZero() {
		k = DeriveKey(p.window.master, p.uid)
	}
	if p.held != heldDefault && k.Equal(p.keys.Current) {
		p.closeWindow(nil) // it has it already
		return
	}
	p.keys.Next = k
	p.saveKeys()
}

func (p *peer) saveKeys() {
	p.saved = false
	p.bus.emit(p, SaveKeys{p.keys})
}

// keySetJob returns KEYSET when a stored key is due: within the window, or, under
// the reader's own key, to finish what a power cut interrupted.
func (p *peer) keySetJob() (job, bool) {
	if p.keys.Next.IsZero() || !p.saved || p.session == nil {
		return job{}, false
	}
	if p.held == heldDefault && !p.window.open {
		return job{}, false
	}
	return job{kind: jobKeySet, cmd: KeySet{p.keys.Next}}, true
}

// keySetReply follows KEYSET. Whatever became of it, the next handshake shows which
// key the reader has; only a refusal through the session ends the matter.
func (p *peer) keySetReply(err error) {
	if refused := new(Nak); errors.As(err, refused) {
		p.keys.Next = Key{}
		p.saveKeys()
		p.closeWindow(err)
		return
	}
	if err == nil {
		p.becomeChallenged(true)
	}
}

// closeWindow ends commissioning; a session under the public key ends with it.
func (p *peer) closeWindow(err error) {
	if !p.window.open {
		return
	}
	p.window = window{}
	p.bus.emit(p, Commission{Err: err})
	if p.held != heldDefault && !p.asDefault {
		return
	}
	p.asDefault = false
	p.session, p.open = nil, false
	if p.secured() {
		p.becomeChallenged(true)
	} else {
		p.becomeProbing()
	}
}
