package e2e

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
)

// network connects controllers and clients to the service in memory, so that time can
// be virtual. Whoever dials has a name, by which he can be cut off.
type network struct {
	mu       sync.Mutex
	accept   chan net.Conn // of the service that runs; nil: none does
	stopped  chan struct{} // closed when it does not any more
	conns    map[net.Conn]string
	isolated map[string]bool
}

func newNetwork() *network {
	return &network{conns: map[net.Conn]string{}, isolated: map[string]bool{}}
}

// listener is where a service takes connections until it is closed.
type listener struct {
	*network
	accept  chan net.Conn
	stopped chan struct{}
	close   sync.Once
}

func (n *network) listen() *listener {
	l := &listener{network: n, accept: make(chan net.Conn), stopped: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.accept, n.stopped = l.accept, l.stopped
	return l
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.stopped:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.close.Do(func() { close(l.stopped) })
	return nil
}

func (l *listener) Addr() net.Addr { return &net.TCPAddr{} }

var errRefused = errors.New("the connection is refused")

// dialer returns how somebody connects.
func (n *network) dialer(name string) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		n.mu.Lock()
		accept, stopped, isolated := n.accept, n.stopped, n.isolated[name]
		n.mu.Unlock()
		if accept == nil || isolated {
			return nil, errRefused
		}
		client, server := net.Pipe()
		select {
		case accept <- server:
		case <-stopped:
			return nil, errRefused
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.isolated[name] || n.accept != accept {
			client.Close()
			return nil, errRefused
		}
		c := &conn{client, n}
		n.conns[c] = name
		return c, nil
	}
}

// conn is forgotten by its network when it is closed.
type conn struct {
	net.Conn
	n *network
}

func (c *conn) Close() error {
	c.n.mu.Lock()
	delete(c.n.conns, c)
	c.n.mu.Unlock()
	return c.Conn.Close()
}

// cut ends the connections of those named, of all if none is.
func (n *network) cut(names ...string) {
	n.mu.Lock()
	var ends []net.Conn
	for c, name := range n.conns {
		if len(names) == 0 || slices.Contains(names, name) {
			ends = append(ends, c)
		}
	}
	n.mu.Unlock()
	for _, c := range ends {
		c.(*conn).Conn.Close() // the ends without a goodbye
		c.Close()
	}
}

// isolate cuts somebody off until he is joined again.
func (n *network) isolate(names ...string) {
	n.mu.Lock()
	for _, name := range names {
		n.isolated[name] = true
	}
	n.mu.Unlock()
	n.cut(names...)
}

func (n *network) join(names ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range names {
		delete(n.isolated, name)
	}
}

// vanish has no service there, as after kill -9: the ends of all connections are cut.
func (n *network) vanish() {
	n.mu.Lock()
	n.accept = nil
	n.mu.Unlock()
	n.cut()
}
