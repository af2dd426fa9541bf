package pages

import (
	"cmp"
	"encoding/json"
	"strings"

	"doord/cmd/internal/place"
	"doord/policy"
)

// eventTexts say what happened, to be read after the name of what it happened to.
var eventTexts = map[policy.EventType]string{
	policy.LockUnlock:           "unlocked",
	policy.LockLocked:           "locked",
	policy.LockOpened:           "opened",
	policy.LockClosed:           "closed",
	policy.LockForcedOpen:       "forced open",
	policy.LockHeldOpenWarning:  "open for long",
	policy.LockHeldOpen:         "held open",
	policy.LockGrantedNotEnter:  "unlocked, but nobody entered",
	policy.LockLockDown:         "locked down",
	policy.LockCancelLockdown:   "lockdown ended",
	policy.LockHold:             "held by a technician",
	policy.LockREX:              "request to exit",
	policy.LockREXStuck:         "exit button stuck",
	policy.LockMisconfigured:    "wired otherwise than set up",
	policy.ScheduledStarted:     "scheduled unlock began",
	policy.ScheduledEnded:       "scheduled unlock ended",
	policy.FirstToArrive:        "the first arrived",
	policy.LastToLeave:          "the last left",
	policy.PlaceLockDown:        "locked down",
	policy.PlaceCancelLockdown:  "lockdown ended",
	policy.InputOpened:          "input opened",
	policy.InputClosed:          "input closed",
	policy.InputTriggered:       "input triggered",
	policy.InputTamper:          "input cut or short",
	policy.ControllerReboot:     "started",
	policy.ControllerTamper:     "case opened",
	policy.ControllerClockSet:   "clock set",
	policy.ControllerFire:       "fire",
	policy.ControllerFireReset:  "fire reset",
	policy.ControllerPolicy:     "took a new policy",
	place.ControllerOffline:     "is offline",
	place.ControllerOnline:      "is online again",
	policy.ControllerStale:      "has not heard from the place for too long",
	policy.ControllerGap:        "events lost",
	policy.ControllerFault:      "fault",
	policy.RelayMismatch:        "a relay does not follow",
	policy.RelayTest:            "a technician tried a relay",
	policy.LockAntiPassback:     "passed by somebody who had gone this way already",
	policy.LockPassage:          "somebody went through",
	policy.LockTailgate:         "somebody followed whom nobody let in",
	policy.LockDuress:           "opened or tried under duress",
	policy.AreaForgiven:         "forgot where members are",
	policy.ElevatorPermit:       "stops can be chosen",
	policy.ElevatorScheduled:    "its hours began: anybody can choose it",
	policy.ElevatorUnscheduled:  "its hours ended",
	policy.ElevatorLockDown:     "locked down",
	policy.ElevatorCancel:       "lockdown ended",
	policy.WirelessLocked:       "locked",
	policy.WirelessUnlocked:     "unlocked",
	policy.WirelessBattery:      "battery low",
	policy.WirelessTampered:     "tampered with",
	policy.WirelessStalled:      "its bolt does not move",
	policy.WirelessOnline:       "answers",
	policy.WirelessOffline:      "does not answer",
	policy.WirelessEntered:      "somebody entered",
	policy.WirelessLeft:         "somebody left",
	policy.ReaderAccess:         "something was presented",
	policy.ReaderBadFrame:       "unreadable card",
	policy.ReaderTamper:         "tampered with",
	policy.ReaderResetTamper:    "tamper reset",
	policy.ReaderOnline:         "answers",
	policy.ReaderOffline:        "does not answer",
	policy.ReaderSecureLost:     "lost its encrypted channel",
	policy.ReaderCommission:     "was given a key",
	policy.ExcessivePINAttempts: "too many wrong PINs",
	policy.ZoneActivate:         "armed by its hours",
	policy.ZoneTransition:       "changed by its hours",
	policy.ZoneOnAccess:         "changed by somebody coming in",
	policy.ZoneOverride:         "changed by hand",
	policy.ZoneViolate:          "violated",
	policy.ZoneReset:            "reset",
	policy.AlarmStarted:         "alarm",
	policy.AlarmSilenced:        "alarm silenced",
	policy.AlarmReset:           "alarm reset",
}

