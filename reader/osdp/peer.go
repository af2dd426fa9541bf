package osdp

import (
	"errors"
	"time"
)

// phase is where a reader stands on its way to being polled.
//
//	   ┌──────────────── 8 s of silence ────────────────────┐
//	   ▼                                                    │
//	probing ─ID─▶ asking ─CAP─▶ challenged ─CCRYPT─▶ proving ─RMAC_I─▶ up
//	   │ NAK ▲       │               ▲ ▲   wrong key, NAK       │     │
//	   ▼     │       │               │ └──────────(wait)────────┘     │
//	greeting─┘       └─ in clear ─▶ up               session lost, a day over
type phase int

const (
	probing    phase = iota // silent so far: ID, with sequence 0
	greeting                // it refused ID: POLL, then ID once more
	asking                  // CAP
	challenged              // CHLNG
	proving                 // SCRYPT
	up                      // polls and commands
)

// Limits of one reader's link.
const (
	offlineAfter  = 8 * time.Second // SIA OSDP 2.2: so long without a reply, the link is down
	restartEvery  = time.Second     // nobody's bare word begins sessions more often
	busyInSession = time.Second     // BUSY has no MAC: believed so long, for one command
	busyPause     = 10 * time.Millisecond
	rekeyAfter    = 24 * time.Hour   // the longest life of a session
	maxBadMACs    = 10               // in one session
	failWaitMax   = 30 * time.Second // between handshakes that fail
	probeWaitMax  = 2 * time.Second  // between probes of a silent reader
	maxDrain      = 3                // further polls at once for a reader that had something to say
	maxJobs       = 16
)

// peer is one reader as the bus sees it: the exchange with it, and its link.
type peer struct {
	bus   *Bus
	index int // −1 for the probe of a scan
	cfg   Reader
	comm  Comm // where it is now
	gone  bool // detached
	phase phase

	// The exchange. Its bytes are kept, to be sent again as they are.
	open   bool // out waits for a usable reply
	out    []byte
	data   []byte // scratch for a payload
	code   CommandCode
	job    job           // what out carries out; zero for a poll or a handshake
	seq    byte          // of out, or of the next command
	tries  int           // of out, without a usable reply
	busy   time.Duration // when it was first put off by BUSY; 0 if not
	notYet time.Duration // leave it alone until then
	drain  int           // polls it may still have in this turn

	// The link.
	online  bool
	heard   time.Duration // the last reply that counts
	probes  int           // without an answer, in a row
	greeted bool          // it refused ID, and a POLL has gone before this one
	gap     bool          // the link was lost while it served
	hints   int           // signs that it lost its session or restarted, since heard
	fault   error

	// The secure channel.
	session   *Session // established: nothing else is believed
	trying    *Session // between CHLNG and RMAC_I
	nonce     Nonce
	asDefault bool // CHLNG names SCBK-D
	held      held
	uid       UID
	since     time.Duration // begin of the session
	started   time.Duration // begin of the last handshake, −restartEvery before the first
	waits     int           // handshakes that failed, in a row
	renew     bool          // begin another handshake when nothing is out
	badMACs   int
	keys      Keys
	saved     bool // keys.Next would survive a power cut
	window    window

	// What is wanted of it, and what is known of it.
	said    []byte // the frame of its last read
	saidAt  time.Duration
	saying  []byte // that of the one being judged
	strayAt time.Duration
	jobs    []job
	show    showing
	file    *transfer
	tap     tapping
	move    *move
	parts   Assembler
	id      Identity
	caps    Capabilities
	tamper  Tamper
	units   []byte
	inputs  []byte
	outputs []byte
	count   Counters
	latency time.Duration
	worst   time.Duration
}

// job is a command on its way to a reader.
type job struct {
	kind jobKind
	id   int
	cmd  Command
}

// jobKind says who wants the result of a job.
type jobKind int

const (
	jobPoll   jobKind = iota // nobody: a poll
	jobUser                  // whoever called Send
	jobQuiet                 // nobody: a question whose answer is an event anyhow
	jobShow                  // feedback
	jobFile                  // the file transfer
	jobKeySet                // commissioning
	jobMove                  // COMSET
	jobTap                   // a phone
)

// live says whether the reader answers by and large, and so has its turn in every
// round. Others are probed, one a round.
func (p *peer) live() bool { return p.phase != probing && p.tries < 3 }

// serving says whether its reads count.
func (p *peer) serving() bool { return p.phase == up && p.held != heldDefault }

