package place

import (
	"time"

	"doord/policy/schedule"
)

// holidayYears is how many years of a region's holidays are put into a calendar.
const holidayYears = 5

// day is when a holiday is, in any year.
type day struct {
	name  string
	month time.Month
	date  int // of the month; with a weekday: the nth of these, -1 the last
	week  time.Weekday
	kind  dayKind
}

type dayKind int

const (
	fixed  dayKind = iota
	nth            // weekday of the month
	easter         // date is days after Easter Sunday
)

// regions are the public holidays of whole countries. Parts of them have more.
//
// Sources: 5 U.S.C. § 6103; the German Länder's common holidays; Code du travail,
// L3133-1; Banking and Financial Dealings Act 1971 with the proclaimed days.
var regions = map[string][]day{
	"us": {
		{"New Year's Day", time.January, 1, 0, fixed}, {"Birthday of Martin Luther King, Jr.", time.January, 3, time.Monday, nth},
		{"Washington's Birthday", time.February, 3, time.Monday, nth}, {"Memorial Day", time.May, -1, time.Monday, nth},
		{"Juneteenth National Independence Day", time.June, 19, 0, fixed}, {"Independence Day", time.July, 4, 0, fixed},
		{"Labor Day", time.September, 1, time.Monday, nth}, {"Columbus Day", time.October, 2, time.Monday, nth},
		{"Veterans Day", time.November, 11, 0, fixed}, {"Thanksgiving Day", time.November, 4, time.Thursday, nth},
		{"Christmas Day", time.December, 25, 0, fixed},
	},
	"de": {
		{"Neujahr", time.January, 1, 0, fixed}, {"Karfreitag", 0, -2, 0, easter}, {"Ostermontag", 0, 1, 0, easter},
		{"Tag der Arbeit", time.May, 1, 0, fixed}, {"Christi Himmelfahrt", 0, 39, 0, easter}, {"Pfingstmontag", 0, 50, 0, easter},
		{"Tag der Deutschen Einheit", time.October, 3, 0, fixed}, {"1. Weihnachtstag", time.December, 25, 0, fixed},
		{"2. Weihnachtstag", time.December, 26, 0, fixed},
	},
	"fr": {
		{"Jour de l'an", time.January, 1, 0, fixed}, {"Lundi de Pâques", 0, 1, 0, easter}, {"Fête du travail", time.May, 1, 0, fixed},
		{"Victoire 1945", time.May, 8, 0, fixed}, {"Ascension", 0, 39, 0, easter}, {"Lundi de Pentecôte", 0, 50, 0, easter},
		{"Fête nationale", time.July, 14, 0, fixed}, {"Assomption", time.August, 15, 0, fixed}, {"Toussaint", time.November, 1, 0, fixed},
		{"Armistice 1918", time.November, 11, 0, fixed}, {"Noël", time.December, 25, 0, fixed},
	},
	"gb": {
		{"New Year's Day", time.January, 1, 0, fixed}, {"Good Friday", 0, -2, 0, easter}, {"Easter Monday", 0, 1, 0, easter},
		{"Early May bank holiday", time.May, 1, time.Monday, nth}, {"Spring bank holiday", time.May, -1, time.Monday, nth},
		{"Summer bank holiday", time.August, -1, time.Monday, nth}, {"Christmas Day", time.December, 25, 0, fixed},
		{"Boxing Day", time.December, 26, 0, fixed},
	},
}

// holidays returns a region's dates from this year on, none for a region that is not
// known: then they must be given. Days off in lieu are not among them.
func holidays(region string, now time.Time) []schedule.Holiday {
	var list []schedule.Holiday
	for year := now.Year(); year < now.Year()+holidayYears; year++ {
		for _, d := range regions[region] {
			list = append(list, schedule.Holiday{Date: d.in(year), Name: d.name})
		}
	}
	return list
}

func (d day) in(year int) schedule.Date {
	switch d.kind {
	case nth:
		if d.date < 0 {
			last := schedule.DateOf(time.Date(year, d.month+1, 0, 0, 0, 0, 0, time.UTC))
			return last.AddDays(-int(7+last.Weekday()-d.week) % 7)
		}
		first := schedule.Date{Year: year, Month: d.month, Day: 1}
		return first.AddDays(int(7+d.week-first.Weekday())%7 + 7*(d.date-1))
	case easter:
		return easterSunday(year).AddDays(d.date)
	default:
		return schedule.Date{Year: year, Month: d.month, Day: d.date}
	}
}

// easterSunday is Easter in the Gregorian calendar.
//
// Source: the anonymous algorithm in Nature, 20 April 1876, as Meeus gives it.
func easterSunday(year int) schedule.Date {
	a, b, c := year%19, year/100, year%100
	h := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
	l := (32 + 2*(b%4) + 2*(c/4) - h - c%4) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return schedule.Date{Year: year, Month: time.Month(n / 31), Day: n%31 + 1}
}
