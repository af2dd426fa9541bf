package board

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// Waits of a connection.
const (
	dialFor  = 3 * time.Second
	writeFor = 2 * time.Second
)

// TCP is a connection to a gateway of wireless locks. Like a serial port it is closed
// at first, and opened by Reopen. Every method may be called from any goroutine.
type TCP struct {
	address string
	mu      sync.Mutex
	conn    net.Conn
	closed  bool
}

// NewTCP returns a connection to "HOST:PORT" that is not open yet.
func NewTCP(address string) *TCP { return &TCP{address: address} }

// Reopen connects anew. Its error says what to do.
func (t *TCP) Reopen() error {
	if conn := t.swap(nil); conn != nil {
		_ = conn.Close() // it has failed already
	}
	conn, err := net.DialTimeout("tcp", t.address, dialFor)
	if err != nil {
		return fmt.Errorf("%w: see that the gateway has power and network, and that doord may reach it", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		_ = conn.Close() // nothing was sent
		return os.ErrClosed
	}
	t.conn = conn
	return nil
}

func (t *TCP) swap(conn net.Conn) net.Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.conn
	t.conn = conn
	return old
}

func (t *TCP) current() (net.Conn, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conn == nil {
		return nil, net.ErrClosed
	}
	return t.conn, nil
}

// Read waits for bytes, at most so long. A time-out is (0, nil).
func (t *TCP) Read(buf []byte, wait time.Duration) (int, error) {
	conn, err := t.current()
	if err != nil {
		return 0, err
	}
	if err := conn.SetReadDeadline(time.Now().Add(max(wait, time.Millisecond))); err != nil {
		return 0, err
	}
	n, err := conn.Read(buf)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return n, err
}

// Write sends all of p, or fails.
func (t *TCP) Write(p []byte) error {
	conn, err := t.current()
	if err != nil {
		return err
	}
	if err := conn.SetWriteDeadline(time.Now().Add(writeFor)); err != nil {
		return err
	}
	_, err = conn.Write(p)
	return err
}

// Close ends a Read and lets go of the connection for good.
func (t *TCP) Close() error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	if conn := t.swap(nil); conn != nil {
		return conn.Close()
	}
	return nil
}
