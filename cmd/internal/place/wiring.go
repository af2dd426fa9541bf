package place

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"doord/cmd/internal/place/fleet"
	"doord/policy"
	"doord/store/cloudsync"
)

// Controller is one board. It is assigned to the place by a claim code.
type Controller struct {
	Base
	controllerRecord
	ZoneController bool `json:"zone_controller"`
}

type (
	controllerRecord struct{ controllerFields }
	controllerFields policy.Controller
)

var controllers = new(kind)

func init() {
	*controllers = kind{
		path: "controllers", envelope: "controller", resource: "Controller",
		fresh:  func() record { return &Controller{} },
		object: controllerObject{},
		filters: map[string]filter{"online": {"boolean", func(s *shower, value string) (func(record) bool, error) {
			return func(r record) bool { return s.status(r.base().ID).online == (value == "true") }, nil
		}}},
		sorts: map[string]func(*shower, record, record) int{"name": byName},
		words: func(body map[string]json.RawMessage) { rename(body, "token", "device_id") },
		prepare: func(_ *call, _ *tx, _, r record) (any, error) {
			c := r.(*Controller)
			c.DeviceID = strings.ToLower(c.DeviceID)
			return nil, nil
		},
		removed: func(c *call, _ *tx, r record) error { return c.revoke(r) },
		actions: []action{
			{name: "deassign", reply: done{}, do: func(c *call, r record) (any, error) {
				if err := c.revoke(r); err != nil {
					return nil, err
				}
				return done{"Deassigned!"}, c.s.change(func(t *tx) error {
					t.tell(c, "controller.deassign", controllers, r)
					return nil
				})
			}},
			{name: "reboot", reply: done{}, do: func(c *call, r record) (any, error) {
				return done{"Rebooting!"}, c.order(r.base().ID, cloudsync.ActionReboot, 0, 0)
			}},
		},
	}
}

// revoke ends a controller's enrolment; one that has none yet has none after.
func (c *call) revoke(r record) error {
	if err := c.s.fleet.Revoke(r.base().ID); err != nil && !errors.Is(err, fleet.ErrNoController) {
		return err
	}
	return nil
}

type assignBody struct {
	PlaceID int64  `json:"place_id"`
	Name    string `json:"name"`
}

type assigned struct {
	*controllerObject
	Claim claim `json:"claim"`
}

// claim is what doorctl enroll wants to know. It is good once.
type claim struct {
	Code      string    `json:"code"`
	ExpiresAt time.Time `json:"expires_at"`
}

// assign makes the board with a device id a controller of a place, or finds it there,
// and gives out a claim code for it.
func assign(c *call) (int, any, error) {
	var body assignBody
	if err := c.decode("controller", &body); err != nil {
		return 0, nil, err
	}
	if body.PlaceID == 0 {
		body.PlaceID = c.onlyPlace(controllers, "assign")
	}
	if c.caller.at(body.PlaceID) == nil {
		return 0, nil, errMissing
	}
	if !c.caller.may(nil, controllers, "assign", body.PlaceID, nil) {
		return 0, nil, errForbidden
	}
	x := &Controller{Base: Base{PlaceID: body.PlaceID}, controllerRecord: controllerRecord{controllerFields{
		DeviceID: strings.ToLower(c.r.PathValue("id")), Name: body.Name,
	}}}
	if err := c.s.change(func(t *tx) error {
		if known, is := any(t.find(controllers, x.deviceKey())).(*Controller); is {
			x = known
		} else {
			t.put(controllers, x)
		}
		t.tell(c, "controller.assign", controllers, x)
		return nil
	}); err != nil {
		return 0, nil, err
	}
	made, err := c.s.fleet.Claim(x.PlaceID, x.ID, x.DeviceID)
	if err != nil {
		return 0, nil, err
	}
	o, _ := c.show(controllers, x).(*controllerObject)
	return http.StatusOK, assigned{o, claim{made.Code, made.Expires}}, nil
}

