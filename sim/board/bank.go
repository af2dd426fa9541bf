package board

import (
	"fmt"
	"slices"
	"time"

	"doord/rex"
)

// Bank is one of the two line requests for inputs, or of the two sets of inputs that
// are measured.
type Bank int

// The banks, as in a [Spec].
const (
	Egress Bank = iota
	Others
	MeasuredEgress
	MeasuredOthers
)

// bank is the inputs of one request.
type bank struct {
	*lines
	inputs []rex.Config
}

func newBank(now func() time.Duration, inputs []rex.Config) *bank {
	var levels uint64
	for i, c := range inputs {
		rest := rex.Closed
		if c.Active(rest) {
			rest = rex.Open
		}
		if level(c, rest) {
			levels |= 1 << i
		}
	}
	return &bank{newLines(now, levels, true), slices.Clone(inputs)}
}

// level returns whether a line is high while its loop is in state s.
func level(c rex.Config, s rex.State) bool {
	current := s == rex.Closed || s == rex.Short
	return current == c.ClosedHigh
}

func (b *bank) set(input int, s rex.State) {
	high := level(b.inputs[input], s)
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.settle()
	b.replace(input, []change{{now, uint8(input), high}})
}

func (b *bank) bounce(input int, to rex.State, times int, period time.Duration) (end time.Duration, err error) {
	switch {
	case times < 0 || times > maxAhead/2-1:
		return 0, fmt.Errorf("board: a contact bounces 0 to %d times, not %d", maxAhead/2-1, times)
	case period <= 0 || period > time.Minute:
		return 0, fmt.Errorf("board: the period of a bounce is more than 0 and at most %v, not %v", time.Minute, period)
	}
	high := level(b.inputs[input], to)
	b.mu.Lock()
	defer b.mu.Unlock()
	end = b.settle()
	changes := []change{{end, uint8(input), high}}
	for range times {
		changes = append(changes,
			change{end + period/2, uint8(input), !high},
			change{end + period, uint8(input), high})
		end += period
	}
	if err := b.room(len(changes)); err != nil {
		return 0, err
	}
	b.replace(input, changes)
	return end, nil
}

// replace ends what an input was still about to do and has it do something else.
func (b *bank) replace(input int, changes []change) {
	b.ahead = slices.DeleteFunc(b.ahead, func(c change) bool { return int(c.line) == input })
	b.add(changes)
}
