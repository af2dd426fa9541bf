package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"doord/cmd/internal/api"
	"doord/cmd/internal/config"
	"doord/cmd/internal/daemon"
	"doord/cmd/internal/place/fleet"
	"doord/policy"
	"doord/policy/zone"
	"doord/reader/wiegand"
	"doord/relay"
	"doord/rex"
	"doord/sim"
	"doord/sim/board"
	"doord/store"
)

func TestMain(m *testing.M) {
	if run, ok := children[os.Getenv(childMode)]; ok {
		run(os.Args[1:])
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(templates)
		os.Exit(code)
	}))
}

// site is a place with its controllers: everything is real but the boards, the
// network and the time.
type site struct {
	testing.TB
	*network
	*client
	service *service
	behind  time.Duration // the service's clock

	units []*unit
	cards []card
	group int64
	staff int64 // member
	zone  int64
}

// unit is a controller: a daemon on a simulated board, with real files.
type unit struct {
	testing.TB
	name   string
	device string
	dir    string
	dial   func(ctx context.Context, network, address string) (net.Conn, error)

	id          int64
	front, side int64 // locks
	config      *config.Config
	board       *board.Board
	policy      *store.Policy
	journal     *store.Journal
	daemon      *daemon.Daemon
	server      daemon.Server
	started     time.Time
	cancel      context.CancelFunc
	ended       chan struct{}
	mark        uint64 // events up to here were seen
}

type card struct {
	id     int64
	number uint64
}

const facility = 12

// The relays of every board.
const (
	front = relay.Channel(1)
	side  = relay.Channel(2)
	siren = relay.Channel(5)
)

// newSite makes a place by the API, with so many enrolled controllers, and cards that
// open all doors; furnish makes what else there is to be. It is called at the start of
// a bubble. What it makes is kept for the next test that wants the same.
func newSite(t testing.TB, name string, controllers, cards int, furnish func(*site)) *site {
	t.Helper()
	s := &site{TB: t, network: newNetwork()}
	s.client = newClient("https://"+host, s.dialer("api"))
	s.service = &service{dir: t.TempDir(), hosts: []string{host}, now: func() time.Time { return time.Now().Add(-s.behind) }}
	for i := range controllers {
		name := string(rune('A' + i))
		s.units = append(s.units, &unit{TB: t, name: name, device: fmt.Sprintf("00d00d00d00d%04x", i+1), dir: t.TempDir(), dial: s.dialer(name)})
	}
	t.Cleanup(func() {
		s.http.CloseIdleConnections()
		for _, u := range s.units {
			u.stop()
		}
		s.stop()
	})
	if s.remembered(name) {
		s.pass(time.Minute) // later than what it is made of
		s.start()
		for _, u := range s.units {
			u.start()
		}
		s.pass(time.Minute)
		return s
	}
	s.start()
	s.setUp(t, s.service.place.Setup())
	s.staffed(cards)
	for _, u := range s.units {
		s.wire(u)
	}
	if furnish != nil {
		furnish(s)
	}
	for _, u := range s.units {
		u.start()
		s.enroll(u)
	}
	s.pass(5 * time.Second)
	for _, u := range s.units {
		u.stop()
	}
	s.stop()
	s.remember(name)
	return newSite(t, name, controllers, cards, furnish)
}

// templates is where places are kept that were made once, and kept what else is
// known of them.
var (
	templates string
	kept      = map[string]site{}
)

func (s *site) remember(name string) {
	s.Helper()
	var err error
	if templates == "" {
		if templates, err = os.MkdirTemp("", "e2e"); err != nil {
			s.Fatal(err)
		}
	}
	err = os.CopyFS(filepath.Join(templates, name, "service"), os.DirFS(s.service.dir))
	for _, u := range s.units {
		err = errors.Join(err, os.CopyFS(filepath.Join(templates, name, u.name), os.DirFS(u.dir)))
	}
	if err != nil {
		s.Fatal(err)
	}
	kept[name] = *s
}

