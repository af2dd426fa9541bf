package board

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"
)

// Flags of a line, from linux/gpio.h: x/sys/unix has the structs only.
const (
	flagUsed         = 1 << 0
	flagInput        = 1 << 2
	flagOutput       = 1 << 3
	flagEdgeRising   = 1 << 4
	flagEdgeFalling  = 1 << 5
	flagBiasPullUp   = 1 << 8
	flagBiasPullDown = 1 << 9
	flagBiasDisabled = 1 << 10
)

const (
	consumer = "doord"
	// queueLen is how many unread edges the kernel keeps for a request; beyond
	// that the oldest go. It allows at most 1024.
	queueLen = 256
)

// request says how to request lines of one chip. Levels are physical: high is a
// set bit, bit i that of offsets[i].
type request struct {
	offsets []uint32

	// Of outputs.
	output bool
	levels uint64 // from the very step in which they become outputs

	// Of inputs.
	edge     gpio.Edge     // to queue
	pulls    []gpio.Pull   // of each line
	debounce time.Duration // by the kernel; 0 is none
}

// uapi returns the request in the kernel's words.
func (r request) uapi() (unix.GPIOV2LineRequest, error) {
	var u unix.GPIOV2LineRequest
	if n := len(r.offsets); n == 0 || n > len(u.Offsets) {
		return u, fmt.Errorf("%d lines in one request of 1 to %d", n, len(u.Offsets))
	}
	copy(u.Offsets[:], r.offsets)
	copy(u.Consumer[:len(u.Consumer)-1], consumer)
	u.Num_lines = uint32(len(r.offsets))
	all := ^uint64(0) >> (64 - len(r.offsets))
	if r.output {
		u.Config.Flags = flagOutput
		attribute(&u.Config, unix.GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES, r.levels, all)
		return u, nil
	}
	u.Event_buffer_size = queueLen
	u.Config.Flags = r.flags(gpio.PullNoChange)
	for _, pull := range []gpio.Pull{gpio.PullUp, gpio.PullDown, gpio.Float} {
		var mask uint64
		for i, p := range r.pulls {
			if p == pull {
				mask |= 1 << i
			}
		}
		if mask != 0 {
			attribute(&u.Config, unix.GPIO_V2_LINE_ATTR_ID_FLAGS, r.flags(pull), mask)
		}
	}
	if r.debounce > 0 {
		// The debounce is the first half of a union with a u64.
		var period uint64
		*(*uint32)(unsafe.Pointer(&period)) = uint32(r.debounce / time.Microsecond)
		attribute(&u.Config, unix.GPIO_V2_LINE_ATTR_ID_DEBOUNCE, period, all)
	}
	return u, nil
}

// attribute gives some lines something of their own. The kernel takes ten.
func attribute(c *unix.GPIOV2LineConfig, id uint32, value, mask uint64) {
	c.Attrs[c.Num_attrs] = unix.GPIOV2LineConfigAttribute{Attr: unix.GPIOV2LineAttribute{Id: id, Flags: value}, Mask: mask}
	c.Num_attrs++
}

// flags returns those of an input with that pull.
func (r request) flags(pull gpio.Pull) uint64 {
	flags := uint64(flagInput)
	switch r.edge {
	case gpio.RisingEdge:
		flags |= flagEdgeRising
	case gpio.FallingEdge:
		flags |= flagEdgeFalling
	case gpio.BothEdges:
		flags |= flagEdgeRising | flagEdgeFalling
	case gpio.NoEdge:
	}
	switch pull {
	case gpio.PullUp:
		flags |= flagBiasPullUp
	case gpio.PullDown:
		flags |= flagBiasPullDown
	case gpio.Float:
		flags |= flagBiasDisabled
	case gpio.PullNoChange:
	}
	return flags
}

// event is an edge of a requested line.
type event struct {
	at     time.Duration // CLOCK_MONOTONIC at the interrupt
	offset uint32        // of the line on its chip
	rising bool
	seq    uint32 // counts the edges of the request
}

// lines are requested lines. Every method may be called at any time from any
// goroutine.
type lines interface {
	// Set drives the outputs in mask, in one step.
	Set(mask, levels uint64) error
	// Get reads all lines, inputs and outputs.
	Get() (uint64, error)
	// Read takes the oldest edges. With none queued it waits for one: at most so
	// long, without limit if wait is negative, not at all if it is zero. No edge
	// in that time is 0 and no error.
	Read(buf []event, wait time.Duration) (int, error)
	// Close lets go of the lines and ends every Read with [os.ErrClosed].
	Close() error
}

// cdev is requested lines of the kernel.
type cdev struct {
	file  *os.File
	alarm alarm
	all   uint64
}

