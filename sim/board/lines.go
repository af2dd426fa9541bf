package board

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"doord/rex"
)

const (
	// QueueLen is how many unread edges are kept for one bank or reader, as in the
	// requests that the daemon makes of the kernel.
	QueueLen = 256

	// maxAhead is how many changes may be waiting for their time on one bank or
	// reader: 32 frames of the longest kind.
	maxAhead = 1 << 14
)

// change is something that a line will do.
type change struct {
	at   time.Duration
	line uint8
	high bool
}

// lines are the input lines of one request and the kernel's queue of their edges.
// An edge of the kernel has all that rex.Edge has.
type lines struct {
	now    func() time.Duration
	rising bool // rising edges are edges, too

	mu     sync.Mutex
	levels uint64
	ahead  []change      // in order of time
	queue  []rex.Edge    // oldest first, at most QueueLen
	seq    uint32        // of the latest edge
	news   chan struct{} // closed, and replaced, when ahead or closed changes
	closed bool
}

func newLines(now func() time.Duration, levels uint64, rising bool) *lines {
	return &lines{now: now, levels: levels, rising: rising, news: make(chan struct{})}
}

// Read fills buf with the oldest edges. If there is none it waits for one: for at
// most wait, without limit if that is negative.
func (l *lines) Read(buf []rex.Edge, wait time.Duration) (int, error) {
	for start := l.now(); ; {
		l.mu.Lock()
		now := l.settle()
		n := copy(buf, l.queue)
		l.queue = l.queue[n:]
		closed, news := l.closed, l.news
		next, due := l.next()
		l.mu.Unlock()

		rest := wait - (now - start)
		switch {
		case closed:
			return 0, os.ErrClosed
		case n > 0 || wait >= 0 && rest <= 0:
			return n, nil
		}
		var alarm <-chan time.Time
		switch {
		case due && wait >= 0:
			alarm = time.After(min(next-now, rest))
		case due:
			alarm = time.After(next - now)
		case wait >= 0:
			alarm = time.After(rest)
		}
		select {
		case <-alarm:
		case <-news:
		}
	}
}

// Levels returns the levels of the lines, bit i for line i.
func (l *lines) Levels() (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle()
	if l.closed {
		return 0, os.ErrClosed
	}
	return l.levels, nil
}

func (l *lines) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.tell()
}

// The methods below are called with the lock held.

// room returns an error unless n more changes may be added.
func (l *lines) room(n int) error {
	if len(l.ahead)+n > maxAhead {
		return fmt.Errorf("board: more than %d level changes would be waiting for their time", maxAhead)
	}
	return nil
}

// add lets the lines do more, in any order.
func (l *lines) add(changes []change) {
	l.ahead = append(l.ahead, changes...)
	slices.SortStableFunc(l.ahead, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	l.tell()
}

// tell wakes everyone in Read.
func (l *lines) tell() {
	close(l.news)
	l.news = make(chan struct{})
}

// next returns when the next change is due.
func (l *lines) next() (at time.Duration, ok bool) {
	if len(l.ahead) == 0 {
		return 0, false
	}
	return l.ahead[0].at, true
}

// settle lets happen what is due by now, which it returns.
func (l *lines) settle() (now time.Duration) {
	now = l.now()
	n := 0
	for n < len(l.ahead) && l.ahead[n].at <= now {
		l.move(l.ahead[n])
		n++
	}
	l.ahead = l.ahead[n:]
	return now
}

// move brings a line to a level. That is an edge only if it was not there.
func (l *lines) move(c change) {
	line := uint64(1) << c.line
	if c.high == (l.levels&line != 0) {
		return
	}
	l.levels ^= line
	if c.high && !l.rising {
		return
	}
	if len(l.queue) == QueueLen {
		l.queue = l.queue[1:]
	}
	l.seq++
	l.queue = append(l.queue, rex.Edge{At: c.at, Line: c.line, High: c.high, Seq: l.seq})
}
