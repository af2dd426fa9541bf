package pd

import (
	"io"
	"time"
)

// Serve lets readers answer on a real port, such as one end of a pty pair, until
// Read fails, and returns its error. The speed of the port is whatever it is.
// Whoever wants to present a card meanwhile sends a function, which is called
// between two commands; do may be nil.
func Serve(port io.ReadWriter, do <-chan func(), pds ...*PD) error {
	start := time.Now()
	buf := make([]byte, 512)
	for {
		n, err := port.Read(buf)
		if err != nil {
			return err
		}
		select {
		case f := <-do:
			f()
		default:
		}
		for _, p := range pds {
			if r := p.Receive(time.Since(start), buf[:n]); r != nil {
				if _, err := port.Write(r); err != nil {
					return err
				}
			}
		}
	}
}
