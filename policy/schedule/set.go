package schedule

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// span is the time [start, end).
type span struct{ start, end int64 }

// merge returns the same time as spans in order, none empty, none touching.
// It reuses the memory of spans.
func merge(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	merged := spans[:0]
	for _, s := range spans {
		switch last := len(merged) - 1; {
		case s.start >= s.end:
		case last >= 0 && s.start <= merged[last].end:
			merged[last].end = max(merged[last].end, s.end)
		default:
			merged = append(merged, s)
		}
	}
	return merged
}

// fixed is a set of instants: merged spans.
type fixed []span

// after returns the first span that ends after t.
func (f fixed) after(t int64) span {
	i := sort.Search(len(f), func(i int) bool { return f[i].end > t })
	if i == len(f) {
		return span{never, never}
	}
	return f[i]
}

// before returns the last span that starts before t.
func (f fixed) before(t int64) span {
	i := sort.Search(len(f), func(i int) bool { return f[i].start >= t })
	if i == 0 {
		return span{ever, ever}
	}
	return f[i-1]
}

// weekly is a set of instants that repeats every week by the local clock.
type weekly struct {
	loc    *time.Location
	spans  []span // merged, in local time after Monday 00:00; start < week, the last may end in the next
	always bool   // the spans leave nothing out
}

// newWeekly joins spans that start in the week and last at most a week each.
func newWeekly(loc *time.Location, spans []span) weekly {
	w := weekly{loc: loc, spans: merge(spans)}
	for len(w.spans) > 1 {
		first, last := w.spans[0], &w.spans[len(w.spans)-1]
		if last.end < first.start+week {
			break
		}
		last.end = max(last.end, first.end+week)
		w.spans = w.spans[1:]
	}
	w.always = len(w.spans) == 1 && w.spans[0].end-w.spans[0].start >= week
	return w
}

// covers reports whether s, a span of another weekly, lies inside one of w in
// every week.
func (w weekly) covers(s span) bool {
	return slices.ContainsFunc(w.spans, func(o span) bool {
		return o.start <= s.start && s.end <= o.end || o.start <= s.start+week && s.end+week <= o.end
	})
}

// after returns the first span of instants that ends after t. In the week of a
// clock change spans may touch or overlap, but their starts and ends stay in order.
func (w weekly) after(t int64) span {
	switch {
	case w.always:
		return span{ever, never}
	case len(w.spans) == 0:
		return span{never, never}
	}
	z := zoneAt(w.loc, t)
	past := t + z.offset - 2*maxOffset // what ended by then is over, however the clocks change
	for base := floorWeek(past) - week; ; base += week {
		for _, s := range w.spans {
			if base+s.end <= past {
				continue
			}
			if s := (span{z.first(base + s.start), z.last(base + s.end)}); s.end > t && s.start < s.end {
				return s
			}
		}
	}
}

// before returns the last span of instants that starts before t.
func (w weekly) before(t int64) span {
	switch {
	case w.always:
		return span{ever, never}
	case len(w.spans) == 0:
		return span{ever, ever}
	}
	z := zoneAt(w.loc, t)
	future := t + z.offset + 2*maxOffset
	for base := floorWeek(future); ; base -= week {
		for _, s := range slices.Backward(w.spans) {
			if base+s.start >= future {
				continue
			}
			if s := (span{z.first(base + s.start), z.last(base + s.end)}); s.start < t && s.start < s.end {
				return s
			}
		}
	}
}

// set is the union of its two parts.
type set struct {
	fixed  fixed
	weekly weekly
}

// contains reports whether t is in the set.
func (s *set) contains(t int64) bool {
	return s.fixed.after(t).start <= t || s.weekly.after(t).start <= t
}

// enter returns the first instant from t on that is in the set.
func (s *set) enter(t int64) int64 {
	if t == never {
		return never
	}
	return max(t, min(s.fixed.after(t).start, s.weekly.after(t).start))
}

// exit returns the first instant from t on that is not in the set.
func (s *set) exit(t int64) int64 {
	for t != never {
		if x := s.fixed.after(t); x.start <= t {
			t = x.end
		} else if x := s.weekly.after(t); x.start <= t {
			t = x.end
		} else {
			break
		}
	}
	return t
}

// begin returns the instant since which everything up to t is in the set; t if
// nothing is.
func (s *set) begin(t int64) int64 {
	for t != ever {
		if x := s.fixed.before(t); x.end >= t {
			t = x.start
		} else if x := s.weekly.before(t); x.end >= t {
			t = x.start
		} else {
			break
		}
	}
	return t
}

// left returns the instant since which nothing up to t is in the set. The set
// must not contain t.
func (s *set) left(t int64) int64 {
	return max(s.fixed.before(t).end, s.weekly.before(t).end)
}

// difference is what is in the events and not in the overrides.
type difference struct{ events, overrides set }

// newDifference takes overrides from events. A weekly span that a weekly override
// always covers is left out: it changes no answer, and enter need not try it
// week after week for ever.
func newDifference(events, overrides set) difference {
	var open []span
	for _, s := range events.weekly.spans {
		if !overrides.weekly.covers(s) {
			open = append(open, s)
		}
	}
	events.weekly = newWeekly(events.weekly.loc, open)
	return difference{events, overrides}
}

func (d *difference) contains(t int64) bool {
	return d.events.contains(t) && !d.overrides.contains(t)
}

// enter returns the first instant from t on that is in the difference.
func (d *difference) enter(t int64) int64 {
	for {
		t = d.events.enter(t)
		open := d.overrides.exit(t)
		if open == t {
			return t
		}
		t = open
	}
}

// span returns the whole stretch of the difference around t, which it must contain.
func (d *difference) span(t int64) span {
	return span{max(d.events.begin(t), d.overrides.left(t)), d.exit(t)}
}

// exit returns the first instant after t, which is in the difference, that is not.
func (d *difference) exit(t int64) int64 {
	return min(d.events.exit(t), d.overrides.enter(t))
}
