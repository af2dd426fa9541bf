package place

import (
	"net/netip"
	"sync"
	"time"
)

// limiter lets everybody ask rate times a second, and burst times at once.
type limiter struct {
	rate, burst float64

	mu      sync.Mutex
	buckets map[string]*bucket
	swept   time.Time
}

type bucket struct {
	left float64
	at   time.Time
}

// maxBuckets is how many are told apart. Beyond that all newcomers share one.
const maxBuckets = 50_000

// take takes one request from who asks, or returns how long to wait for the next.
func (l *limiter) take(who string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buckets == nil {
		l.buckets = map[string]*bucket{}
	}
	b := l.buckets[who]
	if b == nil && len(l.buckets) >= maxBuckets {
		if now.Sub(l.swept) >= time.Second {
			l.swept = now
			for name, b := range l.buckets { // a full one need not be remembered
				if l.fill(b, now); b.left >= l.burst {
					delete(l.buckets, name)
				}
			}
		}
		if len(l.buckets) >= maxBuckets {
			who = ""
			b = l.buckets[who]
		}
	}
	if b == nil {
		b = &bucket{left: l.burst, at: now}
		l.buckets[who] = b
	}
	l.fill(b, now)
	if b.left < 1 {
		return time.Duration((1 - b.left) / l.rate * float64(time.Second))
	}
	b.left--
	return 0
}

func (l *limiter) fill(b *bucket, now time.Time) {
	if d := now.Sub(b.at); d > 0 {
		b.left = min(l.burst, b.left+d.Seconds()*l.rate)
	}
	b.at = now
}

// network is who is counted as one of those who have not signed in: an address, of
// IPv6 what one subscriber has.
func network(remote string) string {
	a, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote
	}
	addr := a.Addr().Unmap()
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}
