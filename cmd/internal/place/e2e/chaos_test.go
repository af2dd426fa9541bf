package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"doord/policy"
	"doord/policy/ledger"
	"doord/relay"
	"doord/store/cloudsync"
)

var (
	chaosSeed  = flag.Uint64("chaos.seed", 0, "seed of the chaos test; 0: of the clock, it is printed")
	chaosSteps = flag.Int("chaos.steps", 50, "how much happens in the chaos test")
)

// chaos is a place to which everything happens that may, in an order that a seed
// gives. Only the API's answers say what is so: what each version of the policy holds
// is noted when it is made, and every controller is held to the version that it has.
type chaos struct {
	*site
	random   *rand.Rand
	meddler  *meddler
	versions map[ledger.Position][]bool // which cards are active, by the version that says so
	active   []bool                     // which are now
	backups  []saved
	was      map[*unit]ledger.Position
	windows  []window // in which a door may open
	step     int
	did      []string
}

// saved is a backup.
type saved struct {
	data []byte
	at   ledger.Position
}

// window is a time in which a relay may let people in.
type window struct {
	unit     *unit
	relay    relay.Channel
	from, to time.Time
}

func TestChaos(t *testing.T) {
	seed := *chaosSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("go test ./cmd/internal/place/e2e -run TestChaos -chaos.seed=%d -chaos.steps=%d", seed, *chaosSteps)
	bubble(t, func(t *testing.T) {
		c := newChaos(t, seed)
		for c.step = range *chaosSteps {
			c.happen()
			c.check()
		}
		c.settle()
		if t.Failed() {
			t.Logf("what happened:\n%v", c.did)
		}
	})
}

func newChaos(t testing.TB, seed uint64) *chaos {
	furnish := func(s *site) {
		doors := ""
		for _, u := range s.units {
			doors += path(`,{"lock_id":%d,"exterior":true},{"lock_id":%d}`, u.front, u.side)
		}
		s.zone = s.made(t, "/zones", `{"zone":{"name":"House","place_id":%d,"doors":[%s]}}`, s.place, doors[1:])
	}
	c := &chaos{site: newSite(t, "chaos", 3, 6, furnish), random: rand.New(rand.NewPCG(seed, 0)), meddler: &meddler{},
		versions: map[ledger.Position][]bool{}, was: map[*unit]ledger.Position{}}
	for range c.cards {
		c.active = append(c.active, true)
	}
	c.stop()
	c.service.wrap = c.meddler.wrap
	c.start()
	c.pass(time.Minute)
	c.note()
	c.save()
	return c
}

// note keeps what the policy holds now.
func (c *chaos) note() { c.versions[c.service.fleet.Position(c.place)] = slices.Clone(c.active) }

func (c *chaos) save() {
	c.backups = append(c.backups, saved{c.backup(), c.service.fleet.Position(c.place)})
}

func (c *chaos) tell(format string, args ...any) {
	c.did = append(c.did, fmt.Sprintf("%3d %s %s\n", c.step, time.Now().Format("15:04:05.000"), fmt.Sprintf(format, args...)))
}

func (c *chaos) unit() *unit { return c.units[c.random.IntN(len(c.units))] }

// moment is up to d, seldom longer.
func (c *chaos) moment(d time.Duration) time.Duration {
	return time.Duration(c.random.Int64N(int64(d)))
}

// happen has something happen.
func (c *chaos) happen() {
	things := []struct {
		weight int
		do     func()
	}{
		{20, c.present}, {14, c.change}, {10, c.unlock}, {8, c.cutAll}, {6, c.isolateOne}, {6, c.joinAll},
		{5, c.killService}, {3, c.outage}, {3, func() { c.tell("backup"); c.save() }}, {3, c.goBack}, {3, c.restartOne},
		{4, c.lateCommand}, {4, c.injectCommand}, {4, c.oldPolicy}, {6, c.wait},
		{8, c.rearm}, {3, c.force}, {3, c.reset},
	}
	total := 0
	for _, x := range things {
		total += x.weight
	}
	n := c.random.IntN(total)
	for _, x := range things {
		if n -= x.weight; n < 0 {
			x.do()
			return
		}
	}
}

func (c *chaos) wait() { c.pass(c.moment(2 * time.Minute)) }

// present presents a card somewhere. It is admitted if the version says so that its
// controller has, whatever the service knows.
func (c *chaos) present() {
	u, i := c.unit(), c.random.IntN(len(c.cards))
	reader, channel := "front", front
	if c.random.IntN(2) == 0 {
		reader, channel = "side", side
	}
	at := u.policy.Position()
	from := time.Now()
	granted := u.tap(reader, c.cards[i].number)
	c.windows = append(c.windows, window{u, channel, from, time.Now()})
	active, known := c.versions[at]
	c.tell("card %d at %s %s, which has %v: granted %t", i, u.name, reader, at, granted)
	switch {
	case u.policy.Position() != at: // it came just then
	case !known:
		c.Fatalf("%s has %v, which the service never had", u.name, at)
	case granted != active[i]:
		c.Errorf("step %d: %s has %v, in which card %d is active: %t; granted: %t", c.step, u.name, at, i, active[i], granted)
	}
	c.pass(c.moment(5 * time.Second))
}

