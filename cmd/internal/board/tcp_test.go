package board

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

func TestAConnectionToAGateway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := NewTCP(l.Addr().String())
	if _, err := c.Read(make([]byte, 1), 0); !errors.Is(err, net.ErrClosed) {
		t.Errorf("not open: %v", err)
	}
	if err := c.Write([]byte{1}); err == nil {
		t.Error("written to nobody")
	}
	for range 2 { // again after the other end has gone
		if err := c.Reopen(); err != nil {
			t.Fatal(err)
		}
		far, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 8)
		if n, err := c.Read(buf, 5*time.Millisecond); n != 0 || err != nil {
			t.Errorf("a time-out is %d, %v", n, err)
		}
		if err := c.Write([]byte("hello")); err != nil {
			t.Error(err)
		}
		if n, err := far.Read(buf); n != 5 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		far.Close()
		if _, err := c.Read(buf, time.Second); err == nil {
			t.Error("the other end has gone, and nobody notices")
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Reopen(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	l.Close()
	if err := NewTCP(l.Addr().String()).Reopen(); err == nil {
		t.Error("connected to nobody")
	}
}
