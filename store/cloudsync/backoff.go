package cloudsync

import (
	"math/rand/v2"
	"time"
)

// The pauses between attempts.
const (
	firstPause = time.Second
	mostPause  = time.Minute
	awayPause  = 5 * time.Minute // at most, while there is no stream, whose coming ends it
)

// backoff doubles the pause with each attempt that fails, and spreads the attempts
// of many controllers that lost the service in one moment.
type backoff struct{ pause time.Duration }

// next returns how long to wait now: between half the pause and the whole.
func (b *backoff) next(most time.Duration) time.Duration {
	b.pause = min(most, max(firstPause, 2*b.pause))
	return b.pause/2 + rand.N(b.pause/2+1)
}

// well says that an attempt succeeded.
func (b *backoff) well() { b.pause = 0 }
