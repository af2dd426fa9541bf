package place

import (
	"context"
	"sync/atomic"
	"time"
)

type onceKey struct{}

// pageShare is how many pages somebody may ask for in the time of one request: a form
// that is sent is answered with a page, and pages that are kept up to date ask anew.
const pageShare = 4

// Once returns a context whose requests count as one page where requests are limited: a
// page that asks for several things is still one. Who has not signed in is counted each
// time, as anywhere.
func Once(ctx context.Context) context.Context {
	return context.WithValue(ctx, onceKey{}, new(atomic.Bool))
}

// take takes one of the requests that somebody has, or returns how long to wait for the
// next.
func (c *call) take(who string) time.Duration {
	counted, is := c.r.Context().Value(onceKey{}).(*atomic.Bool)
	switch {
	case !is || c.caller.name == "":
		return c.s.limiter.take(who, c.now)
	case counted.CompareAndSwap(false, true):
		return c.s.pages.take(who, c.now)
	}
	return 0
}