// ask composes the next command: what the phase demands, or the job.
func (p *peer) ask(j job) {
	p.job = j
	switch p.phase {
	case probing:
		p.seq = 0
		p.compose(CmdID, Query(CmdID), nil)
	case greeting:
		p.compose(CmdPoll, nil, nil)
	case asking:
		p.compose(CmdCap, Query(CmdCap), nil)
	case challenged:
		p.bus.cfg.Rand(p.nonce[:])
		p.started = p.bus.now
		p.compose(CmdChallenge, Challenge{p.nonce}, []byte{3, byte(SCS11), bit(!p.asDefault)})
	case proving:
		p.compose(CmdCryptogram, Cryptogram(p.trying.ServerCryptogram()), []byte{3, byte(SCS13), bit(!p.asDefault)})
	case up:
		if j.cmd == nil {
			p.compose(CmdPoll, nil, nil)
		} else {
			p.compose(j.cmd.Code(), j.cmd, nil)
		}
	}
}

// compose makes out, sealed in a session and in clear without one.
func (p *peer) compose(code CommandCode, cmd Command, block []byte) {
	p.data = p.data[:0]
	if cmd != nil {
		p.data = cmd.AppendData(p.data)
	}
	f := Frame{Addr: p.comm.Addr, Ctrl: p.seq | ctrlCRC, Block: block, Code: byte(code), Data: p.data}
	if p.session != nil {
		p.out = p.session.Seal(p.out[:0], f)
	} else {
		p.out = f.Append(p.out[:0])
	}
	p.open, p.code, p.tries, p.busy = true, code, 0, 0
}

// concluded ends the exchange after a usable reply: the next command has the next
// sequence number (SIA OSDP 2.2: 0, then 1, 2, 3, 1 …).
func (p *peer) concluded() {
	p.open, p.tries, p.hints, p.probes = false, 0, 0, 0
	p.seq = p.seq%3 + 1
	p.heard = p.bus.now
	p.count.Exchanges++
}

// patience is how long to wait for the first byte of a reply. Most probes of a
// silent reader are short, as almost all readers answer within a few
// milliseconds; every fourth allows for the slow one.
func (p *peer) patience() time.Duration {
	if p.phase == probing && p.probes%4 != 0 && !p.recent() {
		return probeTime
	}
	return replyTime
}

// recent says whether the reader was there a moment ago.
func (p *peer) recent() bool { return p.heard > 0 && p.bus.now-p.heard < offlineAfter }

// missed is the end of a try without a usable reply.
func (p *peer) missed() {
	b := p.bus
	p.tries++
	if p.index < 0 {
		b.scanned(p, false)
		return
	}
	suspect := p.hints >= 2 || p.badMACs >= maxBadMACs || p.badMACs > 0 && p.tries >= 4
	switch {
	case p.phase == probing:
		p.open = false
		p.probes++
		wait := time.Second + time.Duration(p.probes)*250*time.Millisecond
		if p.recent() {
			wait = 100 * time.Millisecond << min(p.probes, 4)
		}
		p.notYet = b.now + min(wait, probeWaitMax)
		p.moveMissed()
	case p.phase == up && p.job.kind == jobMove && p.tries >= 2:
		p.moveUnsure()
	case suspect && b.now-p.started >= restartEvery:
		p.restart()
	case p.phase != up && p.tries >= 4:
		p.becomeProbing()
	case p.tries == 1:
		b.again = p // at once, so that one lost byte costs the card one time-out
	case p.tries > 2:
		p.notYet = b.now + min(100*time.Millisecond<<(p.tries-3), probeWaitMax)
	}
}

// putOff is the end of a try that was answered by BUSY.
func (p *peer) putOff() {
	b := p.bus
	p.count.Busy++
	if p.busy == 0 {
		p.busy = b.now
	}
	if p.session != nil && b.now-p.busy > busyInSession {
		p.missed()
		return
	}
	p.notYet = b.now + busyPause
}

// restart begins the link anew because the reader seems to have done so.
func (p *peer) restart() {
	why := "the reader lost its session"
	if p.hints < 2 {
		why = "messages are not authentic"
	}
	p.drop(why)
	p.hints, p.badMACs = 0, 0
	if p.secured() {
		p.becomeChallenged(true)
	} else {
		p.started = p.bus.now
		p.becomeProbing()
	}
}

