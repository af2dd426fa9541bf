package policy

import (
	"maps"
	"slices"
)

// Reason says why a request was denied; it is empty when it was granted. The
// strings are stable: they stand in events, on the wire and in scripts.
type Reason string

// The reasons, in the order in which Decide can find them.
const (
	DoorNotFound       Reason = "door_not_found"
	DoorMisconfigured  Reason = "door_misconfigured"
	NoController       Reason = "no_controller"
	Unavailable        Reason = "controller_unavailable"
	PolicyChanged      Reason = "policy_changed"
	PolicyStale        Reason = "policy_stale"
	MethodDisabled     Reason = "method_disabled"
	ReaderTampered     Reason = "reader_tampered"
	PINBlocked         Reason = "pin_blocked"
	PINInvalid         Reason = "pin_invalid"
	TapInvalid         Reason = "tap_invalid"
	LinkInvalid        Reason = "link_invalid"
	LinkDisabled       Reason = "link_disabled"
	CardNotFound       Reason = "card_not_found"
	CardNotActivated   Reason = "card_not_activated"
	ClockNotSet        Reason = "clock_not_set"
	NotYetValid        Reason = "not_yet_valid"
	NoLongerValid      Reason = "no_longer_valid"
	AccessDisabled     Reason = "access_disabled"
	PlaceLockedDown    Reason = "place_locked_down"
	DoorLockedDown     Reason = "door_locked_down"
	ZoneDenied         Reason = "zone_denied"
	OutsideSchedule    Reason = "outside_schedule"
	LocationUnknown    Reason = "location_unknown"
	TooFarAway         Reason = "too_far_away"
	NotAtReader        Reason = "not_at_reader"
	AccessDenied       Reason = "access_denied"
	NoApps             Reason = "no_apps"
	TapOnly            Reason = "tap_only"
	TwoFactorRequired  Reason = "two_factor_required"
	AntiPassback       Reason = "anti_passback"
	Interlocked        Reason = "interlocked"
	EscortRequired     Reason = "escort_required"
	SecondPerson       Reason = "second_person_required"
	PanelDecides       Reason = "panel_decides"
	AlreadyUnlocked    Reason = "already_scheduled_unlocked"
	InternalError      Reason = "internal_error"
	ReaderNotConnected Reason = "reader_not_connected"
)

// codes holds the public 6-hex codes of the modelled product's API; the codes
// that begin with d0 are ours, for reasons which have no public one.
var codes = map[Reason]string{
	DoorNotFound:       "fad10e",
	DoorMisconfigured:  "fad105",
	NoController:       "ff420a",
	Unavailable:        "fac001",
	PolicyChanged:      "d00001",
	PolicyStale:        "d00002",
	MethodDisabled:     "d00003",
	ReaderTampered:     "d00004",
	PINBlocked:         "d00005",
	PINInvalid:         "afc516",
	TapInvalid:         "d00006",
	LinkInvalid:        "f29aef",
	LinkDisabled:       "f298cf",
	CardNotFound:       "faa9ef",
	CardNotActivated:   "faa9ff",
	ClockNotSet:        "d00007",
	NotYetValid:        "f358de",
	NoLongerValid:      "f35ade",
	AccessDisabled:     "fcd8ff",
	PlaceLockedDown:    "fad002",
	DoorLockedDown:     "fad001",
	ZoneDenied:         "fad137",
	OutsideSchedule:    "34ffaa",
	LocationUnknown:    "bbb99f",
	TooFarAway:         "a3995f",
	NotAtReader:        "bb4faa",
	AccessDenied:       "fcd8ef",
	NoApps:             "f01337",
	TapOnly:            "bbc93f",
	TwoFactorRequired:  "d00008",
	AlreadyUnlocked:    "fad110",
	InternalError:      "d00009",
	ReaderNotConnected: "d0000a",
	AntiPassback:       "d0000b",
	Interlocked:        "d0000c",
	EscortRequired:     "d0000d",
	SecondPerson:       "d0000e",
	PanelDecides:       "d0000f",
}

// Code returns the reason's 6-hex code, or "" for no reason.
func (r Reason) Code() string { return codes[r] }

// Reasons returns every reason there is, in the order of their names.
func Reasons() []Reason { return slices.Sorted(maps.Keys(codes)) }