func (s *site) remembered(name string) bool {
	s.Helper()
	old, ok := kept[name]
	if !ok {
		return false
	}
	err := os.CopyFS(s.service.dir, os.DirFS(filepath.Join(templates, name, "service")))
	for i, u := range s.units {
		err = errors.Join(err, os.CopyFS(u.dir, os.DirFS(filepath.Join(templates, name, u.name))))
		u.id, u.front, u.side = old.units[i].id, old.units[i].front, old.units[i].side
	}
	if err != nil {
		s.Fatal(err)
	}
	s.owner, s.me, s.place = old.owner, old.me, old.place
	s.cards, s.group, s.staff, s.zone = slices.Clone(old.cards), old.group, old.staff, old.zone
	return true
}

// staffed makes a group with the owner and a member in it, and his cards.
func (s *site) staffed(cards int) {
	s.Helper()
	s.group = s.made(s, "/groups", `{"group":{"name":"Staff","place_id":%d}}`, s.place)
	s.staff = s.made(s, "/members", `{"member":{"name":"Ada","place_id":%d}}`, s.place)
	for _, who := range []int64{s.me, s.staff} {
		s.made(s, "/role_assignments", `{"role_assignment":{"user_id":%d,"group_id":%d,"role_id":"member"}}`, who, s.group)
	}
	for n := range cards {
		number := uint64(1000 + n)
		id := s.made(s, "/cards", `{"card":{"member_id":%d,"format":"H10301","facility":%d,"card":%d}}`, s.staff, facility, number)
		s.cards = append(s.cards, card{id, number})
	}
}

// wire makes what the API must know of a board.
func (s *site) wire(u *unit) {
	s.Helper()
	u.id = s.made(s, "/controllers", `{"controller":{"name":%q,"device_id":%q,"place_id":%d}}`, u.name, u.device, s.place)
	for i, lock := range []*int64{&u.front, &u.side} {
		door := []string{"front", "side"}[i]
		*lock = s.made(s, "/locks", `{"lock":{"name":"%s %s","exterior":%t,"place_id":%d}}`, u.name, door, i == 0, s.place)
		s.made(s, "/controller_relay_connections", `{"controller_relay_connection":{"controller_id":%d,"channel":%d,"type":"lock","lock_id":%d}}`, u.id, i+1, *lock)
		s.made(s, "/controller_input_connections", `{"controller_input_connection":{"controller_id":%d,"channel":%d,"type":"contact_sensor","lock_id":%d}}`, u.id, i+5, *lock)
		s.made(s, "/readers", `{"reader":{"controller_id":%d,"port":"wiegand:%d","lock_id":%d}}`, u.id, i+1, *lock)
		s.made(s, "/group_locks", `{"group_lock":{"group_id":%d,"lock_id":%d}}`, s.group, *lock)
	}
}

// enroll joins a controller to the place, as a technician does with doorctl.
func (s *site) enroll(u *unit) {
	s.Helper()
	claim, _ := s.ok(s, "POST", "/controllers/"+u.device+"/assign", `{"controller":{"place_id":%d}}`, s.place)["claim"].(map[string]any)
	code, _ := claim["code"].(string)
	if _, err := u.server.Enroll(context.Background(), api.Enroll{URL: s.url, Code: code}); err != nil {
		s.Fatal(err)
	}
}

// start opens the service; stop ends it, as SIGTERM does, and kill as kill -9 does.
func (s *site) start() {
	s.Helper()
	if err := s.service.open(s.listen()); err != nil {
		s.Fatal(err)
	}
}

func (s *site) stop() {
	s.Helper()
	if s.service.storage == nil {
		return
	}
	s.vanish()
	if err := s.service.end(); err != nil {
		s.Error(err)
	}
	s.service.storage = nil
}

// kill ends the service at once. With last, one more commit becomes durable that is
// acknowledged to nobody.
func (s *site) kill(last bool) {
	s.Helper()
	s.service.storage.last.Store(last)
	s.service.storage.dead.Store(true)
	s.stop()
}

// restore has the service go back to a backup.
func (s *site) restore(backup []byte, generation bool) {
	s.Helper()
	s.kill(false)
	if err := s.service.restore(context.Background(), backup, generation); err != nil {
		s.Fatal(err)
	}
	s.start()
}

func (s *site) backup() []byte {
	s.Helper()
	b, err := s.service.backup()
	if err != nil {
		s.Fatal(err)
	}
	return b
}