// requestLines requests lines of the chip at path, such as /dev/gpiochip0. The
// errors of the kernel are of type [unix.Errno].
func requestLines(path string, r request) (*cdev, error) {
	u, err := r.uapi()
	if err != nil {
		return nil, err
	}
	if err := onChip(path, unix.GPIO_V2_GET_LINE_IOCTL, unsafe.Pointer(&u)); err != nil {
		return nil, err
	}
	fd := int(u.Fd)
	alarm, err := newAlarm()
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	// A descriptor that does not block goes to the runtime's poller: a Read costs
	// no thread, takes a deadline and ends with Close.
	if err := unix.SetNonblock(fd, true); err != nil {
		alarm.stop()
		return nil, errors.Join(err, unix.Close(fd))
	}
	return &cdev{os.NewFile(uintptr(fd), path), alarm, ^uint64(0) >> (64 - len(r.offsets))}, nil
}

// holder returns who has requested a line, or "" if nobody has.
func holder(path string, offset uint32) (string, error) {
	info := unix.GPIOV2LineInfo{Offset: offset}
	if err := onChip(path, unix.GPIO_V2_GET_LINEINFO_IOCTL, unsafe.Pointer(&info)); err != nil {
		return "", err
	}
	if info.Flags&flagUsed == 0 {
		return "", nil
	}
	if name := unix.ByteSliceToString(info.Consumer[:]); name != "" {
		return name, nil
	}
	return "the kernel", nil
}

// onChip runs an ioctl on a chip.
func onChip(path string, number uint, arg unsafe.Pointer) error {
	chip, err := os.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer chip.Close()
	err = ioctl(chip.Fd(), number, arg)
	runtime.KeepAlive(chip)
	return err
}

func ioctl(fd uintptr, number uint, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, uintptr(number), uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}

// control runs f with a descriptor, which stays open meanwhile. After Close it
// returns [os.ErrClosed], and never works on another file.
func control(file *os.File, f func(fd uintptr) error) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if conn.Control(func(fd uintptr) { failed = f(fd) }) != nil {
		return os.ErrClosed // it fails for no other reason, and with an error of its own
	}
	return failed
}

func (c *cdev) Set(mask, levels uint64) error {
	v := unix.GPIOV2LineValues{Bits: levels, Mask: mask}
	return control(c.file, func(fd uintptr) error {
		return ioctl(fd, unix.GPIO_V2_LINE_SET_VALUES_IOCTL, unsafe.Pointer(&v))
	})
}

func (c *cdev) Get() (uint64, error) {
	v := unix.GPIOV2LineValues{Mask: c.all}
	err := control(c.file, func(fd uintptr) error {
		return ioctl(fd, unix.GPIO_V2_LINE_GET_VALUES_IOCTL, unsafe.Pointer(&v))
	})
	return v.Bits, err
}

// eventSize is the size of an edge in the kernel's queue.
const eventSize = int(unsafe.Sizeof(unix.GPIOV2LineEvent{}))

func (c *cdev) Read(buf []event, wait time.Duration) (int, error) {
	var raw [64]unix.GPIOV2LineEvent
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&raw)), min(len(buf), len(raw))*eventSize)
	n, err := c.read(bytes, wait)
	if err != nil {
		return 0, err
	}
	return decode(buf, raw[:n/eventSize]), nil
}

func (c *cdev) read(buf []byte, wait time.Duration) (n int, err error) {
	if wait == 0 { // a file whose deadline has passed does not look
		err = control(c.file, func(fd uintptr) error {
			var err error
			n, err = unix.Read(int(fd), buf)
			return err
		})
		if errors.Is(err, unix.EAGAIN) {
			return 0, nil
		}
		return max(n, 0), err
	}
	var deadline time.Time
	if wait > 0 {
		deadline = time.Now().Add(wait)
		if err := c.alarm.in(wait); err != nil {
			return 0, err
		}
	}
	switch err := c.file.SetReadDeadline(deadline); {
	case errors.Is(err, os.ErrNoDeadline):
		return 0, err
	case err != nil:
		return 0, os.ErrClosed // as above
	}
	n, err = c.file.Read(buf)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, nil
	}
	return n, err
}

// decode turns the kernel's edges into ours and returns their number.
func decode(buf []event, raw []unix.GPIOV2LineEvent) int {
	for i, e := range raw {
		buf[i] = event{
			at:     time.Duration(e.Timestamp_ns),
			offset: e.Offset,
			rising: e.Id == unix.GPIO_V2_LINE_EVENT_RISING_EDGE,
			seq:    e.Seqno,
		}
	}
	return len(raw)
}

func (c *cdev) Close() error {
	c.alarm.stop()
	return c.file.Close()
}
