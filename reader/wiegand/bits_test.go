package wiegand

import (
	"strings"
	"testing"
)

func TestParseBits(t *testing.T) {
	tests := []struct {
		name, in, err string
	}{
		{"an empty frame is a frame", "", ""},
		{"the order is kept across words", strings.Repeat("1", 63) + "0110" + strings.Repeat("0", 64) + "1", ""},
		{"the longest frame is accepted", strings.Repeat("10", MaxBits/2), ""},
		{"one bit more is refused", strings.Repeat("1", MaxBits+1), "257 bits are more than the 256"},
		{"another digit is refused", "0102", `character 4 is '2', not 0 or 1`},
		{"a space is refused", "01 1", `character 3 is ' '`},
		{"what is no character is refused", "1\xff", "character 2 is"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := ParseBits(tt.in)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || b.Len() != len(tt.in) || b.String() != tt.in {
				t.Fatalf("got %v (%d bits, %v), want %s", b, b.Len(), err, tt.in)
			}
		})
	}
}

func TestAppendToAFullFrameChangesNothing(t *testing.T) {
	b := mustBits(t, strings.Repeat("01", MaxBits/2))
	before := b
	if b.Append(true) || b != before {
		t.Fatalf("got %v", b)
	}
}

func TestAtPanicsOutsideTheFrame(t *testing.T) {
	for _, i := range []int{-1, 2, MaxBits} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("At(%d) of 2 bits did not panic", i)
				}
			}()
			mustBits(t, "01").At(i)
		}()
	}
}

func mustBits(t testing.TB, s string) Bits {
	t.Helper()
	b, err := ParseBits(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