// pass lets virtual time pass, and everything happen that is due in it.
func (s *site) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// shared returns how the zone is at the service.
func (s *site) shared() zone.Shared { return s.service.fleet.Zone(s.zone).Shared }

// synced reports that a controller has what the service has.
func (s *site) synced(u *unit) bool {
	return u.policy.Position() == s.service.fleet.Position(s.place)
}

// start runs a daemon on the board.
func (u *unit) start() {
	u.Helper()
	var err error
	if u.config, err = config.Load("testdata/board.toml"); err != nil {
		u.Fatal(err)
	}
	u.config.DeviceID, u.config.StateDir = u.device, u.dir
	if u.policy, err = store.OpenPolicy(u.dir, store.Options{}); err != nil {
		u.Fatal(err)
	}
	if u.journal, err = store.OpenJournal(u.dir, store.Options{BootID: "boot"}); err != nil {
		u.Fatal(err)
	}
	u.started = time.Now()
	u.board = board.New(board.Spec{Relays: u.config.Relays(), Egress: u.config.Egress().Inputs, Others: u.config.Others().Inputs, Wiegand: u.config.Wiegand()})
	h := daemon.Hardware{Relays: u.board.Relays(), Egress: u.board.Egress(), Others: u.board.Others(), Show: u.board.Show, Now: u.board.Now, Close: u.board.Close}
	for i := range u.config.Readers {
		h.Wiegand = append(h.Wiegand, u.board.Wiegand(i))
	}
	u.daemon, err = daemon.New(daemon.Options{Config: u.config, Hardware: h,
		Open:    func() (daemon.Files, error) { return daemon.Files{Policy: u.policy, Journal: u.journal}, nil },
		WallSet: func() bool { return true }, Log: slog.New(slog.DiscardHandler), Build: "test", Dial: u.dial})
	if err != nil {
		u.Fatal(err)
	}
	u.server = daemon.Server{Daemon: u.daemon}
	ctx, cancel := context.WithCancel(context.Background())
	u.cancel, u.ended = cancel, make(chan struct{})
	go func() {
		defer close(u.ended)
		if err := u.daemon.Run(ctx); err != nil {
			u.Error(err)
		}
	}()
	select {
	case <-u.daemon.Begun():
	case <-u.ended:
		u.Fatalf("%s does not start", u.name)
	}
}

// stop ends it.
func (u *unit) stop() {
	u.Helper()
	if u.cancel == nil {
		return
	}
	u.cancel()
	u.cancel = nil
	<-u.ended
	if err := u.policy.Close(); err != nil {
		u.Error(err)
	}
	if err := u.journal.Close(); err != nil {
		u.Error(err)
	}
}

// frameEnd is how long after its last pulse a frame of 26 bits has ended.
const frameEnd = 5 * time.Millisecond

// tap presents a card at a reader, waits until it was decided, and tells whether it
// was granted.
func (u *unit) tap(reader string, number uint64) bool {
	u.Helper()
	before := u.journal.Head().Sequence
	time.Sleep(u.present(reader, number) + frameEnd - u.board.Now())
	synctest.Wait()
	for _, e := range u.since(before) {
		if e.Type == policy.LockUnlock {
			return e.Success
		}
	}
	u.Fatalf("%s: nobody decided about a card", u.name)
	return false
}

// present presents a card and does not wait; it returns when its last pulse falls.
func (u *unit) present(reader string, number uint64) (end time.Duration) {
	u.Helper()
	bits, err := wiegand.Encode("H10301", policy.Token{Class: policy.TokenNumber, Facility: facility, Number: number})
	if err != nil {
		u.Fatal(err)
	}
	at := slices.IndexFunc(u.config.Readers, func(r config.Reader) bool { return r.Name == reader })
	if end, err = u.board.Present(at, bits, wiegand.Shape{}, 0); err != nil {
		u.Fatal(err)
	}
	return end
}

// contact opens or closes a door's contact, and waits until that is seen.
func (u *unit) contact(name string, open bool) {
	u.Helper()
	u.loop(name, open)
	time.Sleep(rex.DefaultDebounce)
	synctest.Wait()
}

