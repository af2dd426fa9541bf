package sim

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"doord/policy"
	"doord/policy/controller"
	"doord/policy/door"
)

// Play runs the stimuli of a trace and returns the trace with what followed.
// Comments and stimuli stay as they are. Files that it names are found beside
// it, in dir.
//
// The stimuli, each after its time of day (and a date, where the day changes):
//
//	start POLICY.json | none [clock=unset]      first of all; board=yard, tower, shop or wireless: at that one
//	policy POLICY.json [locked_down=place|LOCK] a new policy
//	card reader=R h10301=FACILITY/CARD | uid=HEX
//	pin reader=R 1234
//	input NAME active|inactive|cut|short|chatters
//	ask reader=R · tap reader=R phone=NAME [locked] [from=R] [again] · wave …
//	app door=LOCK member=M [at=LAT,LONG,ACCURACY] [age=10s] [code=shown|shown-40s|WORD]
//	link door=LOCK secret=HEX                   the hash of a link's secret
//	arrived door=LOCK [member=M] · left …       a person's word for it
//	unlock DOOR · hold DOOR released|secured for=10m · unhold DOOR
//	lockdown DOOR on|off · fire-reset · reset-reader R
//	tamper reader=R
//	clock set=2026-03-01T08:00:00Z              the wall clock steps
//	zone ID LEVEL for=1h · zone ID blocks · zone ID reset
//	zone ID met [level=L until=TIME order=N] [violated=TIME] [reset=TIME]
//	stop ID permit|lockdown [on|off]            of an elevator
//	forgive AREA|all [member=M]                 where somebody is, or everybody
//	alarm RULE silence|reset · stale TIME       the policy's head expires then
//	wireless DOOR locked|unlocked [by=presence|time|hand] [door=open|closed] [battery=N] [stalled] [tampered]
//	wireless DOOR lost [why=loss_of_rf] · wireless DOOR entered|left
//	restart · save · wait                       save: and load again, at once
func Play(trace []byte, dir string, board controller.Board) ([]byte, error) {
	var out strings.Builder
	p := player{dir: dir, board: board, out: func(line string) { out.WriteString(line + "\n") }}
	for i, line := range strings.Split(strings.TrimRight(string(trace), "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, ">"):
			out.WriteString(line + "\n")
			if err := p.play(strings.Fields(line[1:])); err != nil {
				return nil, fmt.Errorf("line %d: %s: %w", i+1, line, err)
			}
		case strings.HasPrefix(line, "  "):
		default:
			out.WriteString(line + "\n")
		}
	}
	return []byte(out.String()), nil
}

// player is a trace on its way.
type player struct {
	dir   string
	board controller.Board
	out   func(string)
	world *World
	day   string
}

// args are the words of a stimulus: positions, and name=value.
type args struct {
	words []string
	named map[string]string
}

func (a args) word(i int) string {
	if i < len(a.words) {
		return a.words[i]
	}
	return ""
}

func (p *player) play(fields []string) error {
	if len(fields) > 0 && strings.Count(fields[0], "-") == 2 {
		p.day, fields = fields[0], fields[1:]
	}
	if len(fields) < 2 {
		return fmt.Errorf("wants a time and a stimulus")
	}
	clock, verb := fields[0], fields[1]
	a := args{named: map[string]string{}}
	for _, f := range fields[2:] {
		if name, value, ok := strings.Cut(f, "="); ok {
			a.named[name] = value
		} else {
			a.words = append(a.words, f)
		}
	}
	if verb == "start" {
		return p.start(clock, a)
	}
	if p.world == nil {
		return fmt.Errorf("the first stimulus must be start")
	}
	at, err := p.at(clock, p.world.Location)
	if err != nil {
		return err
	}
	p.world.Advance(at)
	return p.do(verb, a)
}

func (p *player) at(clock string, loc *time.Location) (time.Time, error) {
	return time.ParseInLocation("2006-01-02 15:04:05.000", p.day+" "+clock, loc)
}

