package board

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"doord/cmd/internal/config"
	"doord/rex"
)

// converters makes a directory as the kernel shows it.
func converters(t *testing.T) (dir string, write func(file, text string)) {
	t.Helper()
	dir = t.TempDir()
	write = func(file, text string) {
		t.Helper()
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("iio:device0/name", "mcp3208")
	write("iio:device0/label", "loops")
	write("iio:device0/in_voltage_scale", "0.805664062")
	write("iio:device0/in_voltage3_raw", "2048")
	write("iio:device0/in_voltage4_raw", "none")
	write("iio:device1/name", "ads1015")
	write("iio:device1/in_voltage3_scale", "3.0")
	write("iio:device1/in_voltage3_offset", "-1")
	write("iio:device1/in_voltage3_raw", "551")
	write("iio:device2/name", "ads1015")
	write("iio:device2/in_voltage0_raw", "1")
	return dir, write
}

func bankOf(adcs ...config.ADC) (*config.Config, config.Bank) {
	c := &config.Config{}
	var b config.Bank
	for i, a := range adcs {
		c.Input = append(c.Input, config.Input{Name: "fire"})
		b.Meters = append(b.Meters, config.Meter{ADC: a, Reference: 3300})
		b.Index = append(b.Index, i)
	}
	return c, b
}

func TestConvertersAreMeasured(t *testing.T) {
	dir, write := converters(t)
	c, bank := bankOf("iio:device0/3", "loops/3", "mcp3208/3", "iio:device1/3", "iio:device0/4")
	m, errs := openMeters(dir, c, bank)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for i, want := range []rex.Reading{{Raw: 2048, Share: 499_999}, {Raw: 2048, Share: 499_999}, {Raw: 2048, Share: 499_999}, {Raw: 551, Share: 500_000}} {
		got, err := m.Measure(i)
		if err != nil || got.Raw != want.Raw || got.Share < want.Share-2 || got.Share > want.Share+2 {
			t.Errorf("%d: %+v, %v", i, got, err)
		}
	}
	if _, err := m.Measure(4); err == nil || !strings.Contains(err.Error(), "iio:device0/4") {
		t.Errorf("no number: %v", err)
	}
	write("iio:device0/in_voltage3_raw", "4095")
	if got, err := m.Measure(0); err != nil || got.Raw != 4095 {
		t.Errorf("measured anew: %+v, %v", got, err)
	}
	if err := m.Wait(time.Millisecond); err != nil {
		t.Error(err)
	}
	m.Close()
	m.Close()
	if err := m.Wait(time.Hour); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	if _, err := m.Measure(0); err == nil {
		t.Error("a closed converter is measured")
	}
}

func TestConvertersThatAreNotThereAreNamed(t *testing.T) {
	dir, _ := converters(t)
	for adc, want := range map[config.ADC]string{
		"iio:device7/0": "input fire: there is no converter iio:device7: there are iio:device0, iio:device1, iio:device2",
		"loops/9":       "converter loops has no channel 9",
		"ads1015/3":     "are both ads1015",
		"iio:device2/0": "iio:device2/0 has no scale",
	} {
		c, bank := bankOf(adc)
		if _, errs := openMeters(dir, c, bank); len(errs) != 1 || !strings.Contains(errs[0].Error(), want) {
			t.Errorf("%s: %v", adc, errs)
		}
	}
	c, bank := bankOf("loops/3")
	if _, errs := openMeters(filepath.Join(dir, "nowhere"), c, bank); len(errs) != 1 || !strings.Contains(errs[0].Error(), "load the driver") {
		t.Errorf("%v", errs)
	}
	if m, errs := openMeters(dir, c, config.Bank{}); m != nil || errs != nil {
		t.Error("a bank without inputs is opened")
	}
}
