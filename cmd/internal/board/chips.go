package board

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/host/v3/gpioioctl"

	"doord/cmd/internal/config"
)

// chip is a GPIO chip of the machine.
type chip struct {
	name  string   // as the kernel counts them: gpiochip0
	label string   // as the driver calls it, the same at every boot: pinctrl-bcm2711
	path  string   // in /dev
	lines []string // names of the lines by offset; "" has none, and two may share one
}

func (c *chip) String() string {
	if c.label == c.name {
		return c.name
	}
	return c.name + " [" + c.label + "]"
}

// place is where a line is.
type place struct {
	chip   *chip
	offset uint32
}

func (p place) String() string {
	s := fmt.Sprintf("%s line %d", p.chip, p.offset)
	if name := p.chip.lines[p.offset]; name != "" {
		s += fmt.Sprintf(" %q", name)
	}
	return s
}

// findChips returns the machine's GPIO chips.
func findChips() ([]chip, error) {
	if err := initPeriph(); err != nil {
		return nil, err
	}
	var chips []chip
	for _, c := range gpioioctl.Chips {
		found := chip{name: c.Name(), label: c.Label(), path: c.Path()}
		for _, l := range c.Lines() {
			// Periph puts the chip's name before a name that another chip has, too.
			found.lines = append(found.lines, strings.TrimPrefix(l.Name(), c.Name()+"-"))
		}
		chips = append(chips, found)
	}
	if len(chips) == 0 {
		return nil, noChips()
	}
	return chips, nil
}

// initPeriph lets periph look for chips, once.
var initPeriph = sync.OnceValue(func() error {
	// Periph v3.8.5 closes descriptor 0 if a chip has two names in /dev, as on a
	// Raspberry Pi 5.
	stdin, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 3)
	if err == nil {
		defer func() {
			_ = unix.Dup3(stdin, 0, 0) // both are ours
			_ = unix.Close(stdin)
		}()
	}
	_, err = driverreg.Init()
	return err
})

// noChips says why there is none.
func noChips() error {
	paths, err := filepath.Glob("/dev/gpiochip*")
	if err != nil {
		return err
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("%w: %s", err, advice(err))
		}
		_ = f.Close() // it was only to see whether it opens
	}
	return errors.New("no GPIO chip in /dev: see that the device tree enables one and that the kernel has its driver")
}

// advice says what to do about an error of the kernel.
func advice(err error) string {
	switch {
	case errors.Is(err, os.ErrPermission):
		return "run as a user of the group gpio that owns /dev/gpiochip*"
	case errors.Is(err, os.ErrNotExist), errors.Is(err, unix.ENODEV):
		return "the chip has gone: see that it has power and that its driver is loaded"
	case errors.Is(err, unix.ENOTTY):
		return "the kernel is too old: GPIO needs Linux 5.10 or later"
	case errors.Is(err, unix.ENXIO):
		return "the chip cannot tell edges of this line: use a line that can interrupt"
	case errors.Is(err, unix.EINVAL):
		return "the chip's driver refuses this use of the line: see dmesg"
	default:
		return "see dmesg"
	}
}

// resolve finds a line: "CHIP:OFFSET", the chip by its name or label, or the
// line's own name.
func resolve(chips []chip, line config.Line) (place, error) {
	if line == "" {
		return place{}, errors.New("it has no line: a real board needs one, as in \"gpiochip0:17\"")
	}
	name, number, ok := cutLast(string(line), ":")
	if offset, err := strconv.ParseUint(number, 10, 32); ok && err == nil {
		return byOffset(chips, name, uint32(offset))
	}
	var found []place
	for i := range chips {
		for offset, n := range chips[i].lines {
			if n == string(line) {
				found = append(found, place{&chips[i], uint32(offset)})
			}
		}
	}
	switch len(found) {
	case 0:
		return place{}, fmt.Errorf("no line is called %q: gpioinfo lists them; or give CHIP:OFFSET", line)
	case 1:
		return found[0], nil
	default:
		return place{}, fmt.Errorf("the name %q is that of %s and of %s: give CHIP:OFFSET", line, found[0], found[1])
	}
}

func byOffset(chips []chip, name string, offset uint32) (place, error) {
	var found []*chip
	var all []string
	for i := range chips {
		c := &chips[i]
		all = append(all, c.String())
		if c.name == name || c.label == name || c.path == name {
			found = append(found, c)
		}
	}
	switch {
	case len(found) == 0:
		return place{}, fmt.Errorf("no GPIO chip is called %q: there is %s", name, strings.Join(all, ", "))
	case len(found) > 1:
		return place{}, fmt.Errorf("%s and %s are both called %q: give the name", found[0], found[1], name)
	case int(offset) >= len(found[0].lines):
		return place{}, fmt.Errorf("%s has lines 0 to %d, and no line %d", found[0], len(found[0].lines)-1, offset)
	}
	return place{found[0], offset}, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
