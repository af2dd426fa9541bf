package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const label = "board"

// chip is a chip of the kernel's gpio-sim: doord sees an ordinary one, and the
// guest plays its wires.
type chip struct {
	names       []string
	pull, value []*os.File
	base        int // the kernel's number of the first line, in its trace
}

// newChip makes a chip with named lines.
//
// Source: Documentation/admin-guide/gpio/gpio-sim.rst.
func newChip(names []string) *chip {
	device := "/sys/kernel/config/gpio-sim/board"
	bank := device + "/bank0"
	must(os.MkdirAll(bank, 0o755))
	set := func(path, v string) { must(os.WriteFile(path, []byte(v), 0)) }
	get := func(path string) string {
		b, err := os.ReadFile(path)
		must(err)
		return strings.TrimSpace(string(b))
	}
	set(bank+"/num_lines", strconv.Itoa(len(names)))
	set(bank+"/label", label)
	for i, n := range names {
		line := fmt.Sprintf("%s/line%d", bank, i)
		must(os.Mkdir(line, 0o755))
		set(line+"/name", n)
	}
	set(device+"/live", "1")
	c := &chip{names: names}
	name := get(bank + "/chip_name")
	sys := filepath.Join("/sys/devices/platform", get(device+"/dev_name"), name)
	for i := range names {
		for _, f := range []struct {
			name string
			list *[]*os.File
		}{{"pull", &c.pull}, {"value", &c.value}} {
			file, err := os.OpenFile(fmt.Sprintf("%s/sim_gpio%d/%s", sys, i, f.name), os.O_RDWR, 0)
			must(err)
			*f.list = append(*f.list, file)
		}
	}
	for line := range strings.Lines(get("/sys/kernel/debug/gpio")) {
		if rest, ok := strings.CutPrefix(line, name+": GPIOs "); ok {
			first, _, _ := strings.Cut(rest, "-")
			var err error
			c.base, err = strconv.Atoi(first)
			must(err)
			return c
		}
	}
	panic("the kernel does not list " + name)
}

func (c *chip) line(name string) int { return slices.Index(c.names, name) }

var (
	pullUp   = []byte("pull-up")
	pullDown = []byte("pull-down")
)

// drive pulls a line as the world outside does.
func (c *chip) drive(line int, high bool) {
	pull := pullDown
	if high {
		pull = pullUp
	}
	_, err := c.pull[line].WriteAt(pull, 0)
	must(err)
}

// high returns the level of a line.
func (c *chip) high(line int) bool {
	var b [4]byte
	n, err := c.value[line].ReadAt(b[:], 0)
	if n == 0 {
		must(err)
	}
	return b[0] == '1'
}
