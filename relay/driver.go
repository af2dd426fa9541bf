package relay

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Lines are the output lines of a board's relays at their physical levels: bit i
// is the line of the i-th wiring, set when the line is high. The board and the
// simulator implement it. Both methods must allow calls from several goroutines.
type Lines interface {
	Set(mask, levels uint64) error // the lines in mask; all others stay
	Get() (uint64, error)          // all lines
}

// Mismatch is a relay whose line begins to disagree with what it was told, or
// agrees again: then Got equals Wanted.
type Mismatch struct {
	Channel Channel
	Wanted  bool // released, or on
	Got     bool // what the line says
}

// Driver brings the relays of a board to a wanted state and checks that they are
// there. It belongs to one goroutine.
type Driver struct {
	wirings []Wiring
	lines   Lines
	left    uint64 // the levels in which the last Apply meant to leave the lines
	faulty  uint64 // the lines reported as mismatched
}

// New returns a driver of relays whose lines are at their [SafeLevels]. It fails
// if a wiring is not valid or two share a channel.
func New(wirings []Wiring, lines Lines) (*Driver, error) {
	var taken Outputs
	for _, w := range wirings {
		if err := w.Validate(); err != nil {
			return nil, err
		}
		if taken.Has(w.Channel) {
			return nil, fmt.Errorf("%s is wired twice", w.Channel)
		}
		taken = taken.With(w.Channel)
	}
	return &Driver{wirings: slices.Clone(wirings), lines: lines, left: SafeLevels(wirings)}, nil
}

// Apply brings the relays to the wanted state. Channels that are not wired are
// ignored. The lines that differ are written in one call of Set; should that
// fail, one by one, so that a broken line does not hold up the others. They are
// then read back, and what is new about mismatches is returned.
//
// After an error the relays may be in any state; the next Apply tries again.
func (d *Driver) Apply(wanted Outputs) ([]Mismatch, error) {
	all := all(d.wirings)
	was, want := d.left, levels(d.wirings, wanted)
	d.left = want

	before, errBefore := d.lines.Get()
	differ := (before ^ want) & all
	slipped := (before ^ was) & all &^ d.faulty // moved by someone else
	if errBefore != nil {
		differ, slipped = all, 0
	}

	after := before
	var errSet error
	if differ != 0 {
		errSet = set(d.wirings, d.lines, differ, want)
		var err error
		if after, err = d.lines.Get(); err != nil {
			return nil, errors.Join(errSet, readError(d.wirings, err))
		}
	}

	meant := want&^slipped | was&slipped
	faulty := (after^want)&all | slipped
	changed := faulty ^ d.faulty
	d.faulty = faulty
	return d.mismatches(changed, meant), errors.Join(errSet, readError(d.wirings, errBefore))
}

// mismatches describes the changed lines, which were meant to have those levels.
func (d *Driver) mismatches(changed, meant uint64) []Mismatch {
	if changed == 0 {
		return nil
	}
	var ms []Mismatch
	for i, w := range d.wirings {
		line := uint64(1) << i
		if changed&line == 0 {
			continue
		}
		wanted := w.level(true) == (meant&line != 0)
		faulty := d.faulty&line != 0
		ms = append(ms, Mismatch{w.Channel, wanted, wanted != faulty})
	}
	return ms
}

// MakeSafe writes the safe state to every line, whatever it was, and reads it
// back. It keeps no state and may be called at any time, from any goroutine; the
// package comment says what it cannot prevent. The error names the relays that
// are not known to be safe.
func MakeSafe(wirings []Wiring, lines Lines) error {
	all, want := all(wirings), SafeLevels(wirings)
	errSet := set(wirings, lines, all, want)
	got, err := lines.Get()
	if err != nil {
		return errors.Join(errSet, readError(wirings, err))
	}
	if wrong := (got ^ want) & all; wrong != 0 {
		err = fmt.Errorf("%s not in the safe state", names(wirings, wrong))
	}
	return errors.Join(errSet, err)
}

// set writes the lines in mask: at once, or else each by itself.
func set(wirings []Wiring, lines Lines, mask, levels uint64) error {
	if lines.Set(mask, levels) == nil {
		return nil
	}
	var errs []error
	for i, w := range wirings {
		line := uint64(1) << i
		if mask&line == 0 {
			continue
		}
		if err := lines.Set(line, levels); err != nil {
			errs = append(errs, fmt.Errorf("set %s: %w", w.Channel, err))
		}
	}
	return errors.Join(errs...)
}

func readError(wirings []Wiring, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read %s: %w", names(wirings, all(wirings)), err)
}

func names(wirings []Wiring, mask uint64) string {
	var s []string
	for i, w := range wirings {
		if mask&(1<<i) != 0 {
			s = append(s, w.Channel.String())
		}
	}
	return strings.Join(s, ", ")
}

// all is the mask of all lines.
func all(wirings []Wiring) uint64 { return 1<<len(wirings) - 1 }
