package schedule

import (
	"cmp"
	"fmt"
	"time"
)

// Date is a day of the calendar, without a time or a zone. The zero Date is no
// date.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf returns the date that t has in its own location.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// IsZero reports whether d is no date.
func (d Date) IsZero() bool { return d == Date{} }

// Compare returns -1, 0 or +1 as d is before, the same as or after e.
func (d Date) Compare(e Date) int {
	return cmp.Or(cmp.Compare(d.Year, e.Year), cmp.Compare(d.Month, e.Month), cmp.Compare(d.Day, e.Day))
}

// AddDays returns the date n days after d.
func (d Date) AddDays(n int) Date {
	d.Day += n
	return DateOf(d.utc())
}

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// String returns the date as YYYY-MM-DD.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// MarshalText returns the date as YYYY-MM-DD.
func (d Date) MarshalText() ([]byte, error) {
	if !d.valid() {
		return nil, fmt.Errorf("no such date: %s", d)
	}
	return []byte(d.String()), nil
}

// UnmarshalText accepts an existing date as YYYY-MM-DD and nothing else.
func (d *Date) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return fmt.Errorf("%q is not a date: write YYYY-MM-DD", text)
	}
	*d = DateOf(t)
	return nil
}

// valid reports whether the date exists and has a year of four digits.
func (d Date) valid() bool { return 0 <= d.Year && d.Year <= 9999 && DateOf(d.utc()) == d }

// utc returns the 00:00 of the date in UTC.
func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// local returns the local time 00:00 of the date; see zone.
func (d Date) local() int64 { return d.utc().Unix() }

// dateOfLocal returns the date of a local time; see zone.
func dateOfLocal(local int64) Date { return DateOf(time.Unix(local, 0).UTC()) }
