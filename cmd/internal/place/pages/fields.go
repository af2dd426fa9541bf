package pages

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"doord/policy"
)

// timeZoneField asks for a place's time zone. The script gives that of the browser.
func timeZoneField(name string) Field {
	return Field{Name: name, Label: "Time zone", Kind: "text", Required: true, Auto: "off", Value: "UTC",
		Hint: "All hours are by the clocks of this zone.", List: zonesOfTime}
}

var zonesOfTime = strings.Fields(`Africa/Cairo Africa/Johannesburg Africa/Lagos Africa/Nairobi America/Bogota America/Chicago
	America/Denver America/Halifax America/Los_Angeles America/Mexico_City America/New_York America/Phoenix America/Santiago
	America/Sao_Paulo America/Toronto Asia/Bangkok Asia/Dubai Asia/Hong_Kong Asia/Jakarta Asia/Jerusalem Asia/Kolkata Asia/Manila
	Asia/Seoul Asia/Shanghai Asia/Singapore Asia/Taipei Asia/Tokyo Atlantic/Reykjavik Australia/Adelaide Australia/Brisbane
	Australia/Perth Australia/Sydney Europe/Amsterdam Europe/Athens Europe/Berlin Europe/Brussels Europe/Bucharest Europe/Budapest
	Europe/Copenhagen Europe/Dublin Europe/Helsinki Europe/Istanbul Europe/Kyiv Europe/Lisbon Europe/London Europe/Madrid Europe/Oslo
	Europe/Paris Europe/Prague Europe/Rome Europe/Sofia Europe/Stockholm Europe/Vienna Europe/Warsaw Europe/Zurich Pacific/Auckland
	Pacific/Honolulu UTC`)

// restrictions are those that doors and groups have alike.
func restrictions(of string) Section {
	return Section{Title: "Restrictions", Hint: "They bind everybody who comes " + of + ".", Fields: []Field{
		{Name: "time_restriction_enabled", Label: "Only in its allowed hours", Kind: "check", Hint: "Without any allowed hours nobody gets in."},
		{Name: "geofence_restriction_enabled", Label: "Only near the door", Kind: "check", Hint: "Unlocking by phone asks for the phone's location; cards at the reader are not concerned."},
		{Name: "geofence_restriction_radius", Label: "How near", Kind: "number", Unit: "metres", Min: "1", Step: "any", Required: true},
		{Name: "reader_restriction_enabled", Label: "Only at the door's reader", Kind: "check", Hint: "Unlocking by phone asks for the code that the reader shows."},
	}}
}

func validity() []Field {
	return []Field{
		{Name: "valid_from", Label: "From", Kind: "datetime-local", Hint: "Empty: at once."},
		{Name: "valid_until", Label: "Until", Kind: "datetime-local", Hint: "Empty: for good."},
	}
}

func toOwn(kind string) func(*visit, Object) string {
	return func(v *visit, o Object) string { return v.here("/", kind, "/", o.Text("id")) }
}

func toList(kind string) func(*visit, Object) string {
	return func(v *visit, _ Object) string { return v.here("/", kind) }
}

var lockEditor = &editor{
	kind: "locks", envelope: "lock", noun: "door", nav: "doors",
	fresh: Object{"geofence_restriction_radius": policy.DefaultRadius, "when_clock_unset": "deny", "when_policy_stale": "admit", "on_fire": "stay"},
	home:  func(v *visit, o Object) string { return v.here("/doors/", o.Text("id")) },
	sections: func(*visit, Object) ([]Section, error) {
		return []Section{
			{Fields: []Field{
				{Name: "name", Label: "Name", Kind: "text", Required: true, Auto: "off"},
				{Name: "description", Label: "Description", Kind: "text", Auto: "off"},
				{Name: "kind", Label: "It is a", Kind: "choice", Options: pairs("", "Door", "turnstile", "Turnstile: one person for each unlock", "gate", "Gate: it does not close on a vehicle")},
				{Name: "direction", Label: "A turnstile turns", Kind: "choice", Options: pairs("", "Both ways", "in", "In only", "out", "Out only")},
			}},
			restrictions("through this door, before those of groups"),
			{Title: "More than one person", Fields: []Field{
				{Name: "two_person_within", Label: "Two members open it, the second within", Kind: "number", Unit: "seconds", Min: "3", Max: "120", Step: "any", Hint: "Empty: one is enough."},
				{Name: "escort_within", Label: "A visitor follows the escort within", Kind: "number", Unit: "seconds", Min: "3", Max: "300", Step: "any", Hint: "Empty: 30 seconds."},
			}},
			{Title: "At the door", Fields: []Field{
				{Name: "two_factor_enabled", Label: "Two factors", Kind: "check", Hint: "A tap counts only from an unlocked phone."},
				{Name: "latitude", Label: "Latitude", Kind: "number", Unit: "degrees", Min: "-90", Max: "90", Step: "any", Hint: "Empty: that of the place."},
				{Name: "longitude", Label: "Longitude", Kind: "number", Unit: "degrees", Min: "-180", Max: "180", Step: "any"},
			}},
			{Title: "When something is wrong", Fields: []Field{
				{Name: "when_clock_unset", Label: "The controller does not know the time", Kind: "choice", Options: pairs("deny", "Hours and dates deny", "allow", "Hours and dates are passed over")},
				{Name: "when_policy_stale", Label: "The controller was cut off for too long", Kind: "choice", Options: pairs("admit", "Go on with what it knows", "deny", "Let nobody in")},
				{Name: "on_fire", Label: "On fire, a fail-secure lock", Kind: "choice", Options: pairs("stay", "Stays locked: people leave by the handle", "release", "Is released"), Hint: "Fail-safe locks are always released."},
			}},
		}, nil
	},
}

