package policy

// Feedback is what a reader shows the person before it.
type Feedback int

// The feedback that a door gives, the more urgent the later.
const (
	ShowIdle         Feedback = iota // the door is secured and at rest
	ShowReleased                     // the door may be opened: schedule, hold or fire
	ShowGranted                      // this read opened the door
	ShowDenied                       // this read did not
	ShowAskPIN                       // now type the PIN
	ShowTwoFactor                    // unlock the phone and tap again
	ShowSecondPerson                 // now the other one of two
	ShowWarning                      // close the door: it will alarm soon
	ShowAlarm                        // the door is forced or held open
	ShowOffline                      // the controller cannot serve
)
