package rex

import "time"

// A window is cut into slots: 16 of them are two debounces.
const slots = 16

// window sums up how long an input was active during the last two debounces. It
// keeps a sum for each eighth of a debounce, so that any number of bounces costs
// the same; whatever is left of the oldest eighth still counts. Thus nothing of
// the last two debounces is ever missed, and at most an eighth more is counted.
type window struct {
	slot time.Duration            // length of a slot
	at   time.Duration            // summed up to here
	sums [slots + 1]time.Duration // slot k is at k modulo the length
}

func newWindow(debounce time.Duration) window {
	return window{slot: (2*debounce + slots - 1) / slots}
}

// reset forgets all activity before now.
func (w *window) reset(now time.Duration) {
	w.at = now
	w.sums = [slots + 1]time.Duration{}
}

// advance moves the end of the window to now; the input was active or not all
// the while.
func (w *window) advance(now time.Duration, active bool) {
	if length := time.Duration(len(w.sums)) * w.slot; now-w.at > length {
		w.reset(now - length) // older slots have passed out of the window
	}
	for w.at < now {
		slot := w.at / w.slot
		next := (slot + 1) * w.slot
		end := min(next, now)
		if active {
			w.sums[slot%(slots+1)] += end - w.at
		}
		if end == next {
			w.sums[(slot+1)%(slots+1)] = 0
		}
		w.at = end
	}
}

// reaches returns when the sum will reach the goal if the input is active from
// now on: at the latest after a goal's time.
func (w *window) reaches(goal time.Duration) time.Duration {
	var sum time.Duration
	for _, s := range w.sums {
		sum += s
	}
	at := w.at
	for slot := at / w.slot; ; slot++ {
		next := (slot + 1) * w.slot
		if at+goal-sum <= next {
			return at + goal - sum
		}
		sum += next - at - w.sums[(slot+1)%(slots+1)]
		at = next
	}
}