// change deactivates or activates a card.
func (c *chaos) change() {
	for range 1 + c.random.IntN(3) {
		i := c.random.IntN(len(c.cards))
		verb := "activate"
		if c.active[i] {
			verb = "deactivate"
		}
		c.ok(c, "POST", path("/cards/%d/%s", c.cards[i].id, verb), "")
		c.active[i] = !c.active[i]
		c.note()
		c.meddler.set(func(m *meddler) { m.whole = m.whole || c.random.IntN(4) == 0 }) // some whole policies go by, too
		c.tell("%s card %d: %v", verb, i, c.service.fleet.Position(c.place))
	}
	c.pass(c.moment(time.Second))
}

// unlock asks the API for a door. It opens by the time that the answer comes, or not.
func (c *chaos) unlock() {
	u := c.unit()
	from, before := time.Now(), u.moves()
	secured := !u.board.Released(front)
	status := c.site.unlock(u.front)
	synctest.Wait()
	c.windows = append(c.windows, window{u, front, from, time.Now()})
	c.tell("unlock at %s: %d after %v", u.name, status, time.Since(from))
	if status == http.StatusOK && secured && u.moves() == before {
		c.Errorf("step %d: %s answers that it opened, and it did not", c.step, u.name)
	}
	if status != http.StatusOK && status != http.StatusServiceUnavailable {
		c.Errorf("step %d: an unlock is answered with %d", c.step, status)
	}
	c.pass(c.moment(5 * time.Second))
}

// cutAll cuts connections every few hundred milliseconds for a while.
func (c *chaos) cutAll() {
	n := 1 + c.random.IntN(10)
	c.tell("%d cuts", n)
	for range n {
		c.pass(100*time.Millisecond + c.moment(400*time.Millisecond))
		if c.random.IntN(3) == 0 {
			c.cut(c.unit().name)
		} else {
			c.cut("A", "B", "C")
		}
	}
}

func (c *chaos) isolateOne() {
	u := c.unit()
	c.tell("%s is cut off", u.name)
	c.isolate(u.name)
	c.pass(c.moment(time.Minute))
}

func (c *chaos) joinAll() {
	c.tell("nobody is cut off")
	c.join("A", "B", "C")
	c.pass(c.moment(time.Minute))
}

// killService kills the service at work: the change under way may become durable or
// not, and nobody is told.
func (c *chaos) killService() {
	i, last := c.random.IntN(len(c.cards)), c.random.IntN(2) == 0
	verb := "activate"
	if c.active[i] {
		verb = "deactivate"
	}
	answered := make(chan int, 1)
	c.service.storage.last.Store(last)
	c.service.storage.dead.Store(true)
	go func() {
		status, _ := c.ask("POST", path("/cards/%d/%s", c.cards[i].id, verb), "")
		answered <- status
	}()
	synctest.Wait()
	c.kill(false)
	if status := <-answered; status >= 200 && status < 300 {
		c.Errorf("step %d: what a dead service was told is answered with %d", c.step, status)
	}
	c.pass(c.moment(10 * time.Second))
	c.start()
	c.look()
	c.tell("killed, %t; starts with %v", last, c.service.fleet.Position(c.place))
	c.pass(c.moment(10 * time.Second))
}

// look reads from the API which cards are active.
func (c *chaos) look() {
	for i := range c.cards {
		c.active[i] = c.ok(c, "GET", path("/cards/%d", c.cards[i].id), "")["status"] == "activated"
	}
	c.note()
}

// outage is an hour without the service.
func (c *chaos) outage() {
	c.tell("an hour without the service")
	c.kill(false)
	for range 3 {
		c.pass(20 * time.Minute)
		c.present()
	}
	c.start()
	c.look()
}

// goBack restores an older backup, with the root's word or without: then the history
// forks.
func (c *chaos) goBack() {
	b, signed := c.backups[c.random.IntN(len(c.backups))], c.random.IntN(3) > 0
	c.restore(b.data, signed)
	c.look()
	c.tell("goes back to %v, signed %t: %v", b.at, signed, c.service.fleet.Position(c.place))
	c.pass(c.moment(time.Minute))
}

func (c *chaos) restartOne() {
	u := c.unit()
	c.tell("%s restarts", u.name)
	c.opened(u) // its board is a new one afterwards
	u.stop()
	c.pass(c.moment(30 * time.Second))
	u.start()
	c.pass(time.Second)
}

// lateCommand holds a command up on its way.
func (c *chaos) lateCommand() {
	by := 5*time.Second + c.moment(10*time.Second)
	c.meddler.set(func(m *meddler) { m.command = late(by) })
	c.tell("a command is held up for %v", by)
	c.unlock()
	c.meddler.set(func(m *meddler) { m.command = nil })
	c.pass(15 * time.Second)
}

