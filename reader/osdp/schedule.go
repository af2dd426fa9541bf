package osdp

import "time"

// transmit sends the next command, or again the one that had no answer.
func (b *Bus) transmit() Tx {
	p, j := b.pick()
	if p == nil {
		return Tx{}
	}
	if p.open {
		p.count.Retries++
	} else {
		p.take(j)
		p.ask(j)
	}
	b.baud = p.comm.Baud
	char := byteTime(b.baud)
	b.cur, b.from = p, b.now
	b.heard, b.spoilt = false, false
	b.deadline = b.now + time.Duration(len(p.out))*char + p.patience()
	b.last = b.deadline + (MaxFrame+1)*char
	b.parser.Reset()
	b.traceOut(p)
	return Tx{p.out, b.baud}
}

// pick chooses whom to speak to next, and with what job, none being a poll or
// whatever the reader's phase demands:
//
//  1. the reader that failed to answer for the first time, or has more to say
//  2. once a round, a command for somebody
//  3. once a round, and a tenth of the time, a silent reader
//  4. whose turn it is
func (b *Bus) pick() (*peer, job) {
	if p := b.again; p != nil {
		b.again = nil
		if !p.gone && b.now >= p.notYet {
			return p, job{}
		}
	}
	if p, j := b.pickJob(); p != nil {
		return p, j
	}
	if p := b.pickProbe(); p != nil {
		return p, job{}
	}
	if p := b.pickTurn(); p != nil {
		return p, job{}
	}
	b.newRound() // nobody had a turn, so the round is over
	if p, j := b.pickJob(); p != nil {
		return p, j
	}
	return b.pickProbe(), job{}
}

// newRound allows another command and another probe.
func (b *Bus) newRound() { b.mayJob, b.mayProbe = true, true }

// pickJob finds a reader with a command to be sent, pieces of files last.
func (b *Bus) pickJob() (*peer, job) {
	if !b.mayJob {
		return nil, job{}
	}
	var slow *peer
	var slowJob job
	for n := range b.peers {
		i := (b.jobTurn + n) % len(b.peers)
		p := b.peers[i]
		if p.gone || !p.live() || b.now < p.notYet {
			continue
		}
		j, bulk, ok := p.nextJob()
		switch {
		case ok && !bulk:
			b.mayJob, b.jobTurn = false, i+1
			return p, j
		case ok && slow == nil:
			slow, slowJob = p, j
		}
	}
	if slow != nil {
		b.mayJob, b.jobTurn = false, slow.index+1
	}
	return slow, slowJob
}

// pickProbe finds a silent reader that is due, or the next place of a scan.
func (b *Bus) pickProbe() *peer {
	if !b.mayProbe || b.now < b.probeAfter {
		return nil
	}
	for n := range b.peers {
		i := (b.probeTurn + n) % len(b.peers)
		p := b.peers[i]
		if !p.gone && !p.live() && b.now >= p.notYet {
			b.mayProbe, b.probeTurn = false, i+1
			return p
		}
	}
	if b.scan != nil {
		b.mayProbe = false
		return b.scan.probe
	}
	return nil
}

// probeDone lets the line rest from probes, so that the dead cost the living a
// tenth of their time at most; a scan, which a person waits for, a half.
func (b *Bus) probeDone(p *peer) {
	cost := b.now - b.from
	if p.index >= 0 {
		cost *= probeRest
	}
	b.probeAfter = b.now + cost
}

// pickTurn finds the reader whose turn it is.
func (b *Bus) pickTurn() *peer {
	for n := range b.peers {
		i := (b.turn + n) % len(b.peers)
		p := b.peers[i]
		if p.gone || !p.live() || b.now < p.notYet || p.held == heldDefault && p.phase == up && !p.open {
			continue
		}
		if p.file.idle(p) {
			continue
		}
		if b.turn+n >= len(b.peers) || i == len(b.peers)-1 {
			b.newRound()
		}
		b.turn = i + 1
		p.drain = maxDrain
		if old := p.session != nil && b.now-p.since >= rekeyAfter; !p.open && (old || p.renew) {
			p.becomeChallenged(true)
		}
		return p
	}
	return nil
}
