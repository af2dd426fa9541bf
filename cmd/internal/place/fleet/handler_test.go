package fleet

import (
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"doord/cmd/internal/place/storage"
)

// A body that does not come is not waited for for ever. In virtual time.
func TestABodyThatDoesNotCome(t *testing.T) {
	for name, head := range map[string]string{
		"an enrolment":           "POST /v1/enroll HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
		"one that needs no body": "GET /v1/identity HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
		"a body in pieces":       "GET /v1/policy HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db, err := storage.Open(t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				f, err := Open(Config{Storage: db, Dir: t.TempDir()})
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				client, server := net.Pipe()
				s := &http.Server{Handler: f.Handler()}
				go s.Serve(&oneConn{conn: server, closed: make(chan bool)})
				if _, err := client.Write([]byte(head)); err != nil {
					t.Fatal(err)
				}
				ended := make(chan bool)
				go func() {
					_, _ = io.Copy(io.Discard, client)
					close(ended)
				}()
				select {
				case <-ended:
				case <-time.After(2 * readPatience):
					t.Error("the connection is still held")
				}
				client.Close()
				s.Close()
			})
		})
	}
}

// oneConn listens for one connection.
type oneConn struct {
	conn   net.Conn
	closed chan bool
	once   sync.Once
}

func (l *oneConn) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }
