package rex

import (
	"strings"
	"testing"
	"time"
)

func TestActive(t *testing.T) {
	tests := []struct {
		name                     string
		config                   Config
		open, closed, cut, short bool
	}{
		{"a REX button closes its loop", Config{Kind: REX}, false, true, false, false},
		{"a REX that is normally closed opens it", Config{Kind: REX, Normally: NormallyClosed}, true, false, false, false},
		{"an open contact is an open door", Config{Kind: Contact}, true, false, false, false},
		{"an open tamper loop is an open lid", Config{Kind: Tamper}, true, false, false, false},
		{"an alarm panel closes its output", Config{Kind: AlarmPanel}, false, true, false, false},
		{"a passage closes its output", Config{Kind: Passage}, false, true, false, false},
		{"a loop that lost its power counts as occupied", Config{Kind: Loop}, true, false, false, false},
		{"fire is whatever is not closed", Config{Kind: Fire}, true, false, true, true},
		{"fire that is normally open is whatever is not open", Config{Kind: Fire, Normally: NormallyOpen}, false, true, true, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for s, want := range map[State]bool{
				Open: test.open, Closed: test.closed, Cut: test.cut, Short: test.short, 0: false,
			} {
				if got := test.config.Active(s); got != want {
					t.Errorf("%v: active %v, want %v", s, got, want)
				}
			}
		})
	}
}

func TestLevelOfAClosedLoop(t *testing.T) {
	if (Config{}).state(false) != Closed || (Config{}).state(true) != Open {
		t.Error("a low line must be a closed loop by default")
	}
	if (Config{ClosedHigh: true}).state(true) != Closed || (Config{ClosedHigh: true}).state(false) != Open {
		t.Error("a high line must be a closed loop if it says so")
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		name   string
		config Config
		err    string
	}{
		{"a kind is enough", Config{Kind: REX}, ""},
		{"the kind must be given", Config{}, `kind "" is not one of ["rex" "contact" "tamper" "fire" "alarm_panel" "passage" "loop"]`},
		{"normally is open or closed", Config{Kind: REX, Normally: "shut"}, `normally "shut" is not one of ["open" "closed"]`},
		{"1 ms is the shortest debounce", Config{Kind: REX, Debounce: time.Millisecond}, ""},
		{"200 ms is the longest debounce", Config{Kind: REX, Debounce: 200 * time.Millisecond}, ""},
		{"less is too short", Config{Kind: REX, Debounce: 999 * time.Microsecond}, "debounce 999µs is not within 1ms to 200ms"},
		{"more is too long", Config{Kind: REX, Debounce: 201 * time.Millisecond}, "debounce 201ms"},
		{"a negative debounce is none", Config{Kind: REX, Debounce: -1}, "debounce -1ns"},
		{"an unknown supervision is named", Config{Kind: REX, EndOfLine: "both"}, `end_of_line "both"`},
		{"cut detection needs its resistor", Config{Kind: REX, EndOfLine: CutDetect}, "main_resistor must be given"},
		{"one resistor is enough for cuts", Config{Kind: REX, EndOfLine: CutDetect, MainResistor: 2200}, ""},
		{"both need two", Config{Kind: REX, EndOfLine: CutAndShortDetect, MainResistor: 2200}, "second_resistor must be given"},
		{"a resistor has a range", Config{Kind: REX, MainResistor: 100_001}, "main_resistor 100001 ohm is not within 0 to 100000"},
		{"a pull-up has a range", Config{Kind: REX, PullUp: 100_001}, "pull_up 100001 ohm"},
		{"a tolerance has a range", Config{Kind: REX, PullUp: 2200, Tolerance: 21}, "tolerance 21 %"},
		{"a cable has a range", Config{Kind: REX, PullUp: 2200, Cable: -1}, "cable -1 ohm"},
		{"a measured input is debounced over some measurements", Config{Kind: REX, PullUp: 2200, Debounce: 10 * ms}, "at least 20ms"},
		{"a measured loop need not be supervised", Config{Kind: REX, PullUp: 2200}, ""},
		{"so has the second", Config{Kind: REX, SecondResistor: -1}, "second_resistor -1 ohm"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.config.Validate()
			switch {
			case test.err == "" && err != nil:
				t.Errorf("error %q", err)
			case test.err != "" && err == nil:
				t.Errorf("no error, want %q", test.err)
			case test.err != "" && !strings.Contains(err.Error(), test.err):
				t.Errorf("error %q, want %q", err, test.err)
			}
		})
	}
}

func TestStateText(t *testing.T) {
	for _, s := range []State{Open, Closed, Cut, Short} {
		text, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := back.UnmarshalText(text); err != nil || back != s {
			t.Errorf("%v came back as %v, %v", s, back, err)
		}
	}
	for _, s := range []State{0, Short + 1} {
		if _, err := s.MarshalText(); err == nil {
			t.Errorf("%v was written", s)
		}
	}
	for _, text := range []string{"", "unknown", "ajar"} {
		if err := new(State).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestWords(t *testing.T) {
	var k Kind
	if err := k.UnmarshalText([]byte("alarm_panel")); err != nil || k != AlarmPanel {
		t.Errorf("got %q, %v", k, err)
	}
	if err := new(Normally).UnmarshalText([]byte("ajar")); err == nil {
		t.Error("an unknown word was read")
	}
	if text, err := EndOfLine("").MarshalText(); err != nil || len(text) != 0 {
		t.Errorf("supervision that is not given: %q, %v", text, err)
	}
}
