package wiegand

import (
	"time"

	"doord/reader"
)

// Edges is the kernel's queue of edges of one port.
type Edges interface {
	// Read takes up to len(buf) edges in the order of the queue. If there is none
	// it waits for one: for at most wait, without limit if wait is negative, not
	// at all if it is zero. No edge in that time is 0 and no error.
	Read(buf []Edge, wait time.Duration) (int, error)
}

// Run feeds a port with edges and delivers its reads, until the edges end with
// an error: it returns that error, without what was pending. Now is the clock of
// the edges' time stamps; it only says how long to wait, never where a frame
// ends. Deliver must be quick: meanwhile edges pile up in the kernel.
func Run(edges Edges, now func() time.Duration, port *Port, deliver func(reader.Read)) error {
	var buf [64]Edge
	for {
		wait := time.Duration(-1)
		end, pending := port.Wake()
		if pending {
			wait = max(0, end-now())
		}
		n, err := edges.Read(buf[:], wait)
		for _, e := range buf[:n] {
			if r, ok := port.Edge(e); ok {
				deliver(r)
			}
		}
		if err != nil {
			return err
		}
		// Waiting in vain does not end a frame: the process may have slept past the
		// end while edges stamped before it queued up. Only an empty queue, looked
		// at after the end, does.
		if n == 0 && wait == 0 {
			if r, ok := port.Settle(end); ok {
				deliver(r)
			}
		}
	}
}
