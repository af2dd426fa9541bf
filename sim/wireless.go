package sim

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"doord/policy"
	"doord/policy/controller"
	"doord/policy/door"
)

// WirelessDoors is a board with an office and a storeroom whose locks are wireless, the
// first with a request to exit that unlocks, too, and a wired entrance.
func WirelessDoors() controller.Board {
	return controller.Board{
		DeviceID: "00d00d00d00d0001",
		Doors: []controller.Door{
			{Name: "office", Wireless: 1},
			{Name: "storeroom", Wireless: 2},
			{Name: "entrance", Relays: []int{1}},
		},
		Inputs: []controller.Line{
			{Name: "office-rex", Channel: 1, Kind: policy.InputREX, Doors: []int{0}, Releases: true, For: 5 * time.Second},
			{Name: "fire", Channel: 14, Kind: policy.InputFire},
		},
		Readers: []controller.Port{
			{Name: "office", Port: "osdp:1", Door: 0},
			{Name: "storeroom", Port: "osdp:2", Door: 1},
			{Name: "entrance", Port: "wiegand:1", Door: 2},
		},
	}
}

// wireless plays what a gateway says of a wireless lock.
func (p *player) wireless(a args) error {
	w := p.world
	i := w.door(a.word(0))
	if i < 0 {
		return fmt.Errorf("no door %q", a.word(0))
	}
	has := func(word string) bool { return slices.Contains(a.words, word) }
	switch what := a.word(1); what {
	case "entered", "left":
		w.Step(controller.WirelessPassed{Door: i, Entered: what == "entered"})
		return nil
	case "lost":
		why := a.named["why"]
		if why == "" {
			why = "gateway_lost"
		}
		w.Step(controller.WirelessReported{Door: i, Why: why})
		return nil
	case "locked", "unlocked":
		r := controller.WirelessReported{Door: i, Online: true, Unlocked: what == "unlocked", Cause: controller.WirelessCause(a.named["by"]),
			Battery: 90, Signal: -60, Stalled: has("stalled"), Tampered: has("tampered"),
			Contact: map[string]door.Contact{"open": door.Open, "closed": door.Closed}[a.named["door"]]}
		if n, err := strconv.Atoi(a.named["battery"]); err == nil {
			r.Battery = n
		}
		w.Step(r)
		return nil
	default:
		return fmt.Errorf("a wireless lock is locked, unlocked or lost, and somebody entered or left")
	}
}

// stepWireless tells which wireless locks are wanted otherwise than before.
func (w *World) stepWireless() {
	for i, d := range w.Board.Doors {
		if d.Wireless == 0 {
			continue
		}
		want := w.Controller.WirelessWant(i)
		if want == w.wants[i] {
			continue
		}
		word := "locked"
		if want.Unlocked {
			word = "unlocked"
		}
		line := fmt.Sprintf("wireless %d wanted %s", d.Wireless, word)
		if want.Until != 0 {
			line += " until=" + w.Now.At(want.Until).Wall.Format("15:04:05.000")
		}
		if want.Distance != 0 {
			line += fmt.Sprintf(" within=%vm", want.Distance)
		}
		if want.Timeout != 0 {
			line += fmt.Sprintf(" heard=%v", want.Timeout)
		}
		w.tell(w.Now.Wall, line)
		if w.wants == nil {
			w.wants = map[int]controller.WirelessWant{}
		}
		w.wants[i] = want
	}
}
