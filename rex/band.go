package rex

import (
	"fmt"
	"slices"
)

// Share is what share of the reference voltage lies across a loop, in parts per
// million: the loop's resistance to that of loop and pull-up together.
type Share int

// Whole is the share of a loop without current.
const Whole Share = 1_000_000

// Limits and defaults of a measured loop.
const (
	DefaultTolerance = 5   // percent
	MaxTolerance     = 20  // percent
	DefaultCable     = 50  // ohm: 300 m of 0.22 mm² there and back
	MaxCable         = 500 // ohm

	leak        = 200_000 // ohm: a wire that is cut in the damp has no less
	measureSlop = 5_000   // ppm: what the converter and the reference are wrong, and noise
	hysteresis  = 5_000   // ppm
)

// Band is the share that a loop has in one state.
type Band struct {
	State     State
	Low, High Share // with every resistor as far off as its tolerance allows
	Until     Share // the state ends here, and the next begins: halfway to its Low
}

// Bands returns the states that the measured loop can be in, from the least share
// to the greatest. It returns an error if two of them could not be told apart.
//
//	                          R1 main, R2 second, ∞ more than 200 kΩ
//	                   short    closed    open      cut
//	none                        0         ∞
//	cut_detect                  0         R1        ∞
//	short_detect       0        R1        ∞
//	cut_and_short      0        R2        R1 + R2   ∞
//
//	reference ──[pull-up]──┬──wire──┐            cut_and_short_detect
//	                       │        ├─[R2]─┬─[R1]─┐
//	                   converter    │      └─ o/o ┤ contact
//	        ground ────────┴──wire──┴─────────────┘
//
// Each resistor may be off by the tolerance, the cable adds 0 to its resistance,
// and the converter is off by half a percent of the reference. What is left between
// two bands must be one percent at least; half of that is hysteresis.
func (c Config) Bands() ([]Band, error) {
	list := c.loops()
	for i := range list {
		b := &list[i]
		if i == len(list)-1 {
			b.Until = Whole + 1
			break
		}
		next := list[i+1]
		if next.Low-b.High < 2*hysteresis {
			return nil, fmt.Errorf("%s and %s cannot be told apart: with a pull_up of %d ohm and %d %% of tolerance %s may reach %.1f %% of the reference, and %s begin at %.1f %%: %s",
				b.State, next.State, c.PullUp, c.tolerance(), b.State, percent(b.High), next.State, percent(next.Low), c.advise(b.State, next.State))
		}
		b.Until = (b.High + next.Low) / 2
	}
	return list, nil
}

func percent(s Share) float64 { return float64(s) / 10_000 }

// loops returns the states with their extremes.
func (c Config) loops() []Band {
	const infinite = -1
	r1, r2 := c.MainResistor, c.SecondResistor
	band := func(s State, ohm int) Band {
		if ohm == infinite {
			return Band{State: s, Low: c.share(leak, 1) - measureSlop, High: Whole}
		}
		return Band{State: s, Low: max(0, c.share(c.off(ohm, -1), 1)-measureSlop), High: min(Whole, c.share(c.off(ohm, 1)+c.cable(), -1)+measureSlop)}
	}
	switch c.EndOfLine {
	case CutDetect:
		return []Band{band(Closed, 0), band(Open, r1), band(Cut, infinite)}
	case ShortDetect:
		return []Band{band(Short, 0), band(Closed, r1), band(Open, infinite)}
	case CutAndShortDetect:
		return []Band{band(Short, 0), band(Closed, r2), band(Open, r1+r2), band(Cut, infinite)}
	default:
		return []Band{band(Closed, 0), band(Open, infinite)}
	}
}

// off is a resistance that is off by the tolerance, up or down.
func (c Config) off(ohm, sign int) int { return ohm * (100 + sign*c.tolerance()) / 100 }

// share is that of a resistance, with the pull-up off by the tolerance.
func (c Config) share(ohm, sign int) Share {
	up := c.off(c.PullUp, sign)
	return Share(int64(Whole) * int64(ohm) / int64(max(1, ohm+up)))
}

// Ohm is the resistance of a loop that has a share; ok is false for more than the
// leak of a cut wire.
func (c Config) Ohm(s Share) (ohm int, ok bool) {
	if s >= Whole {
		return 0, false
	}
	ohm = int(int64(max(s, 0)) * int64(c.PullUp) / int64(Whole-max(s, 0)))
	return ohm, ohm < leak
}

func (c Config) advise(low, high State) string {
	switch {
	case high == Cut || high == Open && c.EndOfLine != CutAndShortDetect && c.EndOfLine != CutDetect:
		return "take smaller resistors, or a larger pull_up"
	case low == Short || low == Closed && c.EndOfLine == CutDetect:
		return "take a larger resistor, a smaller pull_up or a shorter cable"
	default:
		return "take a main_resistor nearer to the sum of pull_up and second_resistor, or resistors of a smaller tolerance"
	}
}

func (c Config) tolerance() int {
	if c.Tolerance == 0 {
		return DefaultTolerance
	}
	return c.Tolerance
}

func (c Config) cable() int {
	if c.Cable == 0 {
		return DefaultCable
	}
	return c.Cable
}

// meter finds the state of a loop, with hysteresis: noise about a limit does not
// make it flicker.
type meter struct {
	bands []Band
	at    int // the band that the loop was in; −1 before the first measurement
}

func newMeter(c Config) (meter, error) {
	bands, err := c.Bands()
	return meter{bands, -1}, err
}

func (m *meter) state(s Share) State {
	if m.at >= 0 {
		low := Share(-1 << 31)
		if m.at > 0 {
			low = m.bands[m.at-1].Until - hysteresis/2
		}
		if s >= low && s < m.bands[m.at].Until+hysteresis/2 {
			return m.bands[m.at].State
		}
	}
	m.at = slices.IndexFunc(m.bands, func(b Band) bool { return s < b.Until })
	if m.at < 0 {
		m.at = len(m.bands) - 1
	}
	return m.bands[m.at].State
}