var groupEditor = &editor{
	kind: "groups", envelope: "group", noun: "group", nav: "groups",
	fresh: Object{"login_enabled": true, "geofence_restriction_radius": policy.DefaultRadius},
	home:  toOwn("groups"),
	sections: func(*visit, Object) ([]Section, error) {
		r := restrictions("in by this group, unless the door has one of the same kind")
		r.Fields = append(r.Fields, Field{Name: "tap_to_access_restriction_enabled", Label: "Only by a tap or card at the reader", Kind: "check"})
		return []Section{
			{Fields: []Field{
				{Name: "name", Label: "Name", Kind: "text", Required: true, Auto: "off"},
				{Name: "description", Label: "Description", Kind: "text", Auto: "off"},
				{Name: "login_enabled", Label: "Members can unlock by phone", Kind: "check"},
			}},
			{Title: "When", Fields: validity()},
			r,
		}, nil
	},
}

var memberEditor = &editor{
	kind: "members", envelope: "member", noun: "member", nav: "members",
	fresh: Object{"access_enabled": true},
	home:  toOwn("members"),
	made:  memberMade,
	sections: func(*visit, Object) ([]Section, error) {
		return []Section{{Fields: []Field{
			{Name: "name", Label: "Name", Kind: "text", Auto: "off"},
			{Name: "email", Label: "E-mail", Kind: "email", Auto: "off", Hint: "With it the member is invited to unlock by phone. Without, there are cards."},
			{Name: "access_enabled", Label: "Access is on", Kind: "check", Hint: "Off: nothing opens for this member, whatever the groups say."},
			{Name: "link_allowed", Label: "May have a quick access link", Kind: "check"},
			{Name: "escort_required", Label: "Needs an escort", Kind: "check", Hint: "A visitor: doors open only just after somebody who may escort has entered."},
			{Name: "may_escort", Label: "May escort visitors", Kind: "check"},
		}}}, nil
	},
}

var roleEditor = &editor{
	kind: "role_assignments", envelope: "role_assignment", noun: "assignment", nav: "members",
	fresh: Object{"role_id": "member"},
	given: []string{"member_id", "applies_to.type", "applies_to.id"},
	home: func(v *visit, o Object) string {
		if g := o.Int("group_id"); g != 0 {
			return v.here("/groups/", o.Text("group_id"))
		}
		return v.here("/members/", o.Text("member_id"))
	},
	sections: func(v *visit, o Object) ([]Section, error) {
		about := o.In("applies_to")
		roles := pairs("member", "Member: opens the doors", "manager", "Manager: also looks after the group")
		title := "Role in the group"
		if about.Text("type") == "place" {
			roles = pairs("manager", "Manager: looks after all groups", "administrator", "Administrator: runs the place", "owner", "Owner: runs the place and who runs it")
			title = "Role at the place"
		}
		fields := []Field{{Name: "role_id", Label: title, Kind: "choice", Options: roles}}
		if o.ID() == 0 && about.Text("id") == "" && about.Text("type") == "group" {
			groups, err := v.api.all(v.ctx(), "groups", v.ofPlace("sort", "name"))
			if err != nil {
				return nil, err
			}
			fields = append([]Field{{Name: "applies_to.id", Label: "Group", Kind: "choice", Options: choices(groups, "Choose a group"), Required: true},
				{Name: "applies_to.type", Kind: "hidden", Value: "group"}}, fields...)
		}
		return []Section{{Fields: append(fields, validity()...)}}, nil
	},
}

