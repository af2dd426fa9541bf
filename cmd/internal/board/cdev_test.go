package board

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"
)

// Source: linux/gpio.h; the number of an ioctl carries the size of its struct.
func TestStructsAreAsLongAsTheKernels(t *testing.T) {
	for _, s := range []struct {
		name       string
		size, want uintptr
	}{
		{"gpio_v2_line_attribute", unsafe.Sizeof(unix.GPIOV2LineAttribute{}), 16},
		{"gpio_v2_line_config", unsafe.Sizeof(unix.GPIOV2LineConfig{}), 272},
		{"gpio_v2_line_request", unsafe.Sizeof(unix.GPIOV2LineRequest{}), 592},
		{"gpio_v2_line_info", unsafe.Sizeof(unix.GPIOV2LineInfo{}), 256},
		{"gpio_v2_line_values", unsafe.Sizeof(unix.GPIOV2LineValues{}), 16},
		{"gpio_v2_line_event", unsafe.Sizeof(unix.GPIOV2LineEvent{}), 48},
		{"serial_rs485", unsafe.Sizeof(rs485{}), 32},
	} {
		if s.size != s.want {
			t.Errorf("%s has %d bytes, and %d in the kernel", s.name, s.size, s.want)
		}
	}
	for _, i := range []struct {
		number uint32
		size   uintptr
		nr     uint32
	}{
		{unix.GPIO_V2_GET_LINEINFO_IOCTL, unsafe.Sizeof(unix.GPIOV2LineInfo{}), 0x05},
		{unix.GPIO_V2_GET_LINE_IOCTL, unsafe.Sizeof(unix.GPIOV2LineRequest{}), 0x07},
		{unix.GPIO_V2_LINE_GET_VALUES_IOCTL, unsafe.Sizeof(unix.GPIOV2LineValues{}), 0x0e},
		{unix.GPIO_V2_LINE_SET_VALUES_IOCTL, unsafe.Sizeof(unix.GPIOV2LineValues{}), 0x0f},
	} {
		const readWrite = 3
		if want := readWrite<<30 | uint32(i.size)<<16 | 0xb4<<8 | i.nr; i.number != want {
			t.Errorf("ioctl %#x, want %#x", i.number, want)
		}
	}
}

// mustUAPI returns the attributes of a request, and checks what all have.
func mustUAPI(t *testing.T, r request) (unix.GPIOV2LineRequest, []unix.GPIOV2LineConfigAttribute) {
	t.Helper()
	u, err := r.uapi()
	if err != nil {
		t.Fatal(err)
	}
	if int(u.Num_lines) != len(r.offsets) || !slices.Equal(u.Offsets[:len(r.offsets)], r.offsets) {
		t.Errorf("it asks for %d lines: %d", u.Num_lines, u.Offsets)
	}
	if who := unix.ByteSliceToString(u.Consumer[:]); who != "doord" {
		t.Errorf("the lines are held by %q", who)
	}
	return u, u.Config.Attrs[:u.Config.Num_attrs]
}

func TestOutputsAreRequestedWithTheirFirstLevels(t *testing.T) {
	u, attrs := mustUAPI(t, request{offsets: []uint32{7, 3, 9}, output: true, levels: 0b101})
	want := unix.GPIOV2LineConfigAttribute{Attr: unix.GPIOV2LineAttribute{Id: unix.GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES, Flags: 0b101}, Mask: 0b111}
	if u.Config.Flags != flagOutput || len(attrs) != 1 || attrs[0] != want {
		t.Errorf("flags %#x, attributes %+v", u.Config.Flags, attrs)
	}
	if u.Event_buffer_size != 0 {
		t.Errorf("outputs have a queue of %d edges", u.Event_buffer_size)
	}
}

func TestInputsAreRequestedWithPullsEdgesAndDebounce(t *testing.T) {
	u, attrs := mustUAPI(t, request{
		offsets:  []uint32{4, 5, 6, 7, 8},
		edge:     gpio.BothEdges,
		pulls:    []gpio.Pull{gpio.PullUp, gpio.PullDown, gpio.Float, gpio.PullUp, gpio.PullNoChange},
		debounce: 3 * time.Millisecond,
	})
	const both = flagInput | flagEdgeRising | flagEdgeFalling
	if u.Config.Flags != both || u.Event_buffer_size != 256 {
		t.Errorf("flags %#x, queue %d", u.Config.Flags, u.Event_buffer_size)
	}
	flags := func(flags, mask uint64) unix.GPIOV2LineConfigAttribute {
		return unix.GPIOV2LineConfigAttribute{Attr: unix.GPIOV2LineAttribute{Id: unix.GPIO_V2_LINE_ATTR_ID_FLAGS, Flags: flags}, Mask: mask}
	}
	if len(attrs) != 4 || attrs[0] != flags(both|flagBiasPullUp, 0b01001) || attrs[1] != flags(both|flagBiasPullDown, 0b00010) || attrs[2] != flags(both|flagBiasDisabled, 0b00100) {
		t.Fatalf("attributes %+v", attrs)
	}
	debounce := attrs[3]
	if us := *(*uint32)(unsafe.Pointer(&debounce.Attr.Flags)); debounce.Attr.Id != unix.GPIO_V2_LINE_ATTR_ID_DEBOUNCE || us != 3000 || debounce.Mask != 0b11111 {
		t.Errorf("debounce %+v", debounce)
	}
}

