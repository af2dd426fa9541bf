package pages

import (
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"doord/policy"
	"doord/policy/schedule"
)

// words are the functions that templates have.
var words = template.FuncMap{
	"door":     doorState,
	"when":     when,
	"ago":      ago,
	"day":      func(t time.Time) string { return t.Format("Mon 2 Jan 2006") },
	"sentence": sentence,
	"stop":     stopName,
	"headline": headline,
	"event":    eventWords,
	"reason":   func(r any) string { return sentence(reasonWords(fmt.Sprint(r))) },
	"version":  func() string { return version },
	"is":       func(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) },
	"hours":    scheduleWords,
	"link":     func(path string, pairs ...any) string { return path + "?" + q(pairs...).Encode() },
	"token":    cardWords,
	"kindly":   func(s string) string { return strings.ReplaceAll(s, "_", " ") },
	"dict": func(pairs ...any) map[string]any {
		m := map[string]any{}
		for i := 0; i+1 < len(pairs); i += 2 {
			m[fmt.Sprint(pairs[i])] = pairs[i+1]
		}
		return m
	},
	"plural": func(n any, one, many string) string {
		if fmt.Sprint(n) == "1" {
			return fmt.Sprint(n) + " " + one
		}
		return fmt.Sprint(n) + " " + many
	},
}

// notes are what a page can say once about what was just done.
var notes = map[string]string{
	"saved":    "Saved.",
	"made":     "Made.",
	"deleted":  "Deleted.",
	"done":     "Done.",
	"down":     "Locked down. Nobody gets in; everybody gets out.",
	"stop":     "Locked down. Nobody can choose this stop.",
	"forgiven": "Forgiven: the next card is good either way.",
	"up":       "The lockdown is over.",
	"out":      "You are signed out.",
	"welcome":  "Welcome. You are signed in.",
	"password": "Your password is set. Sign in with it.",
	"favorite": "It stands at the top now.",
	"plain":    "It stands in its usual place again.",
	"read":     "All read.",
	"sent":     "The mail is on its way.",
}

// reasons say why a door stays shut, and what to do about it, to whoever stands before
// it. Where there is nothing here the words of package policy will do.
var reasons = map[policy.Reason]string{
	policy.DoorNotFound:       "this door is not there any more",
	policy.DoorMisconfigured:  "this door is not wired as it is set up: tell whoever looks after it",
	policy.NoController:       "this door is not connected yet: tell whoever looks after it",
	policy.Unavailable:        "the door is offline: use your card at the reader, which works without a network",
	policy.PolicyChanged:      "something about this door changed just now: press again",
	policy.PolicyStale:        "the door has not heard from its place for too long: tell whoever looks after it",
	policy.MethodDisabled:     "this door does not open this way: use your card at the reader",
	policy.ReaderTampered:     "the door's reader was tampered with: an administrator has to reset it",
	policy.LinkInvalid:        "this link does not open anything: ask for a new one",
	policy.LinkDisabled:       "this link was turned off: ask for a new one",
	policy.ClockNotSet:        "the door does not know what time it is yet: try again in a minute",
	policy.NotYetValid:        "your access to this door has not begun yet",
	policy.NoLongerValid:      "your access to this door is over: ask for more if you need it",
	policy.AccessDisabled:     "your access is turned off: ask whoever looks after this place",
	policy.PlaceLockedDown:    "the place is locked down: nobody gets in until that ends",
	policy.DoorLockedDown:     "the door is locked down: nobody gets in until that ends",
	policy.ZoneDenied:         "the alarm is armed here: it lets nobody in now",
	policy.OutsideSchedule:    "it is outside the hours of this door",
	policy.LocationUnknown:    "your phone does not know well enough where you are: allow it to use its location, step outside, and press again",
	policy.TooFarAway:         "you are too far away: come to the door and press again",
	policy.NotAtReader:        "you have to be at the door's reader: type in the code that it shows",
	policy.AccessDenied:       "this door is not one of yours: ask whoever looks after this place",
	policy.NoApps:             "this door does not open from here: use your card at the reader",
	policy.TapOnly:            "tap your phone or card at the reader instead",
	policy.TwoFactorRequired:  "unlock your phone and tap again",
	policy.AlreadyUnlocked:    "it is unlocked already, by its hours: just open it",
	policy.InternalError:      "the door had a fault: press again, or use your card at the reader",
	policy.ReaderNotConnected: "the door's reader does not answer: tell whoever looks after it",
	policy.AntiPassback:       "you went this way already, and have not come back: leave first, or ask whoever looks after this place",
	policy.Interlocked:        "another door next to it is open or unlocked: close it first",
	policy.EscortRequired:     "you enter with an escort here: the escort's card goes first",
	policy.SecondPerson:       "two people open this door: the second card has to follow",
	policy.PanelDecides:       "the alarm panel decides that: see to it there",
	policy.PINBlocked:         "too many wrong PINs: wait five minutes, or use your card",
}

func reasonWords(reason string) string {
	if text := reasons[policy.Reason(reason)]; text != "" {
		return text
	}
	if text := policy.Reason(reason).Text(); text != "" {
		return text
	}
	return strings.ReplaceAll(reason, "_", " ")
}

// sentence makes words a sentence: a capital first, a full stop last.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	first, n := utf8.DecodeRuneInString(text)
	text = string(unicode.ToUpper(first)) + text[n:]
	if strings.ContainsAny(text[len(text)-1:], ".!?") {
		return text
	}
	return text + "."
}

// headline makes words a heading: a sentence without its full stop.
func headline(words ...string) string {
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	return strings.TrimSuffix(sentence(strings.Join(words, " ")), ".")
}

