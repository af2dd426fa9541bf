package wiegand

import (
	"strings"
	"testing"
	"time"
)

func TestConfigValidate(t *testing.T) {
	tests := []struct {
		name string
		c    Config
		err  string
	}{
		{"nothing is accepted, to find a format", Config{}, ""},
		{"one format of each length", Config{Formats: []string{"H10301", "H10304", "Avig56", "CSN64-lsb"}}, ""},
		{"PINs beside cards of the same length", Config{Formats: []string{"H10301"}, Keypad: KeypadBuffered, PINFacility: 255}, ""},
		{"an unknown format", Config{Formats: []string{"h10301"}}, `unknown format "h10301"; known are H10301, WIE32`},
		{"two formats of one length", Config{Formats: []string{"H10302", "H10301", "H10304"}}, "formats H10302 and H10304 both have 37 bits"},
		{"a serial number as long as a number", Config{Formats: []string{"CSN34-msb", "H10306"}}, "CSN34-msb and H10306 both have 34 bits"},
		{"a format twice", Config{Formats: []string{"H10301", "H10301"}}, "format H10301 is given twice"},
		{"an unknown keypad", Config{Keypad: "5-bit"}, `unknown keypad "5-bit"; known are "4-bit"`},
		{"a facility that 8 bits cannot hold", Config{Keypad: KeypadBuffered, PINFacility: 256}, "PIN facility 256 is more than 255"},
		{"a PIN facility without PINs", Config{Keypad: Keypad4, PINFacility: 1}, `PIN facility 1 needs a "26-bit" keypad`},
		{"the shortest silence", Config{EndOfFrame: 21 * time.Millisecond}, ""},
		{"the longest silence", Config{EndOfFrame: 100 * time.Millisecond}, ""},
		{"a silence that readers make between bits", Config{EndOfFrame: 20 * time.Millisecond}, "end of frame 20ms is not between 21ms and 100ms"},
		{"a silence that people notice", Config{EndOfFrame: 101 * time.Millisecond}, "end of frame 101ms is not between"},
		{"a negative silence", Config{EndOfFrame: -1}, "end of frame"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewPort(tt.c)
			if tt.err == "" && err != nil {
				t.Fatal(err)
			}
			if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}