func (p *player) start(clock string, a args) error {
	records, loc, err := p.records(a.word(0))
	if err != nil {
		return err
	}
	at, err := p.at(clock, loc)
	if err != nil {
		return err
	}
	switch a.named["board"] {
	case "yard":
		p.board = Yard()
	case "tower":
		p.board = Tower()
	case "shop":
		p.board = Shop()
	case "wireless":
		p.board = WirelessDoors()
	}
	p.world = NewWorld(p.board, at, p.out)
	p.world.Now.WallSet = a.named["clock"] != "unset"
	if a.word(0) == "none" {
		return nil
	}
	return p.world.SetPolicy(records)
}

func (p *player) records(file string) (policy.Records, *time.Location, error) {
	if file == "none" {
		return policy.Records{}, time.UTC, nil
	}
	data, err := os.ReadFile(filepath.Join(p.dir, file))
	if err != nil {
		return policy.Records{}, nil, err
	}
	records, err := policy.ParseRecords(data)
	if err != nil {
		return policy.Records{}, nil, err
	}
	loc, err := time.LoadLocation(records.Place.TimeZone)
	return records, loc, err
}

func (p *player) do(verb string, a args) error {
	w := p.world
	switch verb {
	case "wait":
		return nil
	case "restart":
		w.Restart()
		return nil
	case "fire-reset":
		w.Step(controller.FireReset{})
		return nil
	case "policy":
		records, _, err := p.records(a.word(0))
		if err != nil {
			return err
		}
		records.Place.LockedDown = a.named["locked_down"] == "place"
		for i := range records.Locks {
			l := &records.Locks[i]
			l.LockedDown = l.LockedDown || a.named["locked_down"] == strconv.FormatInt(l.ID, 10)
		}
		return w.SetPolicy(records)
	case "clock":
		at, err := time.Parse(time.RFC3339, a.named["set"])
		if err != nil {
			return err
		}
		w.Now.Wall, w.Now.WallSet = at.In(w.Location), true
		p.day = w.Now.Wall.Format(time.DateOnly)
		w.Step(controller.Noted{Event: policy.Event{Type: policy.ControllerClockSet, Success: true}})
		return nil
	case "save":
		return w.Reload()
	case "stale":
		at, err := time.Parse(time.RFC3339, a.word(0))
		if err != nil {
			return err
		}
		w.Expires = at
		return w.SetPolicy(w.Records)
	case "zone":
		return p.zone(a)
	case "alarm":
		return p.alarm(a)
	case "stop":
		return p.stop(a)
	case "forgive":
		return p.forgive(a)
	case "wireless":
		return p.wireless(a)
	case "ask", "tap", "wave":
		return p.phone(verb, a)
	case "card", "pin", "tamper", "reset-reader":
		return p.atReader(verb, a)
	case "input":
		return p.input(a)
	case "app", "link":
		return p.request(verb, a)
	case "arrived", "left":
		return p.attend(verb, a)
	case "unlock", "hold", "unhold", "lockdown":
		return p.atDoor(verb, a)
	default:
		return fmt.Errorf("no such stimulus as %s", verb)
	}
}

func (p *player) atReader(verb string, a args) error {
	w := p.world
	name := a.named["reader"]
	if verb == "reset-reader" {
		name = a.word(0)
	}
	reader := w.port(name)
	if reader < 0 {
		return fmt.Errorf("no reader %q", name)
	}
	switch verb {
	case "tamper":
		w.Step(controller.ReaderChanged{Reader: reader, Online: true, Tampered: true})
		return nil
	case "reset-reader":
		w.Step(controller.ReaderReset{Reader: reader})
		return nil
	}
	token, err := parseToken(verb, a)
	if err != nil {
		return err
	}
	w.Step(controller.Presented{Reader: reader, Class: token.Class, Holder: w.Lookup(token), Found: w.Controller.Revision(), Bits: a.named["bits"]})
	return nil
}

