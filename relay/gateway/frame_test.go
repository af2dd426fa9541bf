package gateway

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"time"
)

func TestFramesAreTheBytesOfThePackageDoc(t *testing.T) {
	for _, tt := range []struct {
		name  string
		frame Frame
		side  Side
		key   Key
		want  string
	}{
		{"ping", Frame{Sequence: 7, Type: Ping}, Controller, Key{}, "57 01 000E 00000007 04 00 9E2549D8"},
		{"set for 5 s, within 2.5 m, heard in 10 s", Frame{Sequence: 8, Type: Set, Channel: 3,
			Data: Want{Unlocked: true, Until: 6 * time.Second, Distance: 2.5, Timeout: 10 * time.Second}.set(time.Second)}, Controller, Key{},
			"57 01 0017 00000008 02 03 01 00001388 0019 000A 6F2A7FF4"},
		{"state, with a tag", Frame{Sequence: 1, Type: State, Channel: 3, Data: AppendState(nil, Report{Unlocked: true, Cause: ByHand, Contact: true, Open: true, Battery: 50, Signal: -70, Stalled: true, Tampered: true}, true)},
			Gateway, Key{1}, "57 81 0022 00000001 83 03 3F 03 32 BA A43F2D243CD7008E71109798D7E73941 2FE21076"},
	} {
		got := tt.frame.Append(nil, tt.side, tt.key)
		want, err := hex.DecodeString(strings.ReplaceAll(tt.want, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: got %X, want %X", tt.name, got, want)
		}
		f, err := Parse(got)
		if err != nil || f.Sequence != tt.frame.Sequence || f.Type != tt.frame.Type || !bytes.Equal(f.Data, tt.frame.Data) || !f.Valid(tt.side, tt.key) {
			t.Errorf("%s comes back as %+v, %v", tt.name, f, err)
		}
		if other := tt.side ^ Controller ^ Gateway; !tt.key.IsZero() && (f.Valid(other, tt.key) || f.Valid(tt.side, Key{2}) || f.Valid(tt.side, Key{})) {
			t.Errorf("%s is believed from the other side, or with another key", tt.name)
		}
		for i := range got {
			bad := bytes.Clone(got)
			bad[i] ^= 0x10
			if _, err := Parse(bad); err == nil {
				t.Errorf("%s: byte %d flipped, and taken", tt.name, i)
			}
		}
	}
}

func TestStatesThatAreNone(t *testing.T) {
	for _, d := range [][]byte{nil, {1, 0, 50}, {0x40, 0, 50, 0}, {1, 4, 50, 0}, {1, 0, 101, 0}, {1, 0, 50, 0, 0}} {
		if _, _, ok := ParseState(d); ok {
			t.Errorf("%X is taken", d)
		}
	}
	if r, heard, ok := ParseState([]byte{1, 0, 255, 0}); !ok || !heard || r.Battery != -1 {
		t.Errorf("an unknown battery: %+v", r)
	}
	if _, heard, ok := ParseState(AppendState(nil, Report{Unlocked: true}, false)); !ok || heard {
		t.Error("a lock out of range is heard")
	}
	for _, d := range [][]byte{nil, {2, 0, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 10)} {
		if _, ok := ParseSet(d); ok {
			t.Errorf("%X is a command", d)
		}
	}
}
