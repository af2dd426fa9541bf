package policy

// texts say each reason in words that help whoever stands at the door.
var texts = map[Reason]string{
	DoorNotFound:       "there is no such door",
	DoorMisconfigured:  "the door's wiring and the policy disagree",
	NoController:       "the door has no controller",
	Unavailable:        "the door's controller does not answer",
	PolicyChanged:      "the policy changed in that moment: try again",
	PolicyStale:        "the policy is too old: the controller has not reached its place",
	MethodDisabled:     "this reader does not accept this way of unlocking",
	ReaderTampered:     "the reader was tampered with: an administrator must reset it",
	PINBlocked:         "too many wrong PINs: wait, or use a card",
	PINInvalid:         "the PIN is wrong",
	TapInvalid:         "the phone's answer is not valid",
	LinkInvalid:        "the link is not valid",
	LinkDisabled:       "the link was turned off",
	CardNotFound:       "nobody has this card",
	CardNotActivated:   "the card is not activated",
	ClockNotSet:        "the controller does not know the time yet",
	NotYetValid:        "not valid yet",
	NoLongerValid:      "no longer valid",
	AccessDisabled:     "the member's access is turned off",
	PlaceLockedDown:    "the place is locked down",
	DoorLockedDown:     "the door is locked down",
	ZoneDenied:         "the zone is armed",
	OutsideSchedule:    "outside the hours",
	LocationUnknown:    "the phone does not know well enough where it is",
	TooFarAway:         "too far away from the door",
	NotAtReader:        "only at the door's reader",
	AccessDenied:       "none of the member's groups opens this door",
	NoApps:             "the group does not allow unlocking in the app",
	TapOnly:            "only a tap at the reader will do",
	TwoFactorRequired:  "unlock the phone and tap again",
	AntiPassback:       "has gone this way already, and not come back",
	Interlocked:        "another door of the interlock is open or unlocked: wait for it",
	EscortRequired:     "a visitor enters after an escort: let that card be read first",
	SecondPerson:       "two people open this door: let another card be read",
	PanelDecides:       "the alarm panel decides that: see to it there",
	AlreadyUnlocked:    "the door is unlocked by its schedule already",
	InternalError:      "a fault in the controller",
	ReaderNotConnected: "the reader does not answer",
}

// Text says the reason in words; "" for no reason.
func (r Reason) Text() string { return texts[r] }

func (f Feedback) String() string {
	return [...]string{"idle", "released", "granted", "denied", "ask_pin", "two_factor", "second_person", "warning", "alarm", "offline"}[f]
}
