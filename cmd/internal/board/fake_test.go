package board

import (
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// fakeKernel is a machine whose lines can be held by others, or refused.
type fakeKernel struct {
	list    []chip
	missing error                        // what the search for chips ends in
	held    map[string]map[uint32]string // by path and offset
	refused map[string]error             // by path

	asked []asked
}

// asked is a request that the kernel granted.
type asked struct {
	path string
	request
	lines *fakeLines
}

func (k *fakeKernel) chips() ([]chip, error) { return k.list, k.missing }

func (k *fakeKernel) holder(path string, offset uint32) (string, error) {
	return k.held[path][offset], nil
}

func (k *fakeKernel) request(path string, r request) (lines, error) {
	if err := k.refused[path]; err != nil {
		return nil, err
	}
	for _, o := range r.offsets {
		if k.held[path][o] != "" {
			return nil, unix.EBUSY
		}
	}
	l := &fakeLines{levels: r.levels, closed: make(chan struct{})}
	k.asked = append(k.asked, asked{path, r, l})
	return l, nil
}

// open returns how many of the granted lines are not closed.
func (k *fakeKernel) open() int {
	n := 0
	for _, a := range k.asked {
		select {
		case <-a.lines.closed:
		default:
			n++
		}
	}
	return n
}

// set is one call of Set, and when it was.
type set struct {
	at           time.Time
	mask, levels uint64
}

// fakeLines are lines that remember what they were told.
type fakeLines struct {
	mu     sync.Mutex
	levels uint64
	sets   []set
	stuck  bool
	broken error
	queue  []event
	once   sync.Once
	closed chan struct{}
}

func (l *fakeLines) Set(mask, levels uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sets = append(l.sets, set{time.Now(), mask, levels})
	if !l.stuck {
		l.levels = l.levels&^mask | levels&mask
	}
	return l.broken
}

func (l *fakeLines) Get() (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.levels, l.broken
}

func (l *fakeLines) Read(buf []event, _ time.Duration) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := copy(buf, l.queue)
	l.queue = l.queue[n:]
	return n, l.broken
}

func (l *fakeLines) Close() error {
	err := os.ErrClosed
	l.once.Do(func() { close(l.closed); err = nil })
	return err
}
