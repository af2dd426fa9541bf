package osdp_test

import (
	"fmt"
	"time"

	"doord/reader/osdp"
)

// A bus asks, and says when it wants to be called again.
func ExampleBus() {
	bus, err := osdp.NewBus(osdp.Config{Readers: []osdp.Reader{{Addr: 5}}})
	if err != nil {
		panic(err)
	}
	tx := bus.Step(0, nil)
	fmt.Printf("% X at %d baud\n", tx.Data, tx.Baud)
	fmt.Println("next by", bus.Wake().Round(time.Millisecond))

	bus.Step(20*time.Millisecond, []byte{
		0xFF, 0x53, 0x85, 0x14, 0x00, 0x04, 0x45, 0xDE, 0xC0, 0x00, 0x01,
		0x01, 0x04, 0x03, 0x02, 0x01, 0x01, 0x02, 0x03, 0x23, 0x75,
	})
	state, _ := bus.State(0)
	fmt.Println(state.Identity)
	// Output:
	// FF 53 05 09 00 04 61 00 C1 25 at 9600 baud
	// next by 210ms
	// vendor DEC000 model 1 version 1 serial 01020304 firmware 1.2.3
}
