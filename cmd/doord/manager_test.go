package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// listen is the service manager's end of its socket.
func listen(t *testing.T, name string) *net.UnixConn {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	t.Setenv("NOTIFY_SOCKET", name)
	return c
}

func receive(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var buf [256]byte
	n, err := c.Read(buf[:])
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func TestTheManagerIsTold(t *testing.T) {
	abstract := fmt.Sprintf("@doord-test-%d", os.Getpid())
	for _, name := range []string{filepath.Join(t.TempDir(), "notify"), abstract} {
		c := listen(t, name)
		m := newManager()
		for _, state := range []string{"READY=1", "STOPPING=1"} {
			m.tell(state)
			if got := receive(t, c); got != state {
				t.Errorf("at %s: got %q, want %q", name, got, state)
			}
		}
	}
}

func TestTheWatchdogIsFedFourTimesInItsPeriod(t *testing.T) {
	c := listen(t, filepath.Join(t.TempDir(), "notify"))
	t.Setenv("WATCHDOG_USEC", "10000000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	m := newManager()
	if m.every != 2500*time.Millisecond {
		t.Fatalf("it is fed every %v", m.every)
	}
	m.beat()
	// While the daemon starts, a beat is also a request for more time.
	const food = "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=10000000"
	if got := receive(t, c); got != food {
		t.Errorf("got %q, want %q", got, food)
	}
	m.beat() // too early
	m.tell("between")
	if got := receive(t, c); got != "between" {
		t.Errorf("it was fed again at once: %q", got)
	}
	m.fed = m.fed.Add(-m.every)
	m.beat()
	if got := receive(t, c); got != food {
		t.Errorf("got %q, want %q", got, food)
	}
}

func TestOnlyAWatchdogOfThisProcessIsFed(t *testing.T) {
	tests := []struct {
		name, usec, pid string
		want            time.Duration
	}{
		{"for any process", "4000000", "", time.Second},
		{"for this process", "4000000", strconv.Itoa(os.Getpid()), time.Second},
		{"for another process", "4000000", "1", 0},
		{"none", "", "", 0},
		{"no number", "often", "", 0},
		{"never", "0", "", 0},
		{"before the past", "-4000000", "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := listen(t, filepath.Join(t.TempDir(), "notify"))
			t.Setenv("WATCHDOG_USEC", tt.usec)
			t.Setenv("WATCHDOG_PID", tt.pid)
			m := newManager()
			if m.every != tt.want {
				t.Errorf("it is fed every %v, want %v", m.every, tt.want)
			}
			m.beat()
			m.tell("last")
			if got := receive(t, c); strings.HasPrefix(got, "WATCHDOG=1") != (tt.want > 0) {
				t.Errorf("the first that it was told is %q", got)
			}
		})
	}
}

func TestWithoutAManagerNobodyIsTold(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "1000000")
	m := newManager()
	if m.socket >= 0 || m.every != 0 {
		t.Errorf("%+v", m)
	}
	m.tell("READY=1")
	m.beat()
}

// Nobody reads: the socket's queue is full after a few, and all the rest of them
// are dropped. A tell that waited would hang here.
func TestAManagerThatIsStuckHoldsUpNobody(t *testing.T) {
	c := listen(t, filepath.Join(t.TempDir(), "notify"))
	m := newManager()
	for range 10_000 {
		m.tell("WATCHDOG=1")
	}
	if got := receive(t, c); got != "WATCHDOG=1" {
		t.Errorf("got %q", got)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	m.tell("READY=1") // nobody is there any more
}
