package pd_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"doord/sim/pd"
)

// limit is what the line itself allows: readers polled in turn, each exchange being
// (command + 2 + reply + 2) characters and the reader's turnaround. A card waits
// for half a round on average, for a whole one at worst, and then for its own
// exchange.
func limit(readers, baud int) (poll, mean, worst time.Duration) {
	char := 10 * time.Second / time.Duration(baud)
	poll = (15+2+15+2)*char + pd.Turnaround
	card := (15+2+31+2)*char + pd.Turnaround
	return poll, time.Duration(readers)*poll/2 + card, time.Duration(readers)*poll + card
}

// BenchmarkBus compares what the bus makes of a line with the line's own limit, in
// virtual time: ratio is polls done to polls possible, mean and worst how long a
// card may take to how long it does. With faults, one frame in a hundred is lost
// and one in a hundred spoilt: each costs its 200 ms, so the faster the line the
// more polls. A ratio above 1 is no magic: a card that comes while the command is
// on its way is in the reply to it, which the formula leaves out.
func BenchmarkBus(b *testing.B) {
	for _, speed := range []int{9600, 115200} {
		for _, readers := range []int{1, 4, 8} {
			for _, faults := range []bool{false, true} {
				b.Run(fmt.Sprintf("baud=%d/readers=%d/faults=%v", speed, readers, faults), func(b *testing.B) {
					var res result
					for b.Loop() {
						res = measure(b, readers, speed, faults)
					}
					b.ReportMetric(res.polls, "ratio")
					b.ReportMetric(res.mean, "mean-ratio")
					b.ReportMetric(res.worst, "worst-ratio")
					b.ReportMetric(float64(res.at.Microseconds())/1000, "mean-ms")
					b.ReportMetric(float64(res.max.Microseconds())/1000, "worst-ms")
				})
			}
		}
	}
}

type result struct {
	polls, mean, worst float64
	at, max            time.Duration
}

func measure(t tester, readers, speed int, faults bool) result {
	r := newRig(t, readers, secure, baud(speed))
	r.online()
	poll, mean, worst := limit(readers, speed)
	random := rand.New(rand.NewPCG(1, 2)).IntN
	if faults {
		r.Wire = func(x pd.Burst) []pd.Burst {
			switch random(100) {
			case 0:
				return nil
			case 1:
				return []pd.Burst{flip(x, random(200))}
			}
			return []pd.Burst{x}
		}
	}
	// Polls: nothing happens.
	count := func() (n uint64) {
		for i := range readers {
			n += r.state(i).Counters.Exchanges
		}
		return n
	}
	before := count()
	r.For(20 * time.Second)
	var res result
	res.polls = float64(count()-before) * float64(poll) / float64(20*time.Second)
	// Cards: at any moment, one at a time.
	const taps = 300
	var sum time.Duration
	for i := range taps {
		r.For(time.Duration(random(1_000_000)) * time.Microsecond)
		r.Events = nil
		at := r.Now
		r.PDs[i%readers].Card(h10301)
		for len(r.cards()) == 0 {
			r.For(50 * time.Microsecond)
			if r.Now-at > 10*time.Second {
				t.Fatalf("no card: %v", r.log())
			}
		}
		took := r.Now - at
		sum += took
		res.max = max(res.max, took)
	}
	res.at = sum / taps
	res.mean = float64(mean) / float64(res.at)
	res.worst = float64(worst) / float64(res.max)
	return res
}

// The goal without faults is 95 %.
func TestBusComesWithinFivePercentOfTheLine(t *testing.T) {
	for _, speed := range []int{9600, 115200} {
		for _, readers := range []int{1, 4, 8} {
			res := measure(t, readers, speed, false)
			if res.polls < 0.95 || res.mean < 0.95 || res.worst < 0.95 {
				t.Errorf("%d baud, %d readers: %+v", speed, readers, res)
			}
		}
	}
}
