package board

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
	"unsafe"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"

	"doord/cmd/internal/config"
)

// Serial is the serial port of an OSDP bus, an osdp.Line. One goroutine uses it;
// Close may come from another. The port need not be there from the start nor
// stay: an adapter that is plugged in again works after the next Reopen.
type Serial struct {
	bus config.Bus

	mu     sync.Mutex
	port   serial.Port // nil while there is none
	closed bool
}

// NewSerial returns the port of a bus, not open yet: the first Read fails, and
// after Reopen it serves.
func NewSerial(bus config.Bus) *Serial { return &Serial{bus: bus} }

// errNotOpen ends what is tried on a port that is not open.
var errNotOpen = errors.New("the serial port is not open")

// Reopen opens the port anew, 8 bits without parity. Its error says what to do.
func (s *Serial) Reopen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.port != nil {
		_ = s.port.Close() // it has failed already
		s.port = nil
	}
	if s.closed {
		return os.ErrClosed
	}
	beside, err := s.switchDirection()
	if err != nil {
		return fmt.Errorf("bus %s: %s: %w: %s", s.bus.Name, s.bus.Port, err, serialAdvice(err))
	}
	defer beside.Close()
	port, err := serial.Open(s.bus.Port, s.mode(s.bus.Speed))
	if err != nil {
		return fmt.Errorf("bus %s: %s: %w: %s", s.bus.Name, s.bus.Port, err, serialAdvice(err))
	}
	s.port = port
	return nil
}

func (s *Serial) mode(speed int) *serial.Mode { return &serial.Mode{BaudRate: speed, DataBits: 8} }

func serialAdvice(err error) string {
	var failed *serial.PortError
	code := serial.PortErrorCode(-1)
	if errors.As(err, &failed) {
		code = failed.Code()
	}
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV), code == serial.PortNotFound:
		return "plug the adapter in, or enable the port in the device tree"
	case errors.Is(err, os.ErrPermission), code == serial.PermissionDenied:
		return "run as a user of the group dialout that owns the port"
	case errors.Is(err, unix.EBUSY), code == serial.PortBusy:
		return "another program has the port: stop that (fuser shows it)"
	default:
		return "see dmesg"
	}
}

// From linux/serial.h.
const (
	rs485Enabled   = 1 << 0
	rs485RTSOnSend = 1 << 1
)

type rs485 struct {
	flags, before, after uint32 // delays in ms
	_                    [5]uint32
}

// switchDirection lets the driver switch the direction of the line, if it can
// and the device tree has not told it how. It needs a descriptor of its own:
// package serial has one that it shows to nobody. It stays open until the port
// itself is, as a line that nobody has open hangs up.
func (s *Serial) switchDirection() (io.Closer, error) {
	tty, err := os.OpenFile(s.bus.Port, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if s.bus.RS485 == config.RS485Off {
		return tty, nil
	}
	var now rs485
	err = ioctl(tty.Fd(), unix.TIOCGRS485, unsafe.Pointer(&now))
	if err != nil || now.flags&rs485Enabled != 0 {
		return tty, nil // it cannot, or does so already
	}
	now.flags = rs485Enabled | rs485RTSOnSend
	_ = ioctl(tty.Fd(), unix.TIOCSRS485, unsafe.Pointer(&now)) // else the adapter has to
	return tty, nil
}

func (s *Serial) current() (serial.Port, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.port == nil {
		return nil, errNotOpen
	}
	return s.port, nil
}

// Read waits for bytes, at most so long. A time-out is (0, nil).
func (s *Serial) Read(buf []byte, wait time.Duration) (int, error) {
	port, err := s.current()
	if err != nil {
		return 0, err
	}
	if err := port.SetReadTimeout(max(wait, 0)); err != nil {
		return 0, err
	}
	return port.Read(buf)
}

// Write sends all of p, or fails. It holds the lock that Close takes: package
// serial would write to a descriptor that may be another file's by then.
func (s *Serial) Write(p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.port == nil {
		return errNotOpen
	}
	for len(p) > 0 {
		n, err := s.port.Write(p)
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// SetSpeed changes the speed, in bits per second, once all is sent.
func (s *Serial) SetSpeed(baud int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.port == nil {
		return errNotOpen
	}
	if err := s.port.Drain(); err != nil {
		return err
	}
	return s.port.SetMode(s.mode(baud))
}

// Close ends a Read and lets go of the port for good.
func (s *Serial) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.port == nil {
		return nil
	}
	err := s.port.Close()
	s.port = nil
	return err
}