func (c *Controller) text() string      { return c.Name }
func (c *Controller) deviceKey() string { return fmt.Sprint(c.PlaceID, " ", c.DeviceID) }
func (c *Controller) keys() []key {
	return []key{{"device_id", c.deviceKey(), "is another controller's already", codeTaken}}
}
func (c *Controller) addTo(r *policy.Records) {
	p := policy.Controller(c.controllerFields)
	p.ID = c.ID
	r.Controllers = append(r.Controllers, p)
}

type controllerObject struct {
	*Controller
	ResourceType string     `json:"resource_type"`
	Place        *placeRef  `json:"place"`
	Online       bool       `json:"online"`
	LastSeenAt   *time.Time `json:"last_seen_at"`
	Revision     string     `json:"revision"`   // of doord
	Policy       string     `json:"policy"`     // in force
	UpToDate     bool       `json:"up_to_date"` // that policy is the place's
	ClockSet     bool       `json:"clock_set"`
	Queue        uint64     `json:"events_queued"`
	Faults       []string   `json:"faults"`
}

func (c *Controller) show(s *shower) any {
	st := s.status(c.ID)
	o := &controllerObject{Controller: c, ResourceType: controllers.resource, Place: s.place(c.PlaceID), Online: st.online,
		LastSeenAt: orNull(st.since), Revision: st.Version, Policy: st.Policy,
		UpToDate: st.online && st.Policy == s.s.fleet.Position(c.PlaceID).String(), ClockSet: st.ClockSet, Queue: st.Queue, Faults: st.Faults}
	if o.Faults == nil {
		o.Faults = []string{}
	}
	return o
}

// RelayConnection binds a relay of a controller to what it drives.
type RelayConnection struct {
	Base
	relayConnectionRecord
}

type (
	relayConnectionRecord struct{ relayConnectionFields }
	relayConnectionFields policy.RelayConnection
)

var relayConnections = new(kind)

func init() {
	*relayConnections = kind{
		path: "controller_relay_connections", envelope: "controller_relay_connection", resource: "ControllerRelayConnection",
		fresh: func() record {
			return &RelayConnection{relayConnectionRecord: relayConnectionRecord{relayConnectionFields{Type: policy.RelayLock, Duration: policy.DefaultRelease}}}
		},
		object: relayConnectionObject{},
		words:  relayChannel,
	}
}

// relayChannel takes "aux" for the number of the auxiliary relay.
func relayChannel(body map[string]json.RawMessage) {
	if string(body["channel"]) == `"aux"` {
		body["channel"] = json.RawMessage(strconv.Itoa(policy.AuxChannel))
	}
}

func (c *RelayConnection) refs() []ref {
	return []ref{
		{field: "controller_id", to: controllers, id: c.ControllerID},
		{field: "lock_id", to: locks, id: c.LockID, may: c.Type != policy.RelayLock},
		{field: "zone_id", to: zones, id: c.ZoneID, may: true},
		{field: "alarm_rule_id", to: alarmRules, id: c.AlarmRuleID, may: true},
		{field: "elevator_stop_id", to: elevatorStops, id: c.StopID, may: c.Type != policy.RelayStop},
	}
}
func (c *RelayConnection) addTo(r *policy.Records) {
	p := policy.RelayConnection(c.relayConnectionFields)
	p.ID = c.ID
	r.RelayConnections = append(r.RelayConnections, p)
}

type relayConnectionObject struct {
	*RelayConnection
	ResourceType string   `json:"resource_type"`
	Lock         *nameRef `json:"lock"`
	Stop         *nameRef `json:"elevator_stop"`
	LockType     string   `json:"lock_type,omitempty"` // as the controller reports it
	FailMode     string   `json:"fail_mode,omitempty"`
}