// drop ends the exchange that is out, and the session, with everything that may
// be lost by it.
func (p *peer) drop(why string) {
	if p.serving() && p.open {
		p.bus.emit(p, PossiblyLost{})
		p.gap = true
	}
	if p.open {
		p.open = false
		p.finish(nil, ErrLost)
	}
	if p.session != nil && p.online {
		p.bus.emit(p, SecureLost{why})
	}
	p.session, p.trying = nil, nil
	p.tapLost()
}

// expire takes the link down after too long a silence, and closes the
// commissioning window in time.
func (p *peer) expire() {
	if p.window.open && p.bus.now >= p.window.until {
		p.closeWindow(ErrWindow)
	}
	if p.online && p.bus.now-p.heard >= offlineAfter {
		if p.serving() {
			p.open = true // what it had for us, if anything, is lost
		}
		p.drop("silence")
		p.online = false
		p.failJobs()
		p.bus.emit(p, Offline{})
		p.becomeProbing()
	}
}

// failJobs ends every command that waits.
func (p *peer) failJobs() {
	for _, j := range p.jobs {
		if j.kind == jobUser {
			p.bus.emit(p, Done{ID: j.id, Err: ErrOffline})
		}
	}
	p.jobs = p.jobs[:0]
}

func (p *peer) becomeProbing() {
	p.phase, p.open, p.session, p.trying, p.greeted = probing, false, nil, nil, false
	p.seq, p.tries, p.held = 0, 0, heldNone
	p.notYet = p.bus.now
}

// identified follows ID and CAP, answered or refused.
func (p *peer) identified() {
	if p.index < 0 {
		p.bus.scanned(p, true)
		return
	}
	p.bus.emit(p, Identified{p.id, p.caps})
	p.moveSettled()
	if p.secured() {
		p.becomeChallenged(true)
	} else {
		p.becomeUp(heldNone)
	}
}

func (p *peer) becomeUp(h held) {
	p.phase, p.held = up, h
	p.waits, p.badMACs, p.hints = 0, 0, 0
	p.since, p.heard = p.bus.now, p.bus.now
	p.setFault(nil)
	if h == heldDefault {
		return
	}
	if !p.online {
		p.online = true
		p.bus.emit(p, Online{Secure: h != heldNone})
	}
	if p.gap {
		p.gap = false
		p.bus.emit(p, PossiblyLost{}) // it may have reset again while nobody asked it
	}
	p.show.again()
	p.tapBegin()
	p.seen(Query(CmdLocalStatus), true)
	p.seen(Query(CmdInputStatus), p.caps.Of(CapInputs).Number > 0)
}

// seen asks for a state that may have changed unseen.
func (p *peer) seen(q Query, want bool) {
	if want && len(p.jobs) < maxJobs {
		p.jobs = append(p.jobs, job{kind: jobQuiet, cmd: q})
	}
}

// setFault reports what stands in the way, once.
func (p *peer) setFault(err error) {
	if err != nil && !errors.Is(p.fault, err) {
		p.bus.emit(p, Fault{err})
	}
	p.fault = err
}

// nextJob returns what the reader should be told next, and whether it is a piece
// of a file, which yields to all else.
func (p *peer) nextJob() (j job, bulk, ok bool) {
	if p.phase != up || p.open {
		return job{}, false, false
	}
	if j, ok := p.keySetJob(); ok {
		return j, false, true
	}
	if p.held == heldDefault {
		return job{}, false, false
	}
	if j, ok := p.tapJob(); ok { // a person waits for it, and lights can
		return j, false, true
	}
	if j, ok := p.show.next(p.caps); ok {
		return j, false, true
	}
	if len(p.jobs) > 0 {
		return p.jobs[0], false, true
	}
	if j, ok := p.fileJob(); ok {
		return j, true, true
	}
	return job{}, false, false
}

// take marks a job as on its way.
func (p *peer) take(j job) {
	switch j.kind {
	case jobUser, jobQuiet, jobMove:
		p.jobs = append(p.jobs[:0], p.jobs[1:]...)
	case jobShow:
		p.show.taken()
	case jobTap:
		p.tap.taken()
	case jobPoll, jobFile, jobKeySet:
	}
}

// finish gives the end of the command that was out to whoever wants it.
func (p *peer) finish(r Reply, err error) {
	j := p.job
	p.job = job{}
	switch j.kind {
	case jobUser:
		p.bus.emit(p, Done{ID: j.id, Reply: r, Err: err})
	case jobFile:
		p.fileReply(r, err)
	case jobKeySet:
		p.keySetReply(err)
	case jobMove:
		p.moveReply(r, err)
	case jobTap:
		p.tapReply(j.cmd, r, err)
	case jobPoll, jobQuiet, jobShow:
	}
}
