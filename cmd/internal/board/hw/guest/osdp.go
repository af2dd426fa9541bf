package main

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"

	"doord/cmd/internal/api"
	"doord/policy"
	"doord/reader/wiegand"
)

// overOSDP serves a reader on the serial port, whose other end is the host's.
func overOSDP() {
	startTrace()
	c := newChip(lineNames())
	b := wiring{dir: "/tmp/state", bus: true}
	c.rest(b)
	d := start(program, b)
	d.serves()
	d.loadPolicy()
	var r api.Result
	must(d.ask(func(ctx context.Context) error {
		return d.client.Post(ctx, "/v1/osdp/readers/osdp", api.OSDPCommand{Action: "commission", For: 60}, &r)
	}))
	has := func(kind policy.EventType, detail string) func() bool {
		return func() bool {
			for _, e := range d.events(0) {
				if e.Type == kind && strings.Contains(e.Detail, detail) {
					return true
				}
			}
			return false
		}
	}
	check(within(20*time.Second, has(policy.ReaderCommission, "the reader has its key")), "an OSDP reader on the serial port gets its key")
	check(within(20*time.Second, has(policy.ReaderOnline, "")), "and is online in a secure channel")

	bits, err := wiegand.Encode("H10301", policy.Token{Class: policy.TokenNumber, Facility: 118, Number: 1603})
	must(err)
	c.written()
	fmt.Println("card:", bits)
	_, ok := c.released(1, 10*time.Second)
	check(ok, "its card opens the door")
	check(d.end(syscall.SIGTERM) == nil, "SIGTERM ends it well")
}