func (c *RelayConnection) show(s *shower) any {
	o := &relayConnectionObject{RelayConnection: c, ResourceType: relayConnections.resource, Lock: s.named(locks, c.LockID), Stop: s.named(elevatorStops, c.StopID)}
	for _, d := range s.status(c.ControllerID).Doors {
		if d.LockID == c.LockID && d.LockID != 0 {
			o.LockType, o.FailMode = d.LockType, d.FailMode
		}
	}
	return o
}

// InputConnection binds an input of a controller to what it means. What its wires are
// like is the installer's to say: it is kept here to be shown.
type InputConnection struct {
	Base
	inputConnectionRecord
	Normally       string  `json:"normally,omitempty"` // open, closed
	Debounce       int     `json:"debounce"`           // ms
	EndOfLine      string  `json:"end_of_line"`        // none, cut_detect, short_detect, cut_and_short_detect
	MainResistor   float64 `json:"main_resistor"`      // ohm
	SecondResistor float64 `json:"second_resistor"`
}

type (
	inputConnectionRecord struct{ inputConnectionFields }
	inputConnectionFields policy.InputConnection
)

var inputConnections = new(kind)

func init() {
	*inputConnections = kind{
		path: "controller_input_connections", envelope: "controller_input_connection", resource: "ControllerInputConnection",
		fresh:  func() record { return &InputConnection{Debounce: 30, EndOfLine: "none"} },
		object: inputConnectionObject{},
		prepare: func(c *call, _ *tx, _, r record) (any, error) {
			x := r.(*InputConnection)
			if x.Type == policy.InputContact && x.Duration == 0 && c.body["duration"] == nil {
				x.Duration = policy.DefaultHeldOpen
			}
			if x.Type == policy.InputREX && x.Duration == 0 && c.body["duration"] == nil {
				x.Duration = policy.DefaultREX
			}
			if x.Type == policy.InputREX && x.Action == "" {
				x.Action = policy.REXUnlock
			}
			return nil, nil
		},
	}
}

func (c *InputConnection) refs() []ref {
	return []ref{
		{field: "controller_id", to: controllers, id: c.ControllerID},
		{field: "lock_id", to: locks, id: c.LockID, may: !c.ofLock()},
		{field: "zone_id", to: zones, id: c.ZoneID, may: true},
	}
}

// ofLock reports whether the input is nothing without a lock.
func (c *InputConnection) ofLock() bool {
	return slices.Contains([]policy.InputType{policy.InputContact, policy.InputREX, policy.InputPassage, policy.InputLoop}, c.Type)
}

// without its zone an alarm panel's input still says that there is one.
func (c *InputConnection) without(to *kind, _ int64) record {
	if to != zones {
		return nil
	}
	left := *c
	left.ZoneID, left.Signal = 0, ""
	return &left
}

func (c *InputConnection) check(_ view, bad *Invalid) {
	bad.must(c.Normally == "" || c.Normally == "open" || c.Normally == "closed", "normally", "must be open or closed")
	bad.must(c.Debounce >= 0 && c.Debounce <= 1000, "debounce", "must be 0 to 1000 ms")
	switch c.EndOfLine {
	case "none", "cut_detect", "short_detect", "cut_and_short_detect":
	default:
		bad.Add("end_of_line", "must be none, cut_detect, short_detect or cut_and_short_detect")
	}
	bad.must(c.MainResistor >= 0 && c.MainResistor <= 100_000, "main_resistor", "must be 0 to 100000 ohm")
	bad.must(c.SecondResistor >= 0 && c.SecondResistor <= 100_000, "second_resistor", "must be 0 to 100000 ohm")
}
func (c *InputConnection) addTo(r *policy.Records) {
	p := policy.InputConnection(c.inputConnectionFields)
	p.ID = c.ID
	r.InputConnections = append(r.InputConnections, p)
}

type inputConnectionObject struct {
	*InputConnection
	ResourceType string   `json:"resource_type"`
	Lock         *nameRef `json:"lock"`
	Status       string   `json:"status"` // open, closed, cut, short, unknown
}