var cardEditor = &editor{
	kind: "cards", envelope: "card", noun: "card", nav: "members",
	fresh: Object{"status": "activated", "kind": "card", "format": "H10301"},
	given: []string{"member_id", "kind", "format", "facility", "card", "uid"},
	home: func(v *visit, o Object) string {
		if o.Int("member_id") != 0 {
			return v.here("/members/", o.Text("member_id"))
		}
		return v.here("/cards")
	},
	made: linkMade,
	sections: func(v *visit, o Object) ([]Section, error) {
		var what, more []Field
		switch isNew, kind := o.ID() == 0, o.Text("kind"); {
		case kind == "pin":
			if isNew {
				what = []Field{{Name: "pin", Label: "PIN", Kind: "text", Required: true, Auto: "off", Hint: "4 to 8 digits. It is never shown again."}}
			}
			more = []Field{{Name: "duress", Label: "For use under duress", Kind: "check", Hint: "It opens as any other, and calls for help without a sign at the door."}}
		case kind == "link", kind == "phone":
		case isNew:
			what = []Field{
				{Name: "kind", Label: "What it is", Kind: "choice", Options: pairs("card", "Card", "fob", "Fob", "tag", "Tag")},
				{Name: "format", Label: "Format", Kind: "choice", Options: cardFormats()},
				{Name: "facility", Label: "Facility", Kind: "number", Min: "0", Hint: "The first of the two numbers; none in formats that have one only."},
				{Name: "card", Label: "Card number", Kind: "number", Min: "0"},
				{Name: "uid", Label: "Or its serial number (UID)", Kind: "text", Auto: "off", Hint: "8 to 20 hex digits. Leave the numbers empty then, and the format at “By serial number”."},
			}
		}
		what = append(what,
			Field{Name: "name", Label: "Name", Kind: "text", Auto: "off", Hint: "To tell it from others."},
			Field{Name: "status", Label: "Status", Kind: "choice", Options: pairs("activated", "Activated", "deactivated", "Deactivated", "unassigned", "Belongs to nobody")})
		return []Section{{Fields: append(append(what, more...), validity()...)}}, nil
	},
}

var groupLinkEditor = &editor{
	kind: "group_links", envelope: "group_link", noun: "link", nav: "groups",
	fresh: Object{"link_enabled": true},
	given: []string{"group_id"},
	home:  func(v *visit, o Object) string { return v.here("/groups/", o.Text("group_id")) },
	made:  linkMade,
	sections: func(v *visit, o Object) ([]Section, error) {
		fields := []Field{
			{Name: "name", Label: "For whom or what", Kind: "text", Required: true, Auto: "off"},
			{Name: "email", Label: "E-mail", Kind: "email", Auto: "off", Hint: "The link goes there. Empty: it is shown to you, once."},
		}
		if o.ID() != 0 {
			fields = append(fields, Field{Name: "link_enabled", Label: "The link is on", Kind: "check"})
		}
		return []Section{{Fields: append(fields, validity()...)}}, nil
	},
}

var controllerEditor = &editor{
	kind: "controllers", envelope: "controller", noun: "controller", nav: "controllers",
	home: toOwn("controllers"),
	sections: func(*visit, Object) ([]Section, error) {
		return []Section{{Fields: []Field{
			{Name: "name", Label: "Name", Kind: "text", Required: true, Auto: "off", Hint: "Where it hangs."},
			{Name: "device_id", Label: "Device", Kind: "text", Required: true, Auto: "off", Hint: "16 hex digits; they stand on the board, and doorctl status says them."},
		}}}, nil
	},
}

// parts are what doors are wired with.
func (v *visit) parts() (controllers, locks []Option, err error) {
	all, err := v.api.all(v.ctx(), "controllers", v.ofPlace("sort", "name"))
	if err != nil {
		return nil, nil, err
	}
	doors, err := v.api.all(v.ctx(), "locks", v.ofPlace("sort", "name"))
	return choices(all, "Choose a controller"), choices(doors, "None"), err
}

func channels(word string, n int) []Option {
	options := []Option{}
	for i := 1; i <= n; i++ {
		options = append(options, Option{Value: strconv.Itoa(i), Label: word + " " + strconv.Itoa(i)})
	}
	return options
}

