package wiegand_test

import (
	"encoding/json"
	"fmt"
	"time"

	"doord/reader"
	"doord/reader/wiegand"
)

func ExampleFind() {
	bits, err := wiegand.ParseBits("10111011000000110010000110")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range wiegand.Find(bits) {
		line, _ := json.Marshal(c)
		fmt.Println(string(line))
	}
	// Output:
	// {"format":"H10301","facility":118,"card":1603,"parity_ok":true}
}

func ExamplePort() {
	port, err := wiegand.NewPort(wiegand.Config{Formats: []string{"H10301"}, Keypad: wiegand.Keypad4})
	if err != nil {
		fmt.Println(err)
		return
	}
	show := func(r reader.Read, ok bool) {
		switch {
		case !ok:
		case r.Kind == reader.Key:
			fmt.Printf("%v key %c\n", r.At, r.Digit)
		default:
			fmt.Println(r.At, r.Token)
		}
	}
	card, _ := wiegand.ParseBits("10111011000000110010000110")
	key, _ := wiegand.EncodeKey(wiegand.Keypad4, '7')

	pulses := wiegand.Shape{}.Train(card, 0, nil)
	pulses = append(pulses, wiegand.Shape{}.Train(key, time.Second, nil)...)
	for _, e := range wiegand.FallingEdges(pulses, 1) {
		show(port.Edge(e))
	}
	if end, ok := port.Wake(); ok {
		show(port.Settle(end))
	}
	// Output:
	// 25ms H10301 118/1603
	// 1.003s key 7
}
