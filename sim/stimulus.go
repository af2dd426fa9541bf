package sim

import (
	"fmt"
	"strconv"
	"time"

	"doord/policy"
	"doord/policy/controller"
	"doord/policy/zone"
)

// zone plays what is said about a zone.
func (p *player) zone(a args) error {
	id, err := strconv.ParseInt(a.word(0), 10, 64)
	if err != nil {
		return err
	}
	w := p.world
	switch level := a.word(1); level {
	case "reset":
		w.Step(controller.ZoneReset{Zone: id, By: administrator})
	case "blocks":
		w.Step(controller.ZoneOverridden{Zone: id, By: administrator})
	case "met":
		shared, err := parseShared(a)
		if err != nil {
			return err
		}
		w.Step(controller.ZoneMet{Zone: id, Shared: shared})
	default:
		d, err := time.ParseDuration(a.named["for"])
		if err != nil {
			return err
		}
		w.Step(controller.ZoneOverridden{Zone: id, Level: policy.ZoneLevel(level), For: d, By: administrator})
	}
	return nil
}

// administrator is who resets things in scenarios.
var administrator = policy.Ref{Type: "member", ID: 1}

func parseShared(a args) (s zone.Shared, err error) {
	for name, at := range map[string]*time.Time{"until": &s.Override.Until, "violated": &s.ViolatedAt, "reset": &s.ResetAt} {
		if text, ok := a.named[name]; ok {
			if *at, err = time.Parse(time.RFC3339, text); err != nil {
				return s, err
			}
		}
	}
	s.Override.Level = policy.ZoneLevel(a.named["level"])
	if order, ok := a.named["order"]; ok {
		s.Override.Order, err = strconv.ParseUint(order, 10, 64)
	}
	return s, err
}

// alarm plays what somebody does about an alarm.
func (p *player) alarm(a args) error {
	rule, err := strconv.ParseInt(a.word(0), 10, 64)
	if err != nil {
		return err
	}
	switch a.word(1) {
	case "silence":
		p.world.Step(controller.AlarmSilenced{Rule: rule, By: administrator})
	case "reset":
		p.world.Step(controller.AlarmReset{Rule: rule, By: administrator})
	default:
		return fmt.Errorf("an alarm is silenced or reset")
	}
	return nil
}

// stop plays what a technician does to an elevator stop.
func (p *player) stop(a args) error {
	id, err := strconv.ParseInt(a.word(0), 10, 64)
	if err != nil {
		return err
	}
	switch a.word(1) {
	case "permit":
		p.world.Step(controller.StopPermitted{Stop: id})
	case "lockdown":
		p.world.Step(controller.StopLockedDown{Stop: id, On: a.word(2) == "on"})
	default:
		return fmt.Errorf("a stop is permitted or locked down")
	}
	return nil
}

// forgive plays somebody's word that it does not matter where members are.
func (p *player) forgive(a args) (err error) {
	in := controller.Forgiven{By: administrator}
	if a.word(0) != "all" {
		if in.Area, err = strconv.ParseInt(a.word(0), 10, 64); err != nil {
			return err
		}
	}
	if member, ok := a.named["member"]; ok {
		in.Member, err = strconv.ParseInt(member, 10, 64)
	}
	p.world.Step(in)
	return err
}

// phone plays a phone at a reader: ask has the reader ask it, tap and wave have it
// answer, to what reader from was asked if that is given, and with the answer that
// it gave last if again.
func (p *player) phone(verb string, a args) error {
	w := p.world
	i := w.port(a.named["reader"])
	if i < 0 {
		return fmt.Errorf("no reader %q", a.named["reader"])
	}
	if verb == "ask" {
		w.Ask(i)
		return nil
	}
	from, locked, again := i, false, false
	if name, ok := a.named["from"]; ok {
		from = w.port(name)
	}
	for _, word := range a.words {
		locked, again = locked || word == "locked", again || word == "again"
	}
	if !again {
		w.Answer(NewPhone(a.named["phone"]), from, !locked)
	}
	w.Present(i, verb == "wave")
	return nil
}