func toDoorOrController(v *visit, o Object) string {
	if o.Int("lock_id") != 0 {
		return v.here("/doors/", o.Text("lock_id"))
	}
	return v.here("/controllers/", o.Text("controller_id"))
}

var relayKinds = pairs("lock", "A door's lock", "siren", "A siren", "elevator_stop", "An elevator's stop", "key_switch", "A panel's key switch")

var relayEditor = &editor{
	kind: "controller_relay_connections", envelope: "controller_relay_connection", noun: "relay", nav: "controllers",
	fresh: Object{"type": "lock", "duration": "3", "relock_on": ""},
	given: []string{"lock_id", "controller_id", "channel", "elevator_stop_id", "type"},
	tabs:  func(v *visit, o Object) []tab { return typeTabs(v, o, relayKinds) },
	home:  toDoorOrController,
	sections: func(v *visit, o Object) ([]Section, error) {
		controllers, locks, err := v.parts()
		if err != nil {
			return nil, err
		}
		relays := append(channels("Relay", policy.AuxChannel-1), Option{Value: strconv.Itoa(policy.AuxChannel), Label: "Auxiliary relay"})
		fields := []Field{
			{Name: "controller_id", Label: "Controller", Kind: "choice", Options: controllers, Required: true},
			{Name: "channel", Label: "Relay", Kind: "choice", Options: relays, read: func(f url.Values) any { return number(f.Get("channel")) }},
		}
		switch policy.RelayType(o.Text("type")) {
		case policy.RelayStop:
			stops, err := v.stops()
			if err != nil {
				return nil, err
			}
			return []Section{{Fields: append(fields,
				Field{Name: "elevator_stop_id", Label: "Stop", Kind: "choice", Options: stops, Required: true},
				Field{Name: "duration", Label: "It can be chosen for", Kind: "number", Unit: "seconds", Min: "0.5", Max: "600", Step: "any", Required: true})}}, nil
		case policy.RelayKeySwitch:
			zones, err := v.panelZones("Choose a zone")
			if err != nil {
				return nil, err
			}
			return []Section{{Fields: append(fields,
				Field{Name: "zone_id", Label: "Zone", Kind: "choice", Options: zones, Required: true, Hint: "One that an alarm panel arms. A pulse at its key switch arms or disarms it."},
				Field{Name: "duration", Label: "A pulse lasts", Kind: "number", Unit: "seconds", Min: "0.5", Max: "10", Step: "any", Required: true})}}, nil
		case policy.RelaySiren:
			zones, err := v.api.all(v.ctx(), "zones", v.ofPlace("sort", "name"))
			if err != nil {
				return nil, err
			}
			return []Section{{Fields: append(fields, Field{Name: "zone_id", Label: "It sounds while this zone is violated", Kind: "choice", Options: choices(zones, "None")})}}, nil
		case policy.RelayLock:
		}
		return []Section{{Fields: append(fields,
			Field{Name: "lock_id", Label: "Door", Kind: "choice", Options: locks, Required: true},
			Field{Name: "duration", Label: "Unlocked for", Kind: "number", Unit: "seconds", Min: "0.5", Max: "600", Step: "any", Required: true, Hint: "People need 3 seconds at least."},
			Field{Name: "relock_on", Label: "Locks again", Kind: "choice", Options: pairs("", "As the lock needs it", "open", "When the door opens", "close", "When the door closes", "timeout", "When the time is over")},
		)}}, nil
	},
}

var inputKinds = pairs("contact_sensor", "Door contact", "request_to_exit", "Request to exit", "tamper", "Case", "fire", "Fire", "alarm_panel", "Alarm panel", "passage", "Passage", "loop", "Vehicle in a gate")

