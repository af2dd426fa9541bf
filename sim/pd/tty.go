package pd

import (
	"io"
	"time"
)

// Serve lets readers answer on a real port, such as one end of a pty pair, until
// Read fails, and returns its error. The speed of the port is whatever it is.
func Serve(port io.ReadWriter, pds ...*PD) error {
	start := time.Now()
	buf := make([]byte, 512)
	for {
		n, err := port.Read(buf)
		if err != nil {
			return err
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