func (c *InputConnection) show(s *shower) any {
	o := &inputConnectionObject{InputConnection: c, ResourceType: inputConnections.resource, Lock: s.named(locks, c.LockID), Status: "unknown"}
	for _, in := range s.status(c.ControllerID).Inputs {
		if in.Channel == c.Channel {
			o.Status = in.Status
		}
	}
	return o
}

// Reader is a reader and the ways of unlocking that it accepts.
type Reader struct {
	Base
	readerRecord
	Name     string `json:"name"`
	Checkout bool   `json:"checkout"`
}

type (
	readerRecord struct{ readerFields }
	readerFields policy.Reader
)

var readers = new(kind)

func init() {
	*readers = kind{
		path: "readers", envelope: "reader", resource: "Reader",
		fresh: func() record {
			return &Reader{readerRecord: readerRecord{readerFields{
				Direction: policy.In, Cards: true, Tap: true, PIN: policy.PINNone, Buzzer: true, HeldOpen: true,
			}}}
		},
		object: readerObject{},
		sorts:  map[string]func(*shower, record, record) int{"name": byName},
		actions: []action{{name: "reset_tamper", reply: done{}, do: func(c *call, r record) (any, error) {
			x := r.(*Reader)
			return done{"Reset!"}, c.order(x.ControllerID, cloudsync.ActionResetTamper, x.LockID, x.ID)
		}}},
	}
}

const wiegandPort = "wiegand:"

// wiegandConnections are the readers at Wiegand ports, by the number of the port.
var wiegandConnections = new(kind)

func init() {
	*wiegandConnections = kind{
		path: "controller_wiegand_connections", envelope: "controller_wiegand_connection", resource: "ControllerWiegandConnection",
		alias: readers, object: wiegandObject{},
		only: func(r record) bool { return strings.HasPrefix(r.(*Reader).Port, wiegandPort) },
		words: func(body map[string]json.RawMessage) {
			if channel, given := body["channel"]; given {
				body["port"] = fmt.Appendf(nil, `"%s%s"`, wiegandPort, strings.Trim(string(channel), `"\`))
			}
		},
	}
}

func (x *Reader) text() string { return x.Name }
func (x *Reader) refs() []ref {
	return []ref{
		{field: "controller_id", to: controllers, id: x.ControllerID},
		{field: "lock_id", to: locks, id: x.LockID, may: x.ElevatorID != 0},
		{field: "elevator_id", to: elevators, id: x.ElevatorID, may: true},
	}
}
func (x *Reader) addTo(r *policy.Records) {
	p := policy.Reader(x.readerFields)
	p.ID = x.ID
	r.Readers = append(r.Readers, p)
}

type readerObject struct {
	*Reader
	ResourceType string   `json:"resource_type"`
	Lock         *nameRef `json:"lock"`
	Elevator     *nameRef `json:"elevator"` // of a reader in a car, which has no lock
	Online       *bool    `json:"online"`   // null: the controller does not tell
	Tampered     bool     `json:"tampered"`
}

func (x *Reader) show(s *shower) any {
	o := &readerObject{Reader: x, ResourceType: readers.resource, Lock: s.named(locks, x.LockID), Elevator: s.named(elevators, x.ElevatorID)}
	st := s.status(x.ControllerID)
	for _, r := range st.Readers {
		if r.Port == x.Port {
			o.Online, o.Tampered = new(r.Online && st.online), r.Tampered
		}
	}
	return o
}

type wiegandObject struct {
	*readerObject
	ResourceType string `json:"resource_type"`
	Channel      int    `json:"channel"`
}

// showAs is how an alias shows a record.
func (k *kind) showAs(s *shower, r record) any {
	o := r.show(s)
	if k != wiegandConnections {
		return o
	}
	x := o.(*readerObject)
	channel, _ := strconv.Atoi(strings.TrimPrefix(x.Port, wiegandPort)) // the port was checked
	return &wiegandObject{x, wiegandConnections.resource, channel}
}
