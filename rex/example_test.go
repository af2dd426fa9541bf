package rex_test

import (
	"fmt"
	"time"

	"doord/rex"
)

// A worn button is pressed for 40 ms and loses contact for 15 ms in between. It
// has been active for 30 ms in all when 45 ms have passed.
func ExampleBank() {
	bank, err := rex.NewBank([]rex.Config{{Kind: rex.REX}})
	if err != nil {
		fmt.Println(err)
		return
	}
	const open, closed = 1, 0 // a closed loop pulls the line down
	show := func(changes []rex.Change) {
		for _, c := range changes {
			fmt.Println(c.At, c.State, "active:", c.Active)
		}
	}
	edge := func(at time.Duration, level uint32, seq uint32) {
		show(bank.Edge(rex.Edge{At: at, High: level == open, Seq: seq}))
	}
	show(bank.Levels(0, open))
	edge(1000*time.Millisecond, closed, 1)
	edge(1010*time.Millisecond, open, 2)
	edge(1025*time.Millisecond, closed, 3)
	edge(1055*time.Millisecond, open, 4)
	for at, ok := bank.Wake(); ok; at, ok = bank.Wake() {
		show(bank.Settle(at))
	}
	// Output:
	// 30ms open active: false
	// 1.045s closed active: true
	// 1.085s open active: false
}
