package schedule

import "fmt"

// Clock is a time of day in minutes after 00:00, from 00:00 to 24:00: what a
// clock on the wall shows, and 24:00 for the end of the day.
type Clock int16

// endOfDay is 24:00.
const endOfDay Clock = 24 * 60

// ClockAt returns the time of day hour:minute.
func ClockAt(hour, minute int) Clock { return Clock(hour*60 + minute) }

// String returns the time as hh:mm.
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", c/60, c%60) }

// MarshalText returns the time as hh:mm.
func (c Clock) MarshalText() ([]byte, error) {
	if c < 0 || c > endOfDay {
		return nil, fmt.Errorf("%d minutes are no time of day", int(c))
	}
	return []byte(c.String()), nil
}

// UnmarshalText accepts 00:00 to 24:00, two digits each, and nothing else.
func (c *Clock) UnmarshalText(text []byte) error {
	if len(text) == 5 && text[2] == ':' {
		hour, ok1 := twoDigits(text[:2])
		minute, ok2 := twoDigits(text[3:])
		if at := ClockAt(hour, minute); ok1 && ok2 && minute < 60 && at <= endOfDay {
			*c = at
			return nil
		}
	}
	return fmt.Errorf("%q is not a time of day: write hh:mm, 00:00 to 24:00", text)
}

func twoDigits(b []byte) (n int, ok bool) {
	tens, ones := b[0]-'0', b[1]-'0'
	return int(tens)*10 + int(ones), tens <= 9 && ones <= 9
}

// seconds returns the time in seconds after 00:00.
func (c Clock) seconds() int64 { return int64(c) * 60 }

// clockOfLocal returns the time of day of a local time, without its seconds; see
// zone.
func clockOfLocal(local int64) Clock { return Clock((local - floorDay(local)) / 60) }
