package cloudsync

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"doord/policy/ledger"
)

// Why a command is not carried out.
var (
	errOrderKey        = errors.New("it is not signed by whom the root trusts")
	errOrderController = errors.New("it is for another controller")
	errOrderNonce      = errors.New("it is for another stream")
	errOrderSequence   = errors.New("it is not the next of this stream")
	errLate            = errors.New("it came too late")
)

// orders are the commands of one stream.
type orders struct {
	controller int64
	nonce      []byte
	opened     time.Time // just before the stream was asked for, by the monotonic clock
	last       uint64    // the sequence of the last command that was taken
}

// take verifies a command that came at a time, by the monotonic clock. One that is
// late was taken as well, and is not to be carried out: errLate comes with it. After
// any other error nothing of it is to be believed, and the stream neither.
func (o *orders) take(s ledger.Signed, trust *ledger.Trust, at, now time.Time) (c Command, err error) {
	if err := trust.Open(s, ledger.ForCommand, at, &c); err != nil {
		return Command{}, fmt.Errorf("%w: %w", errOrderKey, err)
	}
	switch {
	case c.Controller != o.controller:
		return Command{}, fmt.Errorf("%w: %d", errOrderController, c.Controller)
	case !bytes.Equal(c.Nonce, o.nonce):
		return Command{}, errOrderNonce
	case c.Sequence != o.last+1:
		return Command{}, fmt.Errorf("%w: %d after %d", errOrderSequence, c.Sequence, o.last)
	}
	o.last = c.Sequence
	if o.left(&c, now) <= 0 {
		return c, errLate
	}
	return c, nil
}

// left returns how long a command may still be carried out; nothing or less if it
// is late. The service counts from a later moment than this: the true age is less.
func (o *orders) left(c *Command, now time.Time) time.Duration {
	open := now.Sub(o.opened)
	if c.Elapsed < 0 || c.Elapsed > int64(open/time.Millisecond) {
		return -1 // no service that counts as agreed can say so
	}
	return CommandLife - (open - time.Duration(c.Elapsed)*time.Millisecond)
}
