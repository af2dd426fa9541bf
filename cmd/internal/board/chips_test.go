package board

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"doord/cmd/internal/config"
)

// machine is two chips: a processor's, and an expander whose label two share.
func machine() []chip {
	soc := chip{name: "gpiochip0", label: "soc", path: "/dev/gpiochip0", lines: make([]string, 32)}
	soc.lines[2], soc.lines[3], soc.lines[4] = "RELAY1", "SHARED", "a:1"
	one := chip{name: "gpiochip1", label: "pca9555", path: "/dev/gpiochip1", lines: make([]string, 16)}
	one.lines[5] = "SHARED"
	two := chip{name: "gpiochip2", label: "pca9555", path: "/dev/gpiochip2", lines: make([]string, 16)}
	return []chip{soc, one, two}
}

func TestLinesAreFound(t *testing.T) {
	for line, want := range map[config.Line]string{
		"gpiochip0:0":      "gpiochip0 [soc] line 0",
		"soc:31":           "gpiochip0 [soc] line 31",
		"/dev/gpiochip1:5": `gpiochip1 [pca9555] line 5 "SHARED"`,
		"RELAY1":           `gpiochip0 [soc] line 2 "RELAY1"`,
	} {
		if got, err := resolve(machine(), line); err != nil || got.String() != want {
			t.Errorf("%s is %v, %v; want %s", line, got, err, want)
		}
	}
	if got := (&chip{name: "gpiochip0", label: "gpiochip0"}).String(); got != "gpiochip0" {
		t.Errorf("a chip without a label of its own is %q", got)
	}
}

func TestWhyALineIsNotFound(t *testing.T) {
	for line, want := range map[config.Line]string{
		"":             `it has no line: a real board needs one, as in "gpiochip0:17"`,
		"RELAY2":       `no line is called "RELAY2": gpioinfo lists them; or give CHIP:OFFSET`,
		"SHARED":       `the name "SHARED" is that of gpiochip0 [soc] line 3 "SHARED" and of gpiochip1 [pca9555] line 5 "SHARED": give CHIP:OFFSET`,
		"gpiochip7:1":  `no GPIO chip is called "gpiochip7": there is gpiochip0 [soc], gpiochip1 [pca9555], gpiochip2 [pca9555]`,
		"pca9555:1":    `gpiochip1 [pca9555] and gpiochip2 [pca9555] are both called "pca9555": give the name`,
		"soc:32":       `gpiochip0 [soc] has lines 0 to 31, and no line 32`,
		"soc:-1":       `no line is called "soc:-1": gpioinfo lists them; or give CHIP:OFFSET`,
		"soc:":         `no line is called "soc:": gpioinfo lists them; or give CHIP:OFFSET`,
		"soc:99999999": `gpiochip0 [soc] has lines 0 to 31, and no line 99999999`,
	} {
		_, err := resolve(machine(), line)
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v\nwant %s", line, err, want)
		}
	}
}

func TestWhatToDoAboutAnErrorOfTheKernel(t *testing.T) {
	for errno, want := range map[error]string{
		unix.EACCES:            "group gpio",
		os.ErrNotExist:         "has power",
		unix.ENODEV:            "has power",
		unix.ENOTTY:            "Linux 5.10",
		unix.ENXIO:             "can interrupt",
		unix.EINVAL:            "dmesg",
		unix.EIO:               "dmesg",
		unix.EOPNOTSUPP:        "dmesg",
		os.ErrPermission:       "group gpio",
		os.ErrDeadlineExceeded: "dmesg",
	} {
		if got := advice(fmt.Errorf("open: %w", errno)); !strings.Contains(got, want) {
			t.Errorf("%v: %s", errno, got)
		}
	}
}

// Package periph closes descriptor 0 in some cases: it must be what it was.
func TestLookingForChipsLeavesStandardInputAlone(t *testing.T) {
	var before, after unix.Stat_t
	errBefore := unix.Fstat(0, &before)
	if err := initPeriph(); err != nil {
		t.Fatal(err)
	}
	errAfter := unix.Fstat(0, &after)
	if !errors.Is(errAfter, errBefore) || before.Ino != after.Ino || before.Dev != after.Dev {
		t.Errorf("it was %d of %d, %v, and is %d of %d, %v", before.Ino, before.Dev, errBefore, after.Ino, after.Dev, errAfter)
	}
}
