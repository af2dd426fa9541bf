package pages

import (
	"fmt"
	"net/http"
	"time"

	"doord/policy/schedule"
)

// span is an interval of effective time.
type span struct{ from, to time.Time }

// effective asks the API when something holds.
func (v *visit) effective(place int64, consequence, kind string, id int64, from, to time.Time) ([]span, error) {
	s, err := v.summary(consequence, kind, id, from, to)
	if err != nil {
		return nil, err
	}
	return spans(s.List("intervals")), nil
}

func (v *visit) summary(consequence, kind string, id int64, from, to time.Time) (Object, error) {
	about := "lock_id"
	if kind == "Group" {
		about = "group_id"
	}
	query := q("around", from.UTC().Format(time.RFC3339)+"/"+to.UTC().Format(time.RFC3339), "consequence", consequence, about, id)
	var s Object
	_, err := v.api.call(v.ctx(), http.MethodGet, "/calendar/summary?"+query.Encode(), nil, &s)
	return s, err
}

func spans(list []Object) []span {
	var all []span
	for _, o := range list {
		all = append(all, span{o.Time("starts_at"), o.Time("ends_at")})
	}
	return all
}

// week is what will really happen on seven days.
type week struct {
	Rows          []weekRow
	From, To      string
	Before, After string // addresses of the weeks next to it
	Nothing       string
}

// weekRow is one consequence on the seven days.
type weekRow struct {
	Title string
	Never string // said of a day on which it does not hold
	Days  [7]weekDay
}

type weekDay struct {
	Name  string
	Today bool
	Bars  []bar
	Hours []string
	Out   []string // that exceptions take away
}

// bar is an hour's run in a drawing 96 wide: a quarter of an hour is 1.
type bar struct {
	Class    string
	X, Width string
}

// week makes the week that the address asks for, or the one that is now.
func (v *visit) week(kind string, about Object) (*week, error) {
	now := v.now().In(v.loc)
	first := schedule.DateOf(now)
	if d, err := time.Parse(time.DateOnly, v.r.URL.Query().Get("week")); err == nil {
		first = schedule.DateOf(d)
	}
	first = first.AddDays(-int((first.Weekday() + 6) % 7)) // Monday
	at := func(d schedule.Date) time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, v.loc) }
	link := func(days int) string {
		query := v.r.URL.Query()
		query.Set("week", first.AddDays(days).String())
		return "?" + query.Encode() + "#week"
	}
	w := &week{From: dateWord(first), To: dateWord(first.AddDays(6)), Before: link(-7), After: link(7), Nothing: "Nothing is scheduled: it is locked, and opens for those who may."}
	parts := []struct{ consequence, title, never string }{
		{"unlock", "Unlocked", "locked"}, {"first_to_arrive", "Waits for the first to arrive", "—"}, {"allow", "Lets people in", "lets nobody in"},
	}
	for _, part := range parts {
		if kind == "Group" && part.consequence != "allow" || part.consequence == "allow" && !about.Is("time_restriction_enabled") {
			continue
		}
		s, err := v.summary(part.consequence, kind, about.ID(), at(first), at(first.AddDays(7)))
		if err != nil {
			return nil, err
		}
		in, out := spans(s.List("intervals")), spans(s.List("exceptions"))
		if part.consequence != "allow" && len(in) == 0 && len(out) == 0 {
			continue
		}
		row := weekRow{Title: part.title, Never: part.never}
		for i := range row.Days {
			from, to := at(first.AddDays(i)), at(first.AddDays(i+1))
			day := weekDay{Name: shortDays[i] + from.Format(" 2"), Today: schedule.DateOf(now) == first.AddDays(i)}
			for _, s := range in {
				if b, text, ok := barOf(s, from, to, "on"); ok {
					day.Bars, day.Hours = append(day.Bars, b), append(day.Hours, text)
				}
			}
			for _, s := range out {
				if b, text, ok := barOf(s, from, to, "out"); ok {
					day.Bars, day.Out = append(day.Bars, b), append(day.Out, text)
				}
			}
			row.Days[i] = day
		}
		w.Rows = append(w.Rows, row)
	}
	return w, nil
}

// barOf is the part of a span that is in a day.
func barOf(s span, from, to time.Time, class string) (bar, string, bool) {
	start, end := s.from, s.to
	if start.Before(from) {
		start = from
	}
	if end.After(to) {
		end = to
	}
	if !start.Before(end) {
		return bar{}, "", false
	}
	whole := to.Sub(from).Hours()
	place := func(t time.Time) float64 { return t.Sub(from).Hours() / whole * 96 }
	clock := func(t time.Time) string {
		if t.Equal(to) {
			return "24:00"
		}
		return t.In(from.Location()).Format("15:04")
	}
	b := bar{Class: class, X: fmt.Sprintf("%.2f", place(start)), Width: fmt.Sprintf("%.2f", max(place(end)-place(start), 0.7))}
	return b, clock(start) + "–" + clock(end), true
}
