package reader

import (
	"testing"
	"time"
)

func TestEntry(t *testing.T) {
	const s = time.Second
	type press struct {
		at  time.Duration
		key byte
	}
	keys := func(text string) []press {
		var list []press
		for i := range text {
			list = append(list, press{time.Duration(i+1) * s / 2, text[i]})
		}
		return list
	}
	tests := []struct {
		name    string
		presses []press
		want    []string
	}{
		{"the hash key ends a PIN", keys("1234#"), []string{"1234"}},
		{"the eighth digit ends a PIN by itself", keys("12345678"), []string{"12345678"}},
		{"the star key begins anew", keys("99*1234#"), []string{"1234"}},
		{"the hash key alone is no PIN", keys("##"), nil},
		{"leading zeros stay", keys("0012#"), []string{"0012"}},
		{"two PINs in a row are two", keys("1111#2222#"), []string{"1111", "2222"}},
		{"a pause of more than five seconds begins anew", []press{{1 * s, '1'}, {2 * s, '2'}, {8 * s, '3'}, {9 * s, '#'}}, []string{"3"}},
		{"a pause of five seconds does not", []press{{1 * s, '1'}, {6 * s, '2'}, {7 * s, '#'}}, []string{"12"}},
		{"other keys are ignored", keys("1A2#"), []string{"12"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var e Entry
			var got []string
			for _, p := range tt.presses {
				if pin, done := e.Key(p.at, p.key); done {
					got = append(got, pin.Value)
				}
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			}
		})
	}
}