func TestEdgesAskedForAreThoseThatAreTold(t *testing.T) {
	for edge, want := range map[gpio.Edge]uint64{
		gpio.NoEdge:      flagInput,
		gpio.RisingEdge:  flagInput | flagEdgeRising,
		gpio.FallingEdge: flagInput | flagEdgeFalling,
	} {
		u, attrs := mustUAPI(t, request{offsets: []uint32{1}, edge: edge, pulls: []gpio.Pull{gpio.PullNoChange}})
		if u.Config.Flags != want || len(attrs) != 0 {
			t.Errorf("%v: flags %#x, want %#x; attributes %+v", edge, u.Config.Flags, want, attrs)
		}
	}
}

func TestARequestHas1To64Lines(t *testing.T) {
	for n, want := range map[int]bool{0: false, 1: true, 64: true, 65: false} {
		r := request{offsets: make([]uint32, n), output: true}
		u, err := r.uapi()
		if (err == nil) != want {
			t.Errorf("%d lines: %v", n, err)
		}
		if n == 64 && u.Config.Attrs[0].Mask != ^uint64(0) {
			t.Errorf("64 lines have the mask %#x", u.Config.Attrs[0].Mask)
		}
	}
	if _, err := requestLines("/dev/null", request{}); err == nil {
		t.Error("nothing was requested and given")
	}
}

func TestEdgesAreDecoded(t *testing.T) {
	raw := []unix.GPIOV2LineEvent{
		{Timestamp_ns: 5_000_000_123, Id: unix.GPIO_V2_LINE_EVENT_RISING_EDGE, Offset: 17, Seqno: 8, Line_seqno: 2},
		{Timestamp_ns: 5_000_050_123, Id: unix.GPIO_V2_LINE_EVENT_FALLING_EDGE, Offset: 27, Seqno: 9, Line_seqno: 7},
	}
	want := []event{
		{at: 5*time.Second + 123, offset: 17, rising: true, seq: 8},
		{at: 5*time.Second + 50*time.Microsecond + 123, offset: 27, seq: 9},
	}
	got := make([]event, 3)
	if n := decode(got, raw); n != 2 || !slices.Equal(got[:n], want) {
		t.Errorf("got %+v", got[:n])
	}
}

// newQueue returns requested lines whose queue the test fills.
func newQueue(t *testing.T) (*cdev, func(offsets ...uint32)) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	a, err := newAlarm()
	if err != nil {
		t.Fatal(err)
	}
	return &cdev{r, a, 1}, func(offsets ...uint32) {
		for _, o := range offsets {
			e := unix.GPIOV2LineEvent{Offset: o}
			if _, err := w.Write(unsafe.Slice((*byte)(unsafe.Pointer(&e)), eventSize)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestReadTakesTheOldestAndWaitsNoLongerThanTold(t *testing.T) {
	c, queue := newQueue(t)
	buf := make([]event, 2)
	read := func(wait time.Duration, want ...uint32) {
		t.Helper()
		n, err := c.Read(buf, wait)
		var got []uint32
		for _, e := range buf[:n] {
			got = append(got, e.offset)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got %d, %v; want %d", got, err, want)
		}
	}
	read(0)
	read(time.Millisecond)
	queue(1, 2, 3)
	read(0, 1, 2)
	read(-1, 3)
	read(0)
	queue(4)
	read(time.Minute, 4)
	read(time.Millisecond)
	queue(5) // after a deadline that has passed
	read(0, 5)
	go queue(6)
	read(-1, 6)
}

func TestAQueueIsReadInBatches(t *testing.T) {
	c, queue := newQueue(t)
	queue(slices.Repeat([]uint32{1}, 100)...)
	buf := make([]event, 100)
	for _, want := range []int{64, 36, 0} {
		if n, err := c.Read(buf, 0); n != want || err != nil {
			t.Errorf("got %d, %v; want %d", n, err, want)
		}
	}
}

func TestCloseEndsARead(t *testing.T) {
	for _, wait := range []time.Duration{-1, time.Minute} {
		c, _ := newQueue(t)
		ended := make(chan error)
		go func() {
			_, err := c.Read(make([]event, 1), wait)
			ended <- err
		}()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, os.ErrClosed) {
			t.Errorf("a Read of %v ended with %v", wait, err)
		}
		if _, err := c.Read(make([]event, 1), 0); !errors.Is(err, os.ErrClosed) {
			t.Errorf("a Read after Close: %v", err)
		}
		if err := c.Set(1, 1); !errors.Is(err, os.ErrClosed) {
			t.Errorf("a Set after Close: %v", err)
		}
		if _, err := c.Get(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("a Get after Close: %v", err)
		}
	}
}

func TestTheKernelsErrorsCanBeToldApart(t *testing.T) {
	r := request{offsets: []uint32{0}, output: true}
	if _, err := requestLines("/dev/null", r); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("a file that is no chip: %v", err)
	}
	if _, err := requestLines(t.TempDir()+"/none", r); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if who, err := holder("/dev/null", 0); !errors.Is(err, unix.ENOTTY) || who != "" {
		t.Errorf("the holder of no chip: %q, %v", who, err)
	}
	c, _ := newQueue(t)
	if err := c.Set(1, 1); !errors.Is(err, unix.ENOTTY) && !errors.Is(err, unix.EINVAL) {
		t.Errorf("a Set on a pipe: %v", err)
	}
}
