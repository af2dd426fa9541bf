package board

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"doord/cmd/internal/config"
	"doord/rex"
)

// devices is where the kernel's IIO shows converters. A channel N of one is read from
// in_voltageN_raw; its voltage in mV is (raw + offset) × scale.
//
// Source: Documentation/ABI/testing/sysfs-bus-iio.
const devices = "/sys/bus/iio/devices"

// meters are a bank of inputs that are measured. They are a [rex.Meters].
type meters struct {
	channels []*channel
	done     chan struct{} // closed by Close
	once     sync.Once
}

// channel is one channel of a converter.
type channel struct {
	raw    *os.File
	name   config.ADC
	scale  float64 // ppm of the reference for each count
	offset float64 // counts
}

// openMeters opens the channels of a bank; without inputs it is nil. Errors name
// every channel that is not to be had.
func openMeters(dir string, c *config.Config, bank config.Bank) (*meters, []error) {
	if len(bank.Meters) == 0 {
		return nil, nil
	}
	m := &meters{done: make(chan struct{})}
	var errs []error
	for i, at := range bank.Meters {
		ch, err := openChannel(dir, at)
		if err != nil {
			errs = append(errs, fmt.Errorf("input %s: %w", c.Input[bank.Index[i]].Name, err))
			continue
		}
		m.channels = append(m.channels, ch)
	}
	return m, errs
}

func openChannel(dir string, at config.Meter) (*channel, error) {
	device, number, _ := at.ADC.Parts()
	path, err := findDevice(dir, device)
	if err != nil {
		return nil, err
	}
	prefix := filepath.Join(path, "in_voltage"+strconv.Itoa(number)+"_")
	scale, err := sysfsNumber(prefix+"scale", filepath.Join(path, "in_voltage_scale"))
	if err != nil || scale <= 0 {
		return nil, fmt.Errorf("converter %s has no scale: %w", at.ADC, err)
	}
	offset, err := sysfsNumber(prefix+"offset", filepath.Join(path, "in_voltage_offset"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("converter %s: offset: %w", at.ADC, err)
	}
	raw, err := os.Open(prefix + "raw")
	if err != nil {
		return nil, fmt.Errorf("converter %s has no channel %d: look for in_voltage*_raw in %s: %w", device, number, path, err)
	}
	return &channel{raw, at.ADC, scale * float64(rex.Whole) / float64(at.Reference), offset}, nil
}

// findDevice finds a converter by the name of its directory, its label or its chip.
func findDevice(dir, device string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("the kernel has no converters: load the driver of %s: %w", device, err)
	}
	var names, found []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		names = append(names, e.Name())
		if e.Name() == device {
			return path, nil
		}
		for _, file := range []string{"label", "name"} {
			if text, err := os.ReadFile(filepath.Join(path, file)); err == nil && strings.TrimSpace(string(text)) == device {
				found = append(found, path)
				break
			}
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("there is no converter %s: there are %s; a label or the chip's name will do, too", device, strings.Join(names, ", "))
	default:
		return "", fmt.Errorf("converters %s are both %s: name one by its label or directory", strings.Join(found, ", "), device)
	}
}

// sysfsNumber reads the first of some files that is there.
func sysfsNumber(paths ...string) (v float64, err error) {
	for _, path := range paths {
		var text []byte
		if text, err = os.ReadFile(path); err == nil {
			return strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
		}
	}
	return 0, err
}

// Measure implements rex.Meters. The file is read from its begin each time: that is
// how sysfs measures anew.
func (m *meters) Measure(input int) (rex.Reading, error) {
	ch := m.channels[input]
	var buf [32]byte
	n, err := ch.raw.ReadAt(buf[:], 0)
	if n == 0 && err != nil {
		return rex.Reading{}, fmt.Errorf("converter %s: %w", ch.name, err)
	}
	raw, err := strconv.Atoi(string(bytes.TrimSpace(buf[:n])))
	if err != nil {
		return rex.Reading{}, fmt.Errorf("converter %s: %w", ch.name, err)
	}
	return rex.Reading{Raw: raw, Share: rex.Share((float64(raw) + ch.offset) * ch.scale)}, nil
}

// Wait implements rex.Meters.
func (m *meters) Wait(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-m.done:
		return os.ErrClosed
	case <-t.C:
		return nil
	}
}

// Close ends Wait. Measure fails from then on.
func (m *meters) Close() {
	if m == nil {
		return
	}
	m.once.Do(func() {
		close(m.done)
		for _, ch := range m.channels {
			_ = ch.raw.Close() // opened for reading only
		}
	})
}
