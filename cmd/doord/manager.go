package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// manager is the service manager that started the daemon, if one did; see
// sd_notify(3) and sd_watchdog_enabled(3). Telling it something never waits: a
// manager that is stuck must not hold up the doors.
type manager struct {
	socket int // -1: nobody wants to know
	to     unix.SockaddrUnix
	every  time.Duration // how often the watchdog wants to be fed; 0 is never
	fed    time.Time     // owned by the loop
}

// newManager reads the environment in which the manager starts services.
func newManager() *manager {
	m := &manager{socket: -1, to: unix.SockaddrUnix{Name: os.Getenv("NOTIFY_SOCKET")}}
	if m.to.Name == "" {
		return m
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return m // the manager waits for READY in vain and says so
	}
	m.socket = fd
	pid := os.Getenv("WATCHDOG_PID")
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err == nil && usec > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		m.every = time.Duration(usec) * time.Microsecond / 4
	}
	return m
}

// tell says one thing, such as READY=1.
func (m *manager) tell(state string) {
	if m.socket >= 0 {
		// What is lost is told again (a beat) or missed by the manager, which acts.
		_ = unix.Sendto(m.socket, []byte(state), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, &m.to)
	}
}

// beat feeds the watchdog. The loop calls it after each round and nobody else
// does: a loop that is stuck feeds nothing. It also asks for as much more time to
// start: READY waits for the disk, and a loop that turns serves the way out
// meanwhile.
func (m *manager) beat() {
	if m.every == 0 {
		return
	}
	if now := time.Now(); now.Sub(m.fed) >= m.every {
		m.fed = now
		m.tell(fmt.Sprintf("WATCHDOG=1\nEXTEND_TIMEOUT_USEC=%d", (4 * m.every).Microseconds()))
	}
}
