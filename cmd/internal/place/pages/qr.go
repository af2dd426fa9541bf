package pages

import (
	"fmt"
	"strings"

	encode "rsc.io/qr"
)

// qr is a QR code as the path of a drawing, a module being 1 wide. It stands in the
// page itself: an address of a picture would tell the secret to logs.
type qr struct {
	Path string
	Size int // with the quiet zone
}

const quiet = 4 // modules around it

func drawQR(text string) (qr, error) {
	code, err := encode.Encode(text, encode.M)
	if err != nil {
		return qr{}, fmt.Errorf("qr: %w", err)
	}
	var b strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			n := 0
			for code.Black(x+n, y) {
				n++
			}
			if n > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, n, n)
				x += n
			}
		}
	}
	return qr{b.String(), code.Size + 2*quiet}, nil
}
