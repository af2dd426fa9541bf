package osdp

import (
	"time"

	"doord/policy"
)

// maxWindow is the longest time that a commissioning window may be open.
const maxWindow = 15 * time.Minute

// peer returns the reader with this index.
func (b *Bus) peer(i int) (*peer, error) {
	if i < 0 || i >= len(b.peers) || b.peers[i].gone {
		return nil, ErrReader
	}
	return b.peers[i], nil
}

// Show asks a reader to give feedback, with its buzzer or without. What it showed
// before and has not sent is dropped. It returns ErrReader.
func (b *Bus) Show(i int, f policy.Feedback, sound bool) error {
	p, err := b.peer(i)
	if err == nil {
		p.show.want(f, sound)
	}
	return err
}

// Send queues a command, of which [Done] is the end. Keys, addresses, handshakes
// and files have ways of their own and are refused with ErrRange. It returns
// ErrReader, ErrOffline, or ErrQueue when 16 commands wait.
func (b *Bus) Send(i int, c Command) (id int, err error) {
	p, err := b.peer(i)
	if err != nil {
		return 0, err
	}
	switch c.(type) {
	case KeySet, Challenge, Cryptogram, Comm, FileChunk:
		return 0, ErrRange
	}
	if !p.online {
		return 0, ErrOffline
	}
	if len(p.jobs) >= maxJobs {
		return 0, ErrQueue
	}
	if n := len(c.AppendData(nil)); n > MaxFrame-64 {
		return 0, ErrRange
	}
	b.nextID++
	p.jobs = append(p.jobs, job{jobUser, b.nextID, c})
	return b.nextID, nil
}

// Transfer sends a file in pieces, among the polls, and goes on where it was when
// the reader comes back from an outage; Progress tells. It returns ErrReader,
// ErrRange for an empty file or a From beyond it, or ErrQueue while another runs.
func (b *Bus) Transfer(i int, f File) error {
	p, err := b.peer(i)
	switch {
	case err != nil:
		return err
	case len(f.Data) == 0 || f.From < 0 || f.From >= len(f.Data):
		return ErrRange
	case p.file != nil:
		return ErrQueue
	}
	p.file = &transfer{file: f, acked: f.From}
	return nil
}

// StopTransfer ends a transfer, and tells the reader.
func (b *Bus) StopTransfer(i int) error {
	p, err := b.peer(i)
	if err != nil || p.file == nil {
		return err
	}
	p.fileEnd(ErrLost)
	p.seen(Query(CmdAbort), p.online)
	return nil
}

// Move gives a reader another address or speed (COMSET); Moved tells the end. If
// the reader is not found at the new place, it is looked for at the old one too. It
// returns ErrReader, ErrOffline, ErrRange, ErrAddrUsed, or ErrQueue.
func (b *Bus) Move(i int, to Comm) error {
	p, err := b.peer(i)
	switch {
	case err != nil:
		return err
	case to.Addr > MaxAddr || byteTime(to.Baud) == 0:
		return ErrRange
	case !p.online:
		return ErrOffline
	case p.move != nil || len(p.jobs) >= maxJobs:
		return ErrQueue
	}
	for _, q := range b.peers {
		taken := q.comm.Addr == to.Addr || q.move != nil && q.move.to.Addr == to.Addr
		if q != p && !q.gone && taken {
			return ErrAddrUsed
		}
	}
	p.move = &move{from: p.comm, to: to}
	p.jobs = append(p.jobs, job{kind: jobMove, cmd: to})
	return nil
}

// Commission opens the window in which a reader is given a key: for the first
// time, under SCBK-D, or in place of the one it has. The window closes when a
// handshake has proved the new key, or after d, of at most 15 minutes. The steps
// are Commission and SaveKeys events, for audit and store. It returns ErrReader,
// ErrRange or ErrWeakKey.
func (b *Bus) Commission(i int, k Key, d time.Duration) error {
	if err := k.Check(); err != nil {
		return err
	}
	return b.openWindow(i, window{key: k}, d)
}

// CommissionFrom is Commission with a key derived from a master key and the cUID
// that the reader gives in the handshake.
func (b *Bus) CommissionFrom(i int, master Key, d time.Duration) error {
	if err := master.Check(); err != nil {
		return err
	}
	return b.openWindow(i, window{master: master}, d)
}

func (b *Bus) openWindow(i int, w window, d time.Duration) error {
	p, err := b.peer(i)
	if err != nil {
		return err
	}
	if d <= 0 || d > maxWindow {
		return ErrRange
	}
	w.open, w.until = true, b.now+d
	p.window = w
	b.emit(p, Commission{Open: true, Until: w.until})
	p.waits = 0
	p.notYet = b.now
	p.renew = p.phase == up // after the exchange that is out: nothing need be lost
	if p.phase == challenged && !p.open {
		p.becomeChallenged(true)
	}
	return nil
}

// CloseWindow ends commissioning before its time.
func (b *Bus) CloseWindow(i int) error {
	p, err := b.peer(i)
	if err == nil {
		p.closeWindow(ErrWindow)
	}
	return err
}

// KeysSaved answers a SaveKeys event: these keys are stored, or err says why not,
// and then no key goes to the reader.
func (b *Bus) KeysSaved(i int, k Keys, err error) {
	p, e := b.peer(i)
	if e != nil || k != p.keys {
		return // an older state: another answer is to come
	}
	if err != nil && !p.keys.Next.IsZero() {
		p.keys.Next = Key{}
		p.closeWindow(err)
		return
	}
	p.saved = err == nil
	if p.held == heldDefault && p.phase == up {
		p.notYet = b.now
	}
}

// State returns what a reader is at. It returns ErrReader.
func (b *Bus) State(i int) (State, error) {
	p, err := b.peer(i)
	if err != nil {
		return State{}, err
	}
	r := p.cfg
	r.Keys = Keys{} // nobody needs to see them
	return State{
		Reader: r, Comm: p.comm,
		Online: p.online, Secure: p.session != nil && p.held != heldDefault,
		Keyed:    !p.keys.Current.IsZero(),
		Identity: p.id, Capabilities: p.caps, Tamper: p.tamper, Taps: p.tap.carries(),
		Counters: p.count, Latency: p.latency, Worst: p.worst,
		Fault: p.fault, Commission: p.window.until,
	}, nil
}

// SetTrace replaces [Config].Trace from the next frame on; nil ends it.
func (b *Bus) SetTrace(f func(Trace)) { b.cfg.Trace = f }

// Noise returns how many bytes so far belonged to no frame.
func (b *Bus) Noise() int { return b.parser.Noise() }
