package api

import (
	"fmt"
	"strings"
	"time"

	"doord/policy"
	"doord/store"
)

// Words tells events to a person, a line each. Name finds a member's name, ""
// where the controller is not allowed to have it; In is the zone of the times.
type Words struct {
	Name func(member int64) string
	In   *time.Location
}

// Line tells an event: when, where, what.
func (w Words) Line(r store.Record) string {
	at := r.At.Wall
	if w.In != nil {
		at = at.In(w.In)
	}
	clock := at.Format("15:04:05.000")
	if !r.At.WallSet {
		clock += "?" // the clock was not set
	}
	return fmt.Sprintf("%s  %-8s %s", clock, r.Object.Name, w.what(r))
}

// plain are the events that need no more words than these.
var plain = map[policy.EventType]string{
	policy.LockLocked:           "locked",
	policy.LockOpened:           "door opened",
	policy.LockClosed:           "door closed",
	policy.LockForcedOpen:       "FORCED OPEN",
	policy.LockHeldOpen:         "HELD OPEN",
	policy.LockREX:              "request to exit",
	policy.LockREXStuck:         "request to exit is STUCK: look at the button",
	policy.LockLockDown:         "locked down",
	policy.LockCancelLockdown:   "lockdown ended",
	policy.ScheduledStarted:     "unlocked by schedule",
	policy.ScheduledEnded:       "schedule ended",
	policy.FirstToArrive:        "first to arrive",
	policy.LastToLeave:          "last to leave",
	policy.ControllerReboot:     "controller started",
	policy.ControllerClockSet:   "clock set",
	policy.ControllerFire:       "FIRE: doors released",
	policy.RelayTest:            "relay tested",
	policy.ReaderTamper:         "reader TAMPERED with",
	policy.ReaderResetTamper:    "reader tamper reset",
	policy.ReaderOnline:         "reader is there",
	policy.ReaderOffline:        "reader is GONE",
	policy.ReaderSecureLost:     "secure channel lost",
	policy.ZoneActivate:         "zone armed by its hours",
	policy.ZoneTransition:       "zone level changed by its hours",
	policy.ZoneOnAccess:         "zone level changed by an unlock",
	policy.ZoneOverride:         "zone level changed by a person",
	policy.ZoneViolate:          "ZONE VIOLATED",
	policy.ZoneReset:            "zone reset",
	policy.AlarmStarted:         "ALARM",
	policy.AlarmSilenced:        "alarm silenced",
	policy.AlarmReset:           "alarm reset",
	policy.ControllerStale:      "policy is STALE: the place was not reached",
	policy.ElevatorScheduled:    "stop permitted by schedule",
	policy.ElevatorUnscheduled:  "schedule of the stop ended",
	policy.ElevatorLockDown:     "stop locked down",
	policy.ElevatorCancel:       "lockdown of the stop ended",
	policy.LockPassage:          "somebody went through",
	policy.LockTailgate:         "TAILGATED: one more went through",
	policy.LockDuress:           "DURESS: somebody is made to open",
	policy.LockAntiPassback:     "went the same way AGAIN: anti-passback",
	policy.ExcessivePINAttempts: "too many wrong PINs: PINs are blocked for 5 minutes",
}

// detailed are those whose detail a person wants too.
var detailed = map[policy.EventType]bool{
	policy.ReaderSecureLost: true, policy.ZoneActivate: true, policy.ZoneTransition: true, policy.ZoneOnAccess: true,
	policy.ZoneOverride: true, policy.AlarmStarted: true, policy.LockPassage: true,
}

func (w Words) what(r store.Record) string {
	if text, ok := plain[r.Type]; ok {
		if !r.Success && r.Reason != "" {
			return text + " refused: " + r.Reason.Text()
		}
		if r.Detail != "" && detailed[r.Type] {
			text += " (" + strings.ReplaceAll(r.Detail, "_", " ") + ")"
		}
		if r.Reason != "" && !r.Success && r.Object.Type == "zone" {
			text = "refused: " + text + ": " + r.Reason.Text()
		}
		return text
	}
	switch r.Type {
	case policy.LockUnlock:
		return w.decision(r)
	case policy.ElevatorPermit:
		if r.Success {
			return r.Detail + " permitted to " + w.who(r)
		}
		return w.decision(r)
	case policy.LockHeldOpenWarning:
		return fmt.Sprintf("standing open: alarm in %v", (r.Until - r.At.Up).Round(time.Second))
	case policy.LockGrantedNotEnter:
		return "nobody came in after " + w.who(r)
	case policy.LockHold:
		switch {
		case !r.Success:
			return "hold refused: " + r.Reason.Text()
		case r.Detail == "none":
			return "hold ended"
		default:
			return fmt.Sprintf("held %s for %v", r.Detail, (r.Until - r.At.Up).Round(time.Second))
		}
	case policy.AreaForgiven:
		return "anti-passback of " + r.Detail + " forgiven"
	case policy.ReaderBadFrame:
		return "unreadable frame (" + r.Detail + ") " + r.Bits
	case policy.ReaderAccess:
		return "card of " + w.who(r) + ", but no PIN followed"
	case policy.ControllerFireReset:
		if r.Success {
			return "fire alarm reset"
		}
		return "fire reset refused: " + strings.ReplaceAll(r.Detail, "_", " ")
	case policy.WirelessEntered:
		return w.passed(r, "entered")
	case policy.WirelessLeft:
		return w.passed(r, "left")
	case policy.WirelessOffline:
		return "not heard (" + strings.ReplaceAll(r.Detail, "_", " ") + "): nobody knows whether it is locked"
	case policy.WirelessStalled:
		if r.Success {
			return "the motor moves again"
		}
		return "the motor is stalled"
	case policy.ControllerPolicy:
		return fmt.Sprintf("policy %d in force", r.Revision)
	default:
		return strings.TrimSpace(string(r.Type) + " " + r.Detail)
	}
}

func (w Words) passed(r store.Record, verb string) string {
	if r.Actor.Type == "" {
		return "somebody " + verb
	}
	return w.who(r) + " " + verb
}

func (w Words) decision(r store.Record) string {
	by := strings.ReplaceAll(r.By.Type, "_", " ")
	if r.Success {
		return fmt.Sprintf("unlocked for %s (%s)", w.who(r), by)
	}
	text := fmt.Sprintf("denied (%s): %s", by, r.Reason.Text())
	if r.Actor.ID != 0 {
		text = fmt.Sprintf("denied to %s (%s): %s", w.who(r), by, r.Reason.Text())
	}
	if r.Bits != "" {
		text += " [" + r.Bits + "]"
	}
	return text
}

func (w Words) who(r store.Record) string {
	if r.Actor.Type != "member" {
		return strings.ReplaceAll(r.Actor.Type, "_", " ")
	}
	if w.Name != nil {
		if name := w.Name(r.Actor.ID); name != "" {
			return name
		}
	}
	return fmt.Sprintf("member %d", r.Actor.ID)
}
