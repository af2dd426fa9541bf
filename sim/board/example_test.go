package board_test

import (
	"fmt"
	"log"

	"doord/policy"
	"doord/reader"
	"doord/reader/wiegand"
	"doord/relay"
	"doord/sim/board"
)

// A card before the reader releases the lock.
func Example() {
	spec := board.Spec{
		Relays:  []relay.Wiring{{Channel: 1, Use: relay.Lock, LockType: relay.Magnetic, Contact: relay.NO}},
		Wiegand: []wiegand.Config{{Formats: []string{"H10301"}}},
	}
	b := board.New(spec)
	locks, err := relay.New(spec.Relays, b.Relays())
	if err != nil {
		log.Fatal(err)
	}
	port, err := wiegand.NewPort(spec.Wiegand[0])
	if err != nil {
		log.Fatal(err)
	}
	if _, err := locks.Apply(0); err != nil {
		log.Fatal(err)
	}
	fmt.Println("released:", b.Released(1))

	card := policy.Token{Class: policy.TokenNumber, Facility: 118, Number: 1603}
	bits, err := wiegand.Encode("H10301", card)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := b.Present(0, bits, wiegand.Shape{}, 0); err != nil {
		log.Fatal(err)
	}
	err = wiegand.Run(b.Wiegand(0), b.Now, port, func(r reader.Read) {
		if _, err := locks.Apply(relay.Outputs(0).With(1)); err != nil {
			log.Print(err)
		}
		fmt.Println("card:", r.Token.Facility, r.Token.Number)
		b.Close()
	})
	fmt.Println("released:", b.Released(1), "power:", b.LockPowered(1))
	fmt.Println(err)
	// Output:
	// released: false
	// card: 118 1603
	// released: true power: false
	// file already closed
}
