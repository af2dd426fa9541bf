package main

import (
	"os"
	"strconv"
	"strings"
	"time"
)

const tracing = "/sys/kernel/tracing/"

// startTrace has the kernel note every level that is written to any GPIO line,
// with its time by CLOCK_MONOTONIC: what it did not note did not happen.
func startTrace() {
	for _, f := range []struct{ name, value string }{
		{"trace_clock", "mono"},
		{"buffer_size_kb", "4096"},
		{"events/gpio/gpio_value/enable", "1"},
		{"tracing_on", "1"},
	} {
		must(os.WriteFile(tracing+f.name, []byte(f.value), 0))
	}
}

// level is a level that was written to a line.
type level struct {
	at   time.Duration
	line int
	high bool
}

// written returns what was written since the last call.
func (c *chip) written() []level {
	data, err := os.ReadFile(tracing + "trace")
	must(err)
	must(os.WriteFile(tracing+"trace", nil, 0))
	var list []level
	for text := range strings.Lines(string(data)) {
		// doord-123     [000] .....    12.345678: gpio_value: 503 set 1
		f := strings.Fields(text)
		if n := len(f); n >= 5 && f[n-4] == "gpio_value:" && f[n-2] == "set" {
			at, err := strconv.ParseFloat(strings.TrimSuffix(f[n-5], ":"), 64)
			must(err)
			number, err := strconv.Atoi(f[n-3])
			must(err)
			list = append(list, level{time.Duration(at*1e6) * time.Microsecond, number - c.base, f[n-1] == "1"})
		}
	}
	return list
}

// of returns the levels that one line went through, each once.
func of(written []level, line int) []level {
	var list []level
	for _, l := range written {
		if l.line == line && (len(list) == 0 || list[len(list)-1].high != l.high) {
			list = append(list, l)
		}
	}
	return list
}