// injectCommand plays an old command again, after the next hint.
func (c *chaos) injectCommand() {
	old, _ := c.meddler.old()
	if len(old) == 0 {
		return
	}
	f := old[c.random.IntN(len(old))]
	c.tell("an old command is played again")
	c.meddler.set(func(m *meddler) { m.inject = once(func([]byte) []byte { return f }) })
	c.change()
}

// oldPolicy answers with old policies for a while.
func (c *chaos) oldPolicy() {
	_, old := c.meddler.old()
	if len(old) == 0 {
		return
	}
	a := old[c.random.IntN(len(old))]
	c.tell("an old policy is played again")
	c.meddler.set(func(m *meddler) { m.policy = func(*http.Request) *recorded { return &a } })
	c.pass(c.moment(2 * time.Minute))
	c.meddler.set(func(m *meddler) { m.policy = nil })
}

// rearm puts the zone to a level that admits people, here or at the service.
func (c *chaos) rearm() {
	level, length := policy.Stay, time.Second+c.moment(3*time.Hour)
	if c.random.IntN(3) == 0 {
		level = policy.Disarmed
	}
	if u := c.unit(); c.random.IntN(2) == 0 {
		c.tell("%s puts the zone to %s for %v", u.name, level, length)
		c.override(u, level, length)
	} else {
		c.tell("the zone is put to %s for %v", level, length)
		c.ok(c, "POST", path("/zones/%d/override", c.zone), `{"zone":{"level":%q,"duration":%d}}`, level, int(length/time.Second))
	}
	c.pass(c.moment(time.Minute))
}

// force opens a door without leave.
func (c *chaos) force() {
	u := c.unit()
	c.tell("%s is forced", u.name)
	u.contact("front-contact", true)
	u.contact("front-contact", false)
}

func (c *chaos) reset() {
	c.tell("the zone is reset")
	c.ok(c, "POST", path("/zones/%d/reset", c.zone), "")
	c.pass(c.moment(time.Minute))
}

// check looks at what must hold at every moment.
func (c *chaos) check() {
	for _, u := range c.units {
		was, now := c.was[u], u.policy.Position()
		if now.Generation < was.Generation || now.Generation == was.Generation && now.Version < was.Version {
			c.Fatalf("step %d: %s went back from %v to %v", c.step, u.name, was, now)
		}
		if _, known := c.versions[now]; !known {
			c.Fatalf("step %d: %s has %v, which the service never had", c.step, u.name, now)
		}
		c.was[u] = now
	}
}

// opened checks that no door of a controller opened but when it was asked for.
func (c *chaos) opened(u *unit) {
	for _, m := range u.board.Transitions() {
		at := u.started.Add(m.At)
		if m.On && m.Channel != siren && !slices.ContainsFunc(c.windows, func(w window) bool {
			return w.unit == u && w.relay == m.Channel && !at.Before(w.from) && !at.After(w.to)
		}) {
			c.Errorf("%s: %s opened at %v, and nobody asked for it then", u.name, m.Channel, at.Format("15:04:05.000"))
		}
	}
}

// settle has all be well, and checks that it is: everybody has the same.
func (c *chaos) settle() {
	c.joinAll()
	c.meddler.set(func(m *meddler) { m.inject = nil })
	for _, u := range c.units { // where a history forked, only the root can say which goes on
		if p := c.service.fleet.Position(c.place); u.policy.Position().Generation > p.Generation || u.policy.Position().Version > p.Version || !c.synced(u) {
			c.restore(c.backup(), true)
			c.look()
			break
		}
	}
	c.pass(10 * time.Minute)
	c.tell("settled: %v", c.service.fleet.Position(c.place))
	c.agreed()
	level, _ := c.units[0].level()
	c.levels(level, c.shared().Violated())
	if o := c.shared().Override; o.Until.After(time.Now()) && string(o.Level) != level {
		c.Errorf("the zone is %s, at the service %+v", level, o)
	}
	for _, u := range c.units {
		for i := range c.cards {
			if granted := u.tap("front", c.cards[i].number); granted != c.active[i] {
				c.Errorf("%s: card %d is active: %t; granted: %t", u.name, i, c.active[i], granted)
			}
			c.windows = append(c.windows, window{u, front, time.Now().Add(-time.Second), time.Now()})
			c.pass(4 * time.Second)
		}
		if status := c.site.unlock(u.front); status != http.StatusOK {
			c.Errorf("%s: an unlock is answered with %d after all", u.name, status)
		}
		c.windows = append(c.windows, window{u, front, time.Now().Add(-cloudsync.CommandLife), time.Now()})
	}
	c.pass(2 * time.Minute)
	for _, u := range c.units {
		c.opened(u)
		c.exactlyOnce(u)
	}
}