// state is how a door is, in a word.
type state struct {
	Word  string
	Class string // "open", "alarm", "off" or ""
	More  []string
}

// doorState says the one thing about a door that matters most, and then the rest.
func doorState(lock Object) state {
	var all []state
	add := func(when bool, word, class string) {
		if when {
			all = append(all, state{Word: word, Class: class})
		}
	}
	online, known := lock["online"].(bool)
	add(!lock.Is("configured"), "Not connected", "off")
	add(lock.Is("configured") && known && !online, "Offline", "off")
	add(lock.Text("misconfigured") != "", "Wired otherwise", "alarm")
	add(lock.Is("forced_open"), "Forced open", "alarm")
	add(lock.Is("held_open"), "Held open", "alarm")
	add(lock.Is("locked_down"), "Locked down", "alarm")
	add(lock.Is("on_scheduled_unlock") && lock.Is("unlocked"), "Unlocked by schedule", "open")
	add(lock.Is("unlocked") && !lock.Is("on_scheduled_unlock"), "Unlocked", "open")
	add(lock.Has("first_to_arrive_required_until") && !lock.Is("first_to_arrive_satisfied"), "Waits for the first to arrive", "")
	add(lock.Is("open") && !lock.Is("held_open") && !lock.Is("forced_open"), "Standing open", "")
	if len(all) == 0 || all[0].Word == "Standing open" || all[0].Word == "Waits for the first to arrive" {
		all = append([]state{{Word: "Locked"}}, all...)
	}
	first := all[0]
	for _, s := range all[1:] {
		first.More = append(first.More, s.Word)
	}
	return first
}

// when says a moment by the place's clocks.
func when(t time.Time, loc *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(loc).Format("Mon 2 Jan 2006, 15:04:05")
}

// ago says how long ago something was, roughly.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	switch d := now.Sub(t); {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(d.Hours()/24))
	}
}

var shortDays = [7]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}

// dayWords names days of a week, runs of them as such: "Mon–Fri, Sun".
func dayWords(on [7]bool) string {
	if on == [7]bool{true, true, true, true, true, true, true} {
		return "Every day"
	}
	var parts []string
	for i := 0; i < 7; i++ {
		if !on[i] {
			continue
		}
		j := i
		for j < 6 && on[j+1] {
			j++
		}
		switch j {
		case i:
			parts = append(parts, shortDays[i])
		case i + 1:
			parts = append(parts, shortDays[i], shortDays[j])
		default:
			parts = append(parts, shortDays[i]+"–"+shortDays[j])
		}
		i = j
	}
	return strings.Join(parts, ", ")
}

// scheduleWords says when a schedule is.
func scheduleWords(o Object, loc *time.Location) string {
	s, err := recordOf(o)
	if err != nil {
		return "?"
	}
	switch s.Kind() {
	case schedule.Recurring:
		days := [7]bool{s.Monday, s.Tuesday, s.Wednesday, s.Thursday, s.Friday, s.Saturday, s.Sunday}
		text := fmt.Sprintf("%s, %s–%s", dayWords(days), clockWord(s.StartsAtTime), clockWord(s.EndsAtTime))
		if s.StartsAtTime != nil && s.EndsAtTime != nil && *s.EndsAtTime <= *s.StartsAtTime {
			text += " the next day"
		}
		return text
	case schedule.Single:
		const long, short = "Mon 2 Jan 2006, 15:04", "15:04"
		from, to := s.StartsAt.In(loc), s.EndsAt.In(loc)
		if schedule.DateOf(from) == schedule.DateOf(to) {
			return from.Format(long) + "–" + to.Format(short)
		}
		return from.Format(long) + " – " + to.Format(long)
	case schedule.AllDay:
		if s.StartsAtDate == s.EndsAtDate {
			return dateWord(s.StartsAtDate)
		}
		return dateWord(s.StartsAtDate) + " – " + dateWord(s.EndsAtDate)
	case schedule.HolidayCalendar:
		text := fmt.Sprintf("%d days", len(s.Holidays))
		if len(s.Holidays) == 1 {
			text = "1 day"
		}
		if s.Region != "" {
			text = "Holidays of " + s.Region + ", " + text
		}
		return text
	}
	return "?"
}

func clockWord(c *schedule.Clock) string {
	if c == nil {
		return "?"
	}
	return c.String()
}

func dateWord(d schedule.Date) string {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Format("Mon 2 Jan 2006")
}

// recordOf is the schedule as package schedule knows it.
func recordOf(o Object) (schedule.Schedule, error) {
	var s schedule.Schedule
	about := o.In("scheduleable")
	plain := Object{}
	for name, value := range o {
		if value != nil && value != "" {
			plain[name] = value
		}
	}
	plain["scheduleable"] = map[string]any{"id": json.Number(fmt.Sprint(about.ID())), "type": about.Text("type")}
	err := plain.as(&s)
	return s, err
}

// cardWords names a credential as people would.
func cardWords(card Object) string {
	switch policy.CredentialKind(card.Text("kind")) {
	case policy.KindPhone:
		return "Phone"
	case policy.KindPIN:
		return "PIN"
	case policy.KindLink:
		return "Link"
	default:
	}
	kind := sentence(card.Text("kind"))
	kind = strings.TrimSuffix(kind, ".")
	switch {
	case card.Text("uid") != "":
		return kind + " " + strings.ToUpper(card.Text("uid"))
	case card.Int("facility") != 0:
		return fmt.Sprintf("%s %d / %d", kind, card.Int("facility"), card.Int("card"))
	default:
		return fmt.Sprintf("%s %d", kind, card.Int("card"))
	}
}
