package relay_test

import (
	"fmt"

	"doord/relay"
)

// lines are the lines of a board, in memory.
type lines struct{ levels uint64 }

func (l *lines) Set(mask, levels uint64) error {
	l.levels = l.levels&^mask | levels&mask
	return nil
}

func (l *lines) Get() (uint64, error) { return l.levels, nil }

// A maglock holds while it has power, so securing the door energises the coil
// and the safe state does not.
func Example() {
	wirings := []relay.Wiring{
		{Channel: 1, Use: relay.Lock, LockType: relay.Magnetic, Contact: relay.NO},
	}
	board := &lines{relay.SafeLevels(wirings)}
	driver, err := relay.New(wirings, board)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("safe     %b\n", board.levels)

	_, _ = driver.Apply(relay.Outputs(0))
	fmt.Printf("secured  %b\n", board.levels)

	_, _ = driver.Apply(relay.Outputs(0).With(1))
	fmt.Printf("released %b\n", board.levels)
	// Output:
	// safe     0
	// secured  1
	// released 0
}
