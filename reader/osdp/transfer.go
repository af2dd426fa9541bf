package osdp

import (
	"errors"
	"time"
)

// File is one to be sent to a reader: its firmware, mostly.
type File struct {
	Type byte   // 1 opaque; others are the vendor's
	Data []byte // all of it; not copied, and not to be changed until the transfer ends
	From int    // where to begin: 0, or where an earlier transfer ended
}

// Limits of a transfer.
const (
	pieceTime     = 150 * time.Millisecond // on the line: what a piece may delay the cards of others
	pieceMin      = 64                     // bytes of a frame, however slow the line
	fileSilence   = 4 * time.Second        // a reader busy with a file is asked at least this often
	fileLosses    = 10                     // pieces without an answer, in a row
	finishTimeout = 5 * time.Minute        // for the reader to process what it has
)

// transfer is a file on its way (SIA OSDP 2.2).
type transfer struct {
	file      File
	acked     int // bytes that the reader has
	piece     int // bytes that are out
	max       int // longest frame it takes for a file; 0 as for others
	notYet    time.Duration
	exclusive bool // no other commands between the pieces
	pollFirst bool // it has something to say before the next piece
	losses    int
	finishing time.Duration // since when it has all and processes it; 0 if not yet
}

// fileJob returns the next piece when it is due.
func (p *peer) fileJob() (job, bool) {
	t := p.file
	if t == nil || p.bus.now < t.notYet || t.pollFirst {
		return job{}, false
	}
	t.piece = min(len(t.file.Data)-t.acked, p.pieceSize())
	return job{kind: jobFile, cmd: FileChunk{
		Type: t.file.Type, Total: uint32(len(t.file.Data)), Offset: uint32(t.acked),
		Data: t.file.Data[t.acked : t.acked+t.piece],
	}}, true
}

// pieceSize is how much of a file fits the reader's frame, and a fair share of the line.
func (p *peer) pieceSize() int {
	const chunkHead = 11
	n := MinPeerFrame
	if c := p.caps.Of(CapRxSize).size(); c > n {
		n = min(c, MaxFrame)
	}
	if p.file.max > 0 {
		n = min(p.file.max, MaxFrame)
	}
	n = max(pieceMin, min(n, int(pieceTime/byteTime(p.comm.Baud))))
	if p.session != nil { // block, code, MAC, CRC; whole AES blocks with at least one byte of padding
		return (n-headLen-2-1-macLen-2)&^15 - 1 - chunkHead
	}
	return n - headLen - 1 - 2 - chunkHead
}

// idle says whether a reader that wants nothing but its file must be left alone now.
func (t *transfer) idle(p *peer) bool {
	return t != nil && t.exclusive && !t.pollFirst && p.bus.now-p.heard < fileSilence
}

// fileReply follows a piece.
func (p *peer) fileReply(r Reply, err error) {
	t := p.file
	if t == nil {
		return
	}
	if errors.Is(err, ErrLost) {
		if t.losses++; t.losses >= fileLosses {
			p.fileEnd(err)
		}
		return // again from what it has, when it is back
	}
	st, ok := r.(FileStatus)
	switch {
	case err != nil:
		p.fileEnd(err)
		return
	case !ok:
		p.fileEnd(ErrPayload)
		return
	case st.Status < 0 && t.acked > 0 && t.acked == t.file.From:
		t.acked, t.file.From = 0, 0 // it does not remember the part before: all of it
		return
	case st.Status < 0:
		p.fileEnd(ErrFile)
		return
	}
	t.losses = 0
	t.acked += t.piece
	t.exclusive, t.pollFirst = st.Flags&1 == 0, st.Flags&4 != 0
	t.notYet = p.bus.now + st.Delay
	if st.Max > 0 {
		t.max = int(st.Max)
	}
	switch {
	case st.Status == FileBusy:
		if t.finishing == 0 {
			t.finishing = p.bus.now
		}
		if p.bus.now-t.finishing > finishTimeout {
			p.fileEnd(ErrFile)
		}
	case st.Status != FileGoOn, t.acked == len(t.file.Data):
		p.fileEnd(nil)
	default:
		p.bus.emit(p, Progress{Sent: t.acked, Total: len(t.file.Data)})
	}
}

func (p *peer) fileEnd(err error) {
	t := p.file
	p.file = nil
	p.bus.emit(p, Progress{t.acked, len(t.file.Data), err == nil, err})
}
