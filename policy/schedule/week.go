package schedule

// Day is the effective time of a plan on one local day.
type Day struct {
	Date  Date
	Hours []Hours // in order
}

// Hours is an effective interval within a day as the clocks of the place show
// it, seconds left out; To is 24:00 at the end of the day. On a day when the
// clocks go back, To can be before From.
type Hours struct{ From, To Clock }

// Week returns the effective time of the plan on seven days from first. An
// interval that crosses midnight is in both days. A day that does not exist in
// the plan's location is empty.
func (p *Plan) Week(first Date) [7]Day {
	var days [7]Day
	for i := range days {
		date := first.AddDays(i)
		days[i] = Day{date, p.hours(date)}
	}
	return days
}

func (p *Plan) hours(date Date) []Hours {
	whole := daysIn(p.loc, date, date)
	var hours []Hours
	for i := range p.Between(p.time(whole.start), p.time(whole.end)) {
		h := Hours{p.clock(i.Start.Unix()), p.clock(i.End.Unix())}
		if i.End.Unix() == whole.end {
			h.To = endOfDay
		}
		hours = append(hours, h)
	}
	return hours
}

// clock returns what the clocks of the place show at the instant t.
func (p *Plan) clock(t int64) Clock { return clockOfLocal(t + zoneAt(p.loc, t).offset) }
