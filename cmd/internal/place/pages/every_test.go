package pages

import (
	"fmt"
	"testing"
)

func TestEveryPageIsShown(t *testing.T) {
	r := newRig(t)
	r.get("/sign-in").see(t, "Sign in")
	r.get("/setup").see(t, "One-time code")
	r.setUp()
	r.get(r.p+"/doors").see(t, "First steps")
	h := r.furnish()
	for path, text := range map[string]string{
		"/":                                  "Front door",
		"/you":                               "Where you are signed in",
		"/manage":                            "Front door",
		"/invited":                           "Invitation",
		"/link":                              "Your doors",
		r.p + "/doors":                       "Held open",
		r.p + "/schedules":                   "Office hours",
		r.p + "/groups":                      "Everybody who works here",
		r.p + "/members":                     "Grace Hopper",
		r.p + "/members?q=ada":               "Ada Lovelace",
		r.p + "/cards":                       "118 / 1604",
		r.p + "/controllers":                 "Cabinet",
		r.p + "/zones":                       "Ground floor",
		r.p + "/events":                      "made",
		r.p + "/place":                       "Europe/Berlin",
		r.p + "/guide":                       "Name a door",
		r.p + "/locks/new":                   "New door",
		r.p + "/webhooks/new":                "New webhook",
		r.p + "/schedules/new":               "Every week",
		r.p + "/controllers/new":             "New controller",
		r.p + "/zones/new":                   "Doors within",
		r.p + "/groups/new":                  "New group",
		r.p + "/members/new":                 "New member",
		fmt.Sprint(r.p, "/doors/", h.front):  "Saturday market",
		fmt.Sprint(r.p, "/doors/", h.lab):    "Lets people in",
		fmt.Sprint(r.p, "/groups/", h.staff): "Ada Lovelace",
		fmt.Sprint(r.p, "/groups/", h.staff, "?q=o"):    "is in it",
		fmt.Sprint(r.p, "/groups/", h.guests):           "Visiting hours",
		fmt.Sprint(r.p, "/members/", h.ada):             "118 / 1603",
		fmt.Sprint(r.p, "/members/", h.ada, "/enrol"):   "Waiting for a card",
		fmt.Sprint(r.p, "/controllers/", h.controller):  "back-contact",
		fmt.Sprint(r.p, "/zones/", h.zone):              "Every day, 20:00–06:00",
		fmt.Sprint(r.p, "/zones/", h.zone, "/blocks/0"): "value=\"20:00\"",
		r.p + "/rules":                                                  "Laboratory, Back door",
		r.p + "/anti_passback_areas/new":                                "Gate, Car park gate (in)",
		r.p + "/interlocks/new":                                         "One at a time",
		r.p + "/elevators":                                              "2 stops",
		r.p + "/elevators/new":                                          "New elevator",
		fmt.Sprint(r.p, "/anti_passback_areas/", h.area):                "It is known where somebody is for 7200 s",
		fmt.Sprint(r.p, "/anti_passback_areas/", h.area, "?q=ada"):      "Forgive<span class=\"unseen\"> Ada",
		fmt.Sprint(r.p, "/interlocks/", h.interlock, "/edit"):           "Clean room",
		fmt.Sprint(r.p, "/elevators/", h.elevator):                      "Can be chosen by its hours",
		fmt.Sprint(r.p, "/elevators/", h.elevator, "?"):                 "Floor -1",
		fmt.Sprint(r.p, "/elevator_stops/", h.stop):                     "Roof garden",
		fmt.Sprint(r.p, "/elevator_stops/", h.cellar):                   "Add relay",
		fmt.Sprint(r.p, "/elevator_stops/new?elevator_id=", h.elevator): "Floor",
		fmt.Sprint(r.p, "/readers/new?elevator_id=", h.elevator):        "North lift",
		fmt.Sprint(r.p, "/wireless_locks/new?lock_id=", h.shed):         "Channel at the gateway",
		r.p + "/controller_relay_connections/new?type=elevator_stop":    "North lift: Roof",
		r.p + "/controller_relay_connections/new?type=key_switch":       "A pulse lasts",
		r.p + "/controller_input_connections/new?type=alarm_panel":      "Violated",
		fmt.Sprint(r.p, "/doors/", h.shed):                              "Battery low, 11 %",
		fmt.Sprint(r.p, "/doors/", h.shed, "?"):                         "A turnstile that turns in only",
		fmt.Sprint(r.p, "/controllers/", h.controller, "?"):             "Bolt does not move",
		fmt.Sprint(r.p, "/groups/", h.staff, "?from=0"):                 "North lift: Roof",
		fmt.Sprint(r.p, "/zones/", h.zone, "/edit"):                     "Ground floor",
		fmt.Sprint(r.p, "/locks/", h.back, "/edit"):                     "53.54",
		fmt.Sprint(r.p, "/cards/new?member_id=", h.ada, "&kind=pin"):    "PIN",
	} {
		r.get(path).see(t, text)
	}
}
