package pd_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"doord/reader/osdp"
	"doord/sim/pd"
)

// TestReadsArriveOnceOrAreReported lets a bus and its readers live through random
// faults. Every card is read once, and none twice; one that never arrives was
// followed by a PossiblyLost of its reader.
func TestReadsArriveOnceOrAreReported(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		readers := rapid.IntRange(1, 4).Draw(t, "readers")
		opts := []option{baud(rapid.SampledFrom([]int{9600, 115200}).Draw(t, "baud"))}
		inSession := rapid.Bool().Draw(t, "secure")
		if inSession {
			opts = append(opts, secure)
		}
		rate := rapid.IntRange(0, 30).Draw(t, "faults per 100 frames")
		seed := rapid.Uint64().Draw(t, "seed")
		r := newRig(t, readers, opts...)
		r.online()
		rnd := func(n int) int {
			seed = seed*6364136223846793005 + 1442695040888963407
			return int(seed >> 33 % uint64(n))
		}
		r.Wire = func(b pd.Burst) []pd.Burst {
			if rnd(100) >= rate {
				return []pd.Burst{b}
			}
			return spoil(b, rnd, inSession)
		}
		type tap struct {
			reader int
			at     time.Duration
		}
		taps := map[string]tap{}
		for i := range rapid.IntRange(5, 25).Draw(t, "taps") {
			who := rnd(readers)
			switch rnd(12) {
			case 0:
				r.PDs[who].Reset()
			case 1:
				r.PDs[who].Busy = rnd(5)
			case 2:
				r.PDs[who].Mute = true
			case 3:
				_ = r.Bus.Show(who, 3, true)
			default:
				r.PDs[who].Mute = false
			}
			bits := fmt.Sprintf("1%032b", i)
			r.PDs[who].Card(bits)
			taps[bits] = tap{who, r.Now}
			r.For(time.Duration(rnd(2000)) * time.Millisecond)
		}
		for _, p := range r.PDs {
			p.Mute, p.Busy = false, 0
		}
		r.Wire = nil
		r.For(30 * time.Second)

		seen := map[string]bool{}
		for _, e := range r.Events {
			x, ok := e.Body.(osdp.Read)
			if !ok {
				continue
			}
			tap, known := taps[x.Bits]
			if !known || tap.reader != e.Reader || seen[x.Bits] {
				t.Fatalf("reader %d: card %s twice or from nowhere: %s", e.Reader, x.Bits, r.log())
			}
			seen[x.Bits] = true
		}
		for bits, tap := range taps {
			if seen[bits] {
				continue
			}
			reported := false
			for _, e := range r.Events {
				if _, ok := e.Body.(osdp.PossiblyLost); ok && e.Reader == tap.reader && e.At >= tap.at {
					reported = true
				}
			}
			if !reported {
				t.Fatalf("card %s of reader %d at %v is lost without a word: %s", bits, tap.reader, tap.at, r.log())
			}
		}
		for i := range r.PDs {
			if !r.state(i).Online {
				t.Fatalf("reader %d did not come back: %s", i, r.log())
			}
		}
	})
}

// spoil does one thing to a burst that lines do.
func spoil(b pd.Burst, rnd func(int) int, inSession bool) []pd.Burst {
	late, gap := 400, 50
	if !inSession { // two bits of sequence number can tell no more apart
		late, gap = 15, 2
	}
	b.Data = bytes.Clone(b.Data)
	switch rnd(6) {
	case 0: // lost
		return nil
	case 1: // flipped
		return []pd.Burst{flip(b, rnd(8*len(b.Data)))}
	case 2: // cut
		b.Data = b.Data[:rnd(len(b.Data))]
	case 3: // late
		b.Start += time.Duration(rnd(late)) * time.Millisecond
	case 4: // doubled
		twice := b
		twice.Start, twice.Data = b.End()+time.Duration(rnd(gap))*time.Millisecond, bytes.Clone(b.Data)
		return []pd.Burst{b, twice}
	case 5: // noise before it
		noise := make([]byte, rnd(20))
		for i := range noise {
			noise[i] = byte(rnd(256))
		}
		b.Data = append(noise, b.Data...)
	}
	return []pd.Burst{b}
}
