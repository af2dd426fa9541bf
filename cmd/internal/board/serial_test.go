package board

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"

	"doord/cmd/internal/config"
)

// adapter is a serial port of which the test holds the other end, under a name
// that stays when it is unplugged and plugged in again.
type adapter struct {
	t    *testing.T
	name string
	end  *os.File
}

func newAdapter(t *testing.T) *adapter {
	a := &adapter{t: t, name: filepath.Join(t.TempDir(), "tty")}
	a.plug()
	t.Cleanup(a.unplug)
	return a
}

func (a *adapter) plug() {
	a.t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		a.t.Fatal(err)
	}
	a.end = os.NewFile(uintptr(fd), "ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		a.t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		a.t.Fatal(err)
	}
	if err := os.Symlink(fmt.Sprintf("/dev/pts/%d", n), a.name); err != nil {
		a.t.Fatal(err)
	}
}

func (a *adapter) unplug() {
	_ = a.end.Close() // it may be unplugged already
	_ = os.Remove(a.name)
}

func (a *adapter) bus() config.Bus {
	return config.Bus{Name: "inside", Port: a.name, Speed: 9600, RS485: config.RS485Auto}
}

func mustReopen(t *testing.T, s *Serial) {
	t.Helper()
	if err := s.Reopen(); err != nil {
		t.Fatal(err)
	}
}

// echo proves that bytes pass both ways.
func (a *adapter) echo(s *Serial) {
	a.t.Helper()
	const frame = "S\x00\x08\x00\x04\x60\n\x13\x11\x7f\xff" // with bytes that a terminal would act on
	if err := s.Write([]byte(frame)); err != nil {
		a.t.Fatal(err)
	}
	buf := make([]byte, 64)
	n, err := a.end.Read(buf)
	if err != nil || string(buf[:n]) != frame {
		a.t.Fatalf("the reader got %q, %v", buf[:n], err)
	}
	if _, err := a.end.Write([]byte(frame)); err != nil {
		a.t.Fatal(err)
	}
	var got []byte
	for len(got) < len(frame) {
		n, err := s.Read(buf, 10*time.Second)
		if n == 0 || err != nil {
			a.t.Fatalf("after %q: %d bytes, %v", got, n, err)
		}
		got = append(got, buf[:n]...)
	}
	if string(got) != frame {
		a.t.Errorf("got %q, want %q", got, frame)
	}
}

func TestSerialPassesBytesBothWays(t *testing.T) {
	a := newAdapter(t)
	s := NewSerial(a.bus())
	defer s.Close()
	mustReopen(t, s)
	a.echo(s)
}

func TestASerialTimeOutIsNoError(t *testing.T) {
	a := newAdapter(t)
	s := NewSerial(a.bus())
	defer s.Close()
	mustReopen(t, s)
	for _, wait := range []time.Duration{time.Millisecond, 0, -time.Second} {
		if n, err := s.Read(make([]byte, 8), wait); n != 0 || err != nil {
			t.Errorf("in %v: %d bytes, %v", wait, n, err)
		}
	}
}

func TestASerialPortIsNotOpenAtFirst(t *testing.T) {
	a := newAdapter(t)
	s := NewSerial(a.bus())
	defer s.Close()
	if _, err := s.Read(make([]byte, 8), 0); !errors.Is(err, errNotOpen) {
		t.Errorf("Read: %v", err)
	}
	if err := s.Write([]byte{1}); !errors.Is(err, errNotOpen) {
		t.Errorf("Write: %v", err)
	}
	if err := s.SetSpeed(9600); !errors.Is(err, errNotOpen) {
		t.Errorf("SetSpeed: %v", err)
	}
}

func TestAnAdapterIsUnpluggedAndComesBack(t *testing.T) {
	a := newAdapter(t)
	s := NewSerial(a.bus())
	defer s.Close()
	mustReopen(t, s)
	for range 3 {
		a.echo(s)
		a.unplug()
		if n, err := s.Read(make([]byte, 8), 10*time.Second); n != 0 || err == nil {
			t.Fatalf("Read of a port that has gone: %d bytes, %v", n, err)
		}
		if err := s.Write([]byte{1}); err == nil {
			t.Fatal("a port that has gone takes bytes")
		}
		err := s.Reopen()
		if want := "bus inside: " + a.name; err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "plug the adapter in") || !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("Reopen of a port that has gone: %v", err)
		}
		a.plug()
		mustReopen(t, s)
	}
	a.echo(s)
}

func TestSpeedIsThatOfTheBusUntilItIsChanged(t *testing.T) {
	a := newAdapter(t)
	bus := a.bus()
	bus.Speed = 38400
	s := NewSerial(bus)
	defer s.Close()
	mustReopen(t, s)
	speed := func() uint32 {
		conn, err := a.end.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var mode *unix.Termios
		var failed error
		if err := conn.Control(func(fd uintptr) { mode, failed = unix.IoctlGetTermios(int(fd), unix.TCGETS) }); err != nil || failed != nil {
			t.Fatal(err, failed)
		}
		if mode.Cflag&(unix.CSIZE|unix.PARENB|unix.CSTOPB) != unix.CS8 {
			t.Errorf("it is not 8 bits without parity: %#o", mode.Cflag)
		}
		return mode.Cflag & unix.CBAUD
	}
	if got := speed(); got != unix.B38400 {
		t.Errorf("it begins at %#o", got)
	}
	// The line drains when its other end has taken all, which on a pty is at once.
	if err := s.SetSpeed(115200); err != nil {
		t.Fatal(err)
	}
	if got := speed(); got != unix.B115200 {
		t.Errorf("it was changed to %#o", got)
	}
	a.echo(s)
}

func TestCloseEndsASerialReadForGood(t *testing.T) {
	a := newAdapter(t)
	s := NewSerial(a.bus())
	mustReopen(t, s)
	ended := make(chan error)
	go func() {
		_, err := s.Read(make([]byte, 8), time.Hour)
		ended <- err
	}()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("the Read ended without an error")
	}
	if err := s.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
	if err := s.Write([]byte{1}); !errors.Is(err, errNotOpen) {
		t.Errorf("Write after Close: %v", err)
	}
	if err := s.Reopen(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Reopen after Close: %v", err)
	}
}

func TestWhatIsNoSerialPortIsRefused(t *testing.T) {
	s := NewSerial(config.Bus{Name: "inside", Port: "/dev/null", Speed: 9600, RS485: config.RS485Off})
	defer s.Close()
	if err := s.Reopen(); err == nil || !strings.HasPrefix(err.Error(), "bus inside: /dev/null: ") {
		t.Errorf("Reopen: %v", err)
	}
}

func TestWhatToDoAboutASerialPort(t *testing.T) {
	for err, want := range map[error]string{
		os.ErrNotExist:             "plug the adapter in",
		unix.ENXIO:                 "plug the adapter in",
		unix.ENODEV:                "plug the adapter in",
		unix.EACCES:                "group dialout",
		unix.EBUSY:                 "another program has the port",
		unix.EIO:                   "see dmesg",
		error(&serial.PortError{}): "another program has the port", // its zero is PortBusy
	} {
		if got := serialAdvice(fmt.Errorf("open: %w", err)); !strings.Contains(got, want) {
			t.Errorf("%v: %s", err, got)
		}
	}
}