// told is an event in words.
type told struct {
	Kind    string // of thing, where the name does not tell
	Subject string // what it happened to
	What    string
	Who     string
	By      string // how they proved it
	Why     string // of a denial
	Class   string // "open", "alarm" or ""
	Trace   []Object
}

var loud = map[policy.EventType]bool{
	policy.LockForcedOpen: true, policy.LockHeldOpen: true, policy.LockLockDown: true, policy.PlaceLockDown: true,
	policy.ControllerFire: true, place.ControllerOffline: true, policy.ControllerTamper: true, policy.ControllerStale: true, policy.ZoneViolate: true,
	policy.ReaderTamper: true, policy.AlarmStarted: true, policy.InputTamper: true, policy.LockMisconfigured: true,
	policy.LockDuress: true, policy.LockTailgate: true, policy.ElevatorLockDown: true, policy.WirelessTampered: true, policy.WirelessStalled: true,
}

// eventWords puts an event into words.
func eventWords(e Object) told {
	kind := policy.EventType(e.Text("type"))
	t := told{What: eventTexts[kind], Trace: e.List("trace")}
	if t.What == "" { // of the service: "group.create"
		object, verb, _ := strings.Cut(string(kind), ".")
		t.What = verbs[verb]
		if t.What == "" {
			t.What = strings.ReplaceAll(verb, "_", " ")
		}
		t.Kind = strings.TrimSuffix(sentence(cmp.Or(nouns[object], strings.ReplaceAll(object, "_", " "))), ".")
	}
	if name := e.Text("object_name"); name != "" {
		t.Subject = name
	} else if t.Kind == "" {
		t.Subject = strings.ToLower(strings.ReplaceAll(e.Text("object_type"), "_", " "))
		if e.Int("object_id") != 0 {
			t.Subject += " " + e.Text("object_id")
		}
	}
	t.Who = e.Text("actor_name")
	by := e.Text("authenticated_by_type")
	t.By = cmp.Or(proofs[by], strings.ReplaceAll(by, "_", " "))
	switch {
	case kind == "login.create", kind == "login.delete":
		t.Kind, t.Subject, t.Who, t.By = "", t.Who, "", ""
		if t.What = "signed in"; kind == "login.delete" {
			t.What = "signed out"
		}
	case kind == policy.LockUnlock && e.Is("success"):
		t.Class = "open"
	case kind == policy.LockUnlock:
		t.What, t.Why = "stayed locked", sentence(policy.Reason(e.Text("reason")).Text())
	case kind == policy.ElevatorPermit && !e.Is("success"):
		t.What, t.Why = "no stop can be chosen", sentence(policy.Reason(e.Text("reason")).Text())
	case kind == policy.WirelessStalled && e.Is("success"):
		t.What = "its bolt moves again"
	case loud[kind]:
		t.Class = "alarm"
	}
	return t
}

// proofs are the ways of proving who one is.
var proofs = map[string]string{
	"in_app": "phone", "login": "phone", "pin": "PIN", "card_and_pin": "card and PIN", "group_link": "link", "access_key": "key",
}

// nouns are the kinds of things in the words of the pages.
var nouns = map[string]string{
	"lock": "door", "group_lock": "door in a group", "role_assignment": "role", "group_link": "link",
	"controller_relay_connection": "relay", "controller_input_connection": "input", "access_key": "key",
	"group_elevator_stop": "elevator stop in a group",
}

var verbs = map[string]string{"create": "made", "change": "changed", "update": "changed", "delete": "deleted", "destroy": "deleted"}

// Headline says in one sentence what an event of the API is about, "" if it is none.
func Headline(event []byte) string {
	var e Object
	if err := json.Unmarshal(event, &e); err != nil {
		return ""
	}
	t := eventWords(e)
	return headline(t.Kind, t.Subject, t.What)
}