func parseToken(verb string, a args) (policy.Token, error) {
	if verb == "pin" {
		return policy.Token{Class: policy.TokenPIN, Value: a.word(0)}, nil
	}
	if uid, ok := a.named["uid"]; ok {
		raw, err := hex.DecodeString(uid)
		return policy.Token{Class: policy.TokenUID, Value: string(raw)}, err
	}
	facility, card, _ := strings.Cut(a.named["h10301"], "/")
	f, err := strconv.ParseUint(facility, 10, 8)
	if err != nil {
		return policy.Token{}, err
	}
	n, err := strconv.ParseUint(card, 10, 16)
	return policy.Token{Class: policy.TokenNumber, Format: "H10301", Facility: f, Number: n}, err
}

func (p *player) input(a args) error {
	i := p.world.line(a.word(0))
	if i < 0 {
		return fmt.Errorf("no input %q", a.word(0))
	}
	in := controller.Changed{Line: i, Status: controller.InputClosed}
	switch a.word(1) {
	case "active":
		in.Active, in.Status = true, controller.InputOpen
	case "inactive":
	case "cut":
		in.Status = controller.InputCut
	case "short":
		in.Status = controller.InputShort
	case "chatters":
		in.Flood = true
	default:
		return fmt.Errorf("an input is active, inactive, cut, short or chatters")
	}
	if p.world.Board.Inputs[i].Kind == policy.InputFire && (in.Status == controller.InputCut || in.Status == controller.InputShort) {
		in.Active = true
	}
	p.world.Step(in)
	return nil
}

func (p *player) request(verb string, a args) error {
	w := p.world
	lock, err := strconv.ParseInt(a.named["door"], 10, 64)
	if err != nil {
		return err
	}
	in := controller.Requested{Lock: lock, Method: policy.MethodInApp, Found: w.Controller.Revision()}
	if verb == "link" {
		raw, err := hex.DecodeString(a.named["secret"])
		if err != nil {
			return err
		}
		in.Method, in.Holder = policy.MethodLink, w.Lookup(policy.Token{Class: policy.TokenLink, Value: string(raw)})
		w.Step(in)
		return nil
	}
	member, err := strconv.ParseInt(a.named["member"], 10, 64)
	if err != nil {
		return err
	}
	in.Holder = w.Person(member)
	if at, ok := a.named["at"]; ok {
		l := &policy.Location{}
		if _, err := fmt.Sscanf(at, "%f,%f,%f", &l.Latitude, &l.Longitude, &l.Accuracy); err != nil {
			return err
		}
		l.Age, _ = time.ParseDuration(a.named["age"])
		in.Phone.Location = l
	}
	if in.Code = a.named["code"]; strings.HasPrefix(in.Code, "shown") {
		ago, _ := time.ParseDuration(strings.TrimPrefix(in.Code, "shown-"))
		in.Code = w.Controller.ProximityCode(w.doorOf(lock), w.Now.Up-ago)
	}
	w.Step(in)
	return nil
}

func (p *player) attend(verb string, a args) error {
	lock, err := strconv.ParseInt(a.named["door"], 10, 64)
	if err != nil {
		return err
	}
	var by policy.Ref
	if m, ok := a.named["member"]; ok {
		if by.ID, err = strconv.ParseInt(m, 10, 64); err != nil {
			return err
		}
		by.Type = "member"
	}
	if verb == "arrived" {
		p.world.Step(controller.Arrived{Lock: lock, By: by})
		return nil
	}
	p.world.Step(controller.Left{Lock: lock, By: by})
	return nil
}

func (p *player) atDoor(verb string, a args) error {
	w := p.world
	i := w.door(a.word(0))
	if i < 0 {
		return fmt.Errorf("no door %q", a.word(0))
	}
	switch verb {
	case "unlock":
		w.Step(controller.Unlocked{Door: i})
	case "unhold":
		w.Step(controller.Held{Door: i})
	case "lockdown":
		w.Step(controller.LockedDown{Door: i, On: a.word(1) == "on"})
	case "hold":
		d, err := time.ParseDuration(a.named["for"])
		if err != nil {
			return err
		}
		hold := door.HoldReleased
		if a.word(1) == "secured" {
			hold = door.HoldSecured
		}
		w.Step(controller.Held{Door: i, Hold: hold, For: d})
	}
	return nil
}
