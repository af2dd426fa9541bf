package config

import "testing"

// What Parse accepts is valid, can be mapped, and stays valid: no text makes it
// panic, and no default makes a good board a bad one.
func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(radio))
	f.Add([]byte(""))
	f.Add([]byte("device_id = 5"))
	f.Add([]byte("[[door]]\nname = \"a\"\nrelays = [-1, 99, 1]\n[[relay]]\nchannel = 1\n"))
	f.Add([]byte("[[reader]]\nport = \"osdp:999\"\n[[input]]\nreader = \"x\"\nreader_input = -1\nkind = \"rex\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("the error says nothing")
			}
			return
		}
		if problems := c.Validate(); len(problems) > 0 {
			t.Fatalf("accepted, but %v", problems)
		}
		c.Warnings()
		b := c.Board()
		if len(b.Doors) != len(c.Doors) || len(b.Inputs) != len(c.Input) || len(b.Readers) != len(c.Readers) || len(c.Wiegand()) != len(c.Readers) {
			t.Fatalf("the core gets another board: %+v", b)
		}
		for _, w := range c.Relays() {
			if err := w.Validate(); err != nil {
				t.Fatal(err)
			}
		}
		egress, others := c.Egress(), c.Others()
		for _, in := range append(egress.Inputs, others.Inputs...) {
			if err := in.Validate(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