var inputEditor = &editor{
	kind: "controller_input_connections", envelope: "controller_input_connection", noun: "input", nav: "controllers",
	fresh: Object{"type": "contact_sensor"},
	given: []string{"lock_id", "controller_id", "channel", "type"},
	tabs:  func(v *visit, o Object) []tab { return typeTabs(v, o, inputKinds) },
	home:  toDoorOrController,
	sections: func(v *visit, o Object) ([]Section, error) {
		controllers, locks, err := v.parts()
		if err != nil {
			return nil, err
		}
		fields := []Field{
			{Name: "controller_id", Label: "Controller", Kind: "choice", Options: controllers, Required: true},
			{Name: "channel", Label: "Input", Kind: "choice", Options: channels("Input", policy.Inputs), read: func(f url.Values) any { return number(f.Get("channel")) }},
		}
		door := Field{Name: "lock_id", Label: "Door", Kind: "choice", Options: locks, Required: true}
		switch policy.InputType(o.Text("type")) {
		case policy.InputContact:
			fields = append(fields, door,
				Field{Name: "duration", Label: "It is held open after", Kind: "number", Unit: "seconds", Min: "3", Max: "600", Step: "any", Required: true, Value: "30"},
				Field{Name: "pre_alarm", Label: "The reader warns before that for", Kind: "number", Unit: "seconds", Min: "0", Max: "600", Step: "any", Hint: "Empty: it does not."})
		case policy.InputREX:
			fields = append(fields, door,
				Field{Name: "action", Label: "A press", Kind: "choice", Options: pairs("unlock", "Unlocks the door", "shunt", "Only keeps the alarm silent", "last_to_leave", "Unlocks, and the last has left", "none", "Is only written down")},
				Field{Name: "duration", Label: "For", Kind: "number", Unit: "seconds", Min: "0.5", Max: "600", Step: "any", Required: true, Value: "5", Hint: "Doors that a sensor releases need 30."})
		case policy.InputPassage, policy.InputLoop:
			fields = append(fields, door)
		case policy.InputPanel:
			zones, err := v.panelZones("None")
			if err != nil {
				return nil, err
			}
			fields = append(fields,
				Field{Name: "zone_id", Label: "Zone", Kind: "choice", Options: zones, Hint: "One that an alarm panel arms."},
				Field{Name: "signal", Label: "It tells that the zone is", Kind: "choice", Options: pairs("", "Nothing of a zone", "away", "Armed, away", "stay", "Armed, stay", "disarmed", "Disarmed", "violated", "Violated: the panel's alarm")})
		case policy.InputTamperS, policy.InputFire:
		}
		return []Section{{Fields: fields, Hint: "What its wires are like, and which doors it releases to leave or on fire, the board itself knows."}}, nil
	},
}

var readerEditor = &editor{
	kind: "readers", envelope: "reader", noun: "reader", nav: "controllers",
	fresh: Object{"direction": "in", "cards_enabled": true, "tap_enabled": true, "pin_mode": "none", "buzzer_enabled": true, "held_open_alarm_enabled": true},
	given: []string{"lock_id", "controller_id", "elevator_id", "port"},
	home:  toDoorOrController,
	sections: func(v *visit, o Object) ([]Section, error) {
		controllers, locks, err := v.parts()
		if err != nil {
			return nil, err
		}
		at := Field{Name: "lock_id", Label: "Door", Kind: "choice", Options: locks, Required: true}
		if o.Int("elevator_id") != 0 {
			elevators, err := v.api.all(v.ctx(), "elevators", v.ofPlace("sort", "name"))
			if err != nil {
				return nil, err
			}
			at = Field{Name: "elevator_id", Label: "Elevator", Kind: "choice", Options: choices(elevators, ""), Required: true}
		}
		return []Section{
			{Fields: []Field{
				{Name: "name", Label: "Name", Kind: "text", Auto: "off"},
				{Name: "controller_id", Label: "Controller", Kind: "choice", Options: controllers, Required: true},
				{Name: "port", Label: "Port", Kind: "text", Required: true, Auto: "off", List: []string{"wiegand:1", "wiegand:2", "wiegand:3", "wiegand:4", "osdp:0", "osdp:1"}, Hint: "wiegand:1 to wiegand:4, or osdp: with the address."},
				at,
				{Name: "direction", Label: "It lets people", Kind: "choice", Options: pairs("in", "In", "out", "Out")},
			}},
			{Title: "It accepts", Fields: []Field{
				{Name: "cards_enabled", Label: "Cards", Kind: "check"},
				{Name: "tap_enabled", Label: "Taps of phones", Kind: "check"},
				{Name: "wave_to_unlock_enabled", Label: "A wave", Kind: "check"},
				{Name: "pin_mode", Label: "PINs", Kind: "choice", Options: pairs("none", "Not", "pin_only", "By themselves", "card_and_pin", "After a card")},
				{Name: "device_unlock_restriction_enabled", Label: "Two factors: a tap only from an unlocked phone", Kind: "check"},
			}},
			{Title: "It watches and sounds", Fields: []Field{
				{Name: "tamper_enabled", Label: "Stops when it is tampered with", Kind: "check", Hint: "Until an administrator resets it."},
				{Name: "buzzer_enabled", Label: "May beep", Kind: "check"},
				{Name: "held_open_alarm_enabled", Label: "Sounds when the door is held open", Kind: "check"},
			}},
		}, nil
	},
}

