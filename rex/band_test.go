package rex

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var (
	plain  = Config{Kind: Contact, PullUp: 2200}
	cuts   = Config{Kind: Contact, PullUp: 2200, EndOfLine: CutDetect, MainResistor: 2200}
	shorts = Config{Kind: Contact, PullUp: 2200, EndOfLine: ShortDetect, MainResistor: 2200}
	double = Config{Kind: Contact, PullUp: 2200, EndOfLine: CutAndShortDetect, MainResistor: 4700, SecondResistor: 1000}
)

// shareOf is that of a resistance in ohm at exactly the pull-up; none is −1.
func shareOf(c Config, ohm float64) Share {
	if ohm < 0 {
		return Whole
	}
	return Share(1e6 * ohm / (ohm + float64(c.PullUp)))
}

// resistances are what a loop may have: state by state.
func resistances(c Config) map[State]float64 {
	r1, r2 := float64(c.MainResistor), float64(c.SecondResistor)
	switch c.EndOfLine {
	case CutDetect:
		return map[State]float64{Closed: 0, Open: r1, Cut: -1}
	case ShortDetect:
		return map[State]float64{Short: 0, Closed: r1, Open: -1}
	case CutAndShortDetect:
		return map[State]float64{Short: 0, Closed: r2, Open: r1 + r2, Cut: -1}
	default:
		return map[State]float64{Closed: 0, Open: -1}
	}
}

func TestBands(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config Config
		want   string
	}{
		{"no resistors", plain, "closed 0.0–2.8 to 50.6, open 98.4–100.0"},
		{"cut detection", cuts, "closed 0.0–2.8 to 24.9, open 47.0–53.5 to 75.9, cut 98.4–100.0"},
		{"short detection", shorts, "short 0.0–2.8 to 24.9, closed 47.0–53.5 to 75.9, open 98.4–100.0"},
		{"both", double, "short 0.0–2.8 to 15.7, closed 28.6–35.0 to 52.3, open 69.6–74.8 to 86.6, cut 98.4–100.0"},
	} {
		bands, err := tt.config.Bands()
		if err != nil {
			t.Fatal(err)
		}
		var parts []string
		for i, b := range bands {
			s := fmt.Sprintf("%s %.1f–%.1f", b.State, percent(b.Low), percent(b.High))
			if i < len(bands)-1 {
				s += fmt.Sprintf(" to %.1f", percent(b.Until))
			}
			parts = append(parts, s)
		}
		if got := strings.Join(parts, ", "); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestNetworksThatCannotBeToldApartAreRefused(t *testing.T) {
	with := func(c Config, f func(*Config)) Config { f(&c); return c }
	for _, tt := range []struct {
		name   string
		config Config
		want   string
	}{
		{"a resistor no larger than the cable", with(cuts, func(c *Config) { c.MainResistor = 68 }), "closed and open cannot be told apart"},
		{"a resistor too large", with(cuts, func(c *Config) { c.MainResistor = 100_000 }), "open and cut cannot be told apart"},
		{"short detection with too large a one", with(shorts, func(c *Config) { c.MainResistor = 90_000 }), "take smaller resistors"},
		{"two that are too unlike", with(double, func(c *Config) { c.MainResistor, c.SecondResistor = 470, 10_000 }), "closed and open cannot be told apart"},
		{"a tolerance that eats the difference", with(double, func(c *Config) { c.MainResistor, c.SecondResistor, c.Tolerance = 1000, 2200, 20 }), "20 % of tolerance"},
		{"a second resistor no larger than the cable", with(double, func(c *Config) { c.SecondResistor, c.Cable = 100, 200 }), "short and closed cannot be told apart"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.config.Validate()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestEveryAcceptedNetworkIsRead: whatever network is accepted, every state that it
// can be in is read as such from the first measurement and from any other state,
// with each resistor as far off as its tolerance and with noise.
func TestEveryAcceptedNetworkIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ohm := rapid.OneOf(rapid.SampledFrom([]int{470, 1000, 2200, 4700, 10_000}), rapid.IntRange(1, MaxResistor))
		c := Config{Kind: REX, PullUp: ohm.Draw(t, "pull-up"), EndOfLine: rapid.SampledFrom([]EndOfLine{None, CutDetect, ShortDetect, CutAndShortDetect}).Draw(t, "end of line"),
			MainResistor: ohm.Draw(t, "main"), SecondResistor: ohm.Draw(t, "second"), Tolerance: rapid.IntRange(0, MaxTolerance).Draw(t, "tolerance"), Cable: rapid.IntRange(0, MaxCable).Draw(t, "cable")}
		if c.Validate() != nil {
			t.Skip("refused")
		}
		m, err := newMeter(c)
		if err != nil {
			t.Fatal(err)
		}
		off := func(label string) float64 {
			return 1 + rapid.Float64Range(-1, 1).Draw(t, label)*float64(c.tolerance())/100
		}
		states := resistances(c)
		list := []State{}
		for _, b := range m.bands {
			list = append(list, b.State)
		}
		for range 10 {
			s := rapid.SampledFrom(list).Draw(t, "state")
			r := states[s]
			if r < 0 {
				r = float64(leak) * rapid.Float64Range(1, 1e4).Draw(t, "leak")
			} else {
				r = r*off("resistors") + rapid.Float64Range(0, float64(c.cable())).Draw(t, "wire")
			}
			up := float64(c.PullUp) * off("pull-up")
			share := Share(1e6*r/(r+up)) + Share(rapid.IntRange(-measureSlop+2, measureSlop-2).Draw(t, "noise"))
			if got := m.state(share); got != s {
				t.Fatalf("%s is read as %s at %d ppm: %+v", s, got, share, m.bands)
			}
		}
	})
}

func TestNoiseAboutALimitDoesNotFlicker(t *testing.T) {
	m, err := newMeter(cuts)
	if err != nil {
		t.Fatal(err)
	}
	limit := m.bands[0].Until
	changes := 0
	before := m.state(limit - 1)
	for i := range 1000 {
		s := m.state(limit + Share(i*7919%hysteresis) - hysteresis/2)
		if s != before {
			changes++
		}
		before = s
	}
	if changes > 1 {
		t.Errorf("%d changes", changes)
	}
	if s := m.state(0); s != Closed {
		t.Errorf("a drop beyond the hysteresis is %s", s)
	}
	if s := m.state(Whole); s != Cut {
		t.Errorf("from one end to the other it is %s", s)
	}
}

func TestOhm(t *testing.T) {
	for _, ohm := range []float64{0, 100, 2200, 100_000} {
		if got, ok := plain.Ohm(shareOf(plain, ohm)); !ok || float64(got) < ohm*0.999-1 || float64(got) > ohm*1.001+1 {
			t.Errorf("%v ohm is %d, %t", ohm, got, ok)
		}
	}
	for _, s := range []Share{Whole, Whole + 5, 999_000} {
		if _, ok := plain.Ohm(s); ok {
			t.Errorf("%d ppm is a resistance", s)
		}
	}
	if got, ok := plain.Ohm(-3); got != 0 || !ok {
		t.Errorf("less than nothing is %d", got)
	}
}