// loop opens or closes it and does not wait.
func (u *unit) loop(name string, open bool) {
	u.Helper()
	at := slices.IndexFunc(u.config.Input, func(in config.Input) bool { return in.Name == name })
	where := u.config.Others()
	i := slices.Index(where.Index, at)
	for _, s := range []rex.State{rex.Open, rex.Closed} {
		if where.Inputs[i].Active(s) == open {
			u.board.SetInput(board.Others, i, s)
		}
	}
}

// since returns the events after one.
func (u *unit) since(sequence uint64) []store.Record {
	u.Helper()
	if err := u.journal.Sync(context.Background()); err != nil {
		u.Fatal(err)
	}
	list, err := u.journal.Since(sequence, 100_000)
	if err != nil {
		u.Fatal(err)
	}
	return list
}

// happened checks that events were recorded, since the last call, that begin with
// each of the lines, in their order.
func (u *unit) happened(lines ...string) {
	u.Helper()
	var events []string
	for _, e := range u.since(u.mark) {
		events, u.mark = append(events, sim.Line(e.Event)), e.Sequence
	}
	at := 0
	for _, line := range lines {
		for at < len(events) && !strings.HasPrefix(events[at], line) {
			at++
		}
		if at == len(events) {
			u.Fatalf("%s: no %q, or not in its place, in:\n%s", u.name, line, strings.Join(events, "\n"))
		}
		at++
	}
}

// released checks which doors of the board let people through.
func (u *unit) released(want ...relay.Channel) {
	u.Helper()
	for _, c := range []relay.Channel{front, side} {
		if got := u.board.Released(c); got != slices.Contains(want, c) {
			u.Errorf("%s: %s is released: %t", u.name, c, got)
		}
	}
}

// level returns how a zone is here.
func (u *unit) level() (level string, violated bool) {
	u.Helper()
	list, err := u.server.Zones(context.Background())
	if err != nil {
		u.Fatal(err)
	}
	for _, z := range list {
		level, violated = z.Level, z.Violated
	}
	return level, violated
}

// exactlyOnce checks that the service has each event of a controller, since it was
// enrolled, once and no other.
func (s *site) exactlyOnce(u *unit) {
	s.Helper()
	var texts [][]byte
	for e, err := range s.service.fleet.Events(context.Background(), s.place, fleet.Query{Controller: u.id}) {
		if err != nil {
			s.Fatal(err)
		}
		texts = append(texts, e.Text)
	}
	u.sameEvents(texts, u.journal.Head().Sequence)
}

// sameEvents checks that events at the service are those of the journal, of which it
// must have those through a sequence.
func (u *unit) sameEvents(texts [][]byte, through uint64) {
	u.Helper()
	name := func(r *store.Record) string { return fmt.Sprint(r.Epoch, " ", r.Sequence, " ", r.UUID) }
	here, there := map[string]uint64{}, map[string]int{}
	var first uint64
	for _, text := range texts {
		var r store.Record
		if err := json.Unmarshal(text, &r); err != nil {
			u.Fatal(err)
		}
		if first == 0 || r.Sequence < first {
			first = r.Sequence
		}
		there[name(&r)]++
	}
	for _, r := range u.since(0) {
		if r.Sequence >= first {
			here[name(&r)] = r.Sequence
		}
	}
	for name, n := range there {
		if n != 1 || here[name] == 0 {
			u.Errorf("%s: event %s is at the service %d times, in the journal: %t", u.name, name, n, here[name] != 0)
		}
	}
	for name, sequence := range here {
		if there[name] == 0 && sequence <= through {
			u.Errorf("%s: event %s is not at the service", u.name, name)
		}
	}
	if len(here) == 0 {
		u.Errorf("%s: there are no events", u.name)
	}
}

// agreed checks that all controllers hold the records that the API shows, to the bit.
func (s *site) agreed() {
	s.Helper()
	want := rootOf(s, s.service, s.place)
	for _, u := range s.units {
		if _, head := u.policy.Head(); !s.synced(u) || head.Root != want {
			s.Errorf("%s has %v with root %x, the service %v with root %x", u.name, u.policy.Position(), head.Root[:4], s.service.fleet.Position(s.place), want[:4])
		}
		if err := u.policy.Check(context.Background()); err != nil {
			s.Errorf("%s: %v", u.name, err)
		}
		if err := u.journal.Verify(context.Background()); err != nil {
			s.Errorf("%s: %v", u.name, err)
		}
	}
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}