var placeEditor = &editor{
	kind: "places", envelope: "place", noun: "place", nav: "place",
	home: toList("place"),
	sections: func(*visit, Object) ([]Section, error) {
		return []Section{{Fields: []Field{
			{Name: "name", Label: "Name", Kind: "text", Required: true, Auto: "off"},
			timeZoneField("time_zone"),
			{Name: "latitude", Label: "Latitude", Kind: "number", Unit: "degrees", Min: "-90", Max: "90", Step: "any", Hint: "For doors that ask phones to be near."},
			{Name: "longitude", Label: "Longitude", Kind: "number", Unit: "degrees", Min: "-180", Max: "180", Step: "any"},
			{Name: "names_on_controllers", Label: "Controllers may keep names", Kind: "check", Hint: "For the technician at the door. Off: they know members by number only."},
		}}}, nil
	},
}

var zoneEditor = &editor{
	kind: "zones", envelope: "zone", noun: "zone", nav: "zones",
	home: toOwn("zones"),
	sections: func(v *visit, o Object) ([]Section, error) {
		doors, err := v.api.all(v.ctx(), "locks", v.ofPlace("sort", "name"))
		if err != nil {
			return nil, err
		}
		inside, outside := map[int64]bool{}, map[int64]bool{}
		for _, d := range o.List("doors") {
			inside[d.Int("lock_id")] = true
			outside[d.Int("lock_id")] = d.Is("exterior")
		}
		options := choices(doors, "")
		fields := []Field{
			{Name: "name", Label: "Name", Kind: "text", Required: true, Auto: "off"},
			{Name: "source", Label: "It is armed by", Kind: "choice", Options: pairs("", "Its hours", "panel", "An alarm panel"), Hint: "Inputs of the type alarm panel tell what the panel has set."},
		}
		if o.Text("source") == string(policy.SourcePanel) {
			same := ""
			if o.Text("override_on_access") == string(policy.OnAccessNone) {
				same = string(policy.OnAccessNone)
			}
			fields = append(fields, Field{Name: "override_on_access", Label: "When somebody who may comes in", Kind: "choice", Options: pairs(same, "Nothing changes", "disarm", "The panel's key switch disarms it")})
		}
		in := Field{Name: "doors", Label: "Doors within", Kind: "checks", Options: options, Hint: "A door belongs to one zone."}
		out := Field{Name: "exterior", Label: "Of these, doors that lead out", Kind: "checks", Options: slices.Clone(options), Hint: "While people stay, only these are watched."}
		for i := range options {
			id := Object{"id": options[i].Value}.Int("id")
			in.Options[i].On, out.Options[i].On = inside[id], outside[id]
		}
		in.read = func(f url.Values) any {
			list := []map[string]any{}
			for _, id := range f["doors"] {
				list = append(list, map[string]any{"lock_id": number(id), "exterior": slices.Contains(f["exterior"], id)})
			}
			return list
		}
		out.read = func(url.Values) any { return nil }
		return []Section{{Fields: append(fields, in, out)}}, nil
	},
}

var webhookEditor = &editor{
	kind: "webhooks", envelope: "webhook", noun: "webhook", nav: "place",
	fresh: Object{"enabled": true},
	home:  toList("place"),
	made:  webhookMade,
	sections: func(*visit, Object) ([]Section, error) {
		return []Section{{Fields: []Field{
			{Name: "name", Label: "Name", Kind: "text", Auto: "off"},
			{Name: "url", Label: "Address", Kind: "url", Required: true, Auto: "off", Hint: "https, and not within this network."},
			{Name: "enabled", Label: "On", Kind: "check"},
			{Name: "types", Label: "Events", Kind: "area", Hint: "One type a line, such as lock.forced_open. Empty: all.", read: func(f url.Values) any {
				return append([]string{}, strings.Fields(f.Get("types"))...)
			}},
		}}}, nil
	},
}

var editors = []*editor{
	lockEditor, groupEditor, memberEditor, roleEditor, cardEditor, groupLinkEditor, controllerEditor, relayEditor, inputEditor,
	readerEditor, placeEditor, zoneEditor, webhookEditor, scheduleEditor, areaEditor, interlockEditor, elevatorEditor, stopEditor,
	wirelessEditor,
}
