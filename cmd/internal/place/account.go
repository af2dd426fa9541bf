package place

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"

	"doord/policy"
)

// Account is who signs in: an e-mail address and a password. He is a member of the
// places whose invitations he took.
type Account struct {
	Base
	Email     string  `json:"email"`
	Password  string  `json:"password"` // argon2id, in the form of its reference
	Favorites []int64 `json:"favorites,omitempty"`
}

var accounts = &kind{path: "accounts", fresh: func() record { return &Account{} }}

func (a *Account) keys() []key      { return []key{{"email", a.Email, "is taken", codeTaken}} }
func (a *Account) show(*shower) any { return nil }

// Login is a session. Its secret is shown once; the hash is all that is kept.
type Login struct {
	Base
	AccountID  int64     `json:"account_id"`
	SHA256     string    `json:"sha256"`
	Type       string    `json:"type"`
	LastUsedAt time.Time `json:"last_used_at"`
}

var logins = new(kind)

func init() {
	*logins = kind{
		path: "logins", envelope: "login", resource: "Login", verbs: "read delete",
		fresh: func() record { return &Login{} }, object: loginObject{},
	}
}

func (l *Login) keys() []key { return []key{{"base", l.SHA256, "try again", ""}} }
func (l *Login) refs() []ref { return []ref{{field: "account_id", to: accounts, id: l.AccountID}} }

type loginObject struct {
	ID           int64     `json:"id"`
	ResourceType string    `json:"resource_type"`
	Type         string    `json:"type"`
	Current      bool      `json:"current"` // it is the one that asks
	CreatedAt    time.Time `json:"created_at"`
	LastUsedAt   time.Time `json:"last_used_at"`
	ExpiresAt    time.Time `json:"expires_at"`
}

func (l *Login) show(s *shower) any {
	return &loginObject{l.ID, logins.resource, l.Type, l.ID == s.c.login, l.CreatedAt, l.LastUsedAt, l.LastUsedAt.Add(loginLife)}
}

// AccessKey lets an integration act as a member, with the roles that he has, but none
// above that of who made the key: he may have it still.
type AccessKey struct {
	Base
	Name     string      `json:"name"`
	MemberID int64       `json:"member_id"`
	Role     policy.Role `json:"role_id"` // at the place, at most
	SHA256   string      `json:"sha256"`
}

var accessKeys = new(kind)

func init() {
	*accessKeys = kind{
		path: "access_keys", envelope: "access_key", resource: "AccessKey", verbs: "read create delete",
		fresh: func() record { return &AccessKey{} }, object: accessKeyObject{}, readOnly: []string{"sha256", "role_id"},
		prepare: func(c *call, _ *tx, _, r record) (any, error) {
			secret := newSecret()
			k := r.(*AccessKey)
			k.SHA256, k.Role = hashed(secret), c.caller.at(k.PlaceID).role
			return once{Secret: secret}, nil
		},
	}
}

func (k *AccessKey) text() string { return k.Name }
func (k *AccessKey) owner() int64 { return k.MemberID }
func (k *AccessKey) refs() []ref  { return []ref{{field: "member_id", to: members, id: k.MemberID}} }
func (k *AccessKey) keys() []key  { return []key{{"base", k.SHA256, "try again", ""}} }
func (k *AccessKey) check(_ view, bad *Invalid) {
	bad.must(strings.TrimSpace(k.Name) != "", "name", "can't be blank")
}

type accessKeyObject struct {
	*AccessKey
	ResourceType string `json:"resource_type"`
	Secret       hidden `json:"sha256,omitempty"`
}

func (k *AccessKey) show(*shower) any {
	return &accessKeyObject{AccessKey: k, ResourceType: accessKeys.resource}
}

// newSecret makes 256 random bits.
func newSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// hashed is what is kept of a secret. It is random, so that a plain hash will do.
func hashed(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Bounds of passwords.
const (
	minPassword = 8
	maxPassword = 256
)

// passwords hashes them, a few at a time: each takes a good deal of memory.
type passwords struct {
	time, memory uint32 // argon2id's passes, and its memory in KiB
	turns        chan struct{}
}

func newPasswords() *passwords {
	return &passwords{time: 2, memory: 19 << 10, turns: make(chan struct{}, 4)}
}

var errBusy = &Error{Status: http.StatusServiceUnavailable, Text: "too many sign in at once: try again", Code: codeTooMany, Retry: time.Second}

// turn waits for one of few turns.
func (p *passwords) turn(ctx context.Context) (end func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	select {
	case p.turns <- struct{}{}:
		return func() { <-p.turns }, nil
	case <-ctx.Done():
		return nil, errBusy
	}
}

const phc = "$argon2id$v=19$m=%d,t=%d,p=1$"

func (p *passwords) hash(ctx context.Context, password string) (string, error) {
	end, err := p.turn(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails
	sum := argon2.IDKey([]byte(password), salt, p.time, p.memory, 1, 32)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf(phc, p.memory, p.time) + b64.EncodeToString(salt) + "$" + b64.EncodeToString(sum), nil
}

// is reports whether a password has a hash. For no hash it takes as long, and is not.
// Its caller has a turn.
func (p *passwords) is(password, hash string) (bool, error) {
	memory, passes := p.memory, p.time
	var salt, sum []byte
	if parts := strings.Split(hash, "$"); len(parts) == 6 {
		if _, err := fmt.Sscanf(strings.Join(parts[:4], "$")+"$", phc, &memory, &passes); err != nil {
			return false, fmt.Errorf("place: a password's hash: %w", err)
		}
		salt, _ = base64.RawStdEncoding.DecodeString(parts[4])
		sum, _ = base64.RawStdEncoding.DecodeString(parts[5])
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, 1, 32)
	return len(sum) == len(got) && subtle.ConstantTimeCompare(got, sum) == 1, nil
}

func checkPassword(password string, bad *Invalid) {
	bad.must(len(password) >= minPassword && len(password) <= maxPassword, "password", "must have %d to %d characters", minPassword, maxPassword)
}

// lockout refuses an address's sign-ins for a while after too many wrong passwords,
// whether or not it has an account. It lives in memory: who could restart the service
// needs no password.
type lockout struct {
	mu    sync.Mutex
	wrong map[string]*attempts
}

type attempts struct {
	n     int
	first time.Time
	until time.Time
}

const (
	maxWrong    = 10
	wrongWithin = 15 * time.Minute
	lockoutLife = 15 * time.Minute
	maxLockouts = 10_000 // addresses that are remembered
)

// locked returns how long an address is locked out for.
func (l *lockout) locked(email string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left(email, now)
}

func (l *lockout) left(email string, now time.Time) time.Duration {
	if a := l.wrong[email]; a != nil && now.Before(a.until) {
		return a.until.Sub(now)
	}
	return 0
}

// right forgets the attempts of an address.
func (l *lockout) right(email string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.wrong, email)
}

// begin counts an attempt, as a wrong one until it turns out to be right: many at once
// are no more than may be. If the address is locked out it returns for how long.
func (l *lockout) begin(email string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := l.left(email, now); wait > 0 {
		return wait
	}
	if len(l.wrong) >= maxLockouts {
		for e, a := range l.wrong {
			if now.Sub(a.first) > wrongWithin && now.After(a.until) || len(l.wrong) >= maxLockouts {
				delete(l.wrong, e)
			}
		}
	}
	a := l.wrong[email]
	if a == nil || now.Sub(a.first) > wrongWithin {
		a = &attempts{first: now}
		if l.wrong == nil {
			l.wrong = map[string]*attempts{}
		}
		l.wrong[email] = a
	}
	if a.n++; a.n >= maxWrong {
		a.until, a.n, a.first = now.Add(lockoutLife), 0, now
	}
	return 0
}

// maxLogins is how many sessions an account may have; the one used longest ago ends
// for a new one.
const maxLogins = 50

// SignedIn answers a sign-in.
type SignedIn struct {
	ID        int64     `json:"id"`
	Secret    string    `json:"secret"`
	Email     string    `json:"email"`
	ExpiresAt time.Time `json:"expires_at"` // if it is not used until then
}

// signIn begins a session.
func (t *tx) signIn(a *Account, kind string) SignedIn {
	old := pick[Login](t, logins, accounts, a.ID)
	slices.SortFunc(old, func(x, y *Login) int { return cmp.Or(x.LastUsedAt.Compare(y.LastUsedAt), cmp.Compare(x.ID, y.ID)) })
	for len(old) >= maxLogins {
		t.drop(logins, old[0].ID)
		old = old[1:]
	}
	secret := newSecret()
	l := &Login{AccountID: a.ID, SHA256: hashed(secret), Type: cmp.Or(kind, "device"), LastUsedAt: t.now}
	t.put(logins, l)
	return SignedIn{ID: l.ID, Secret: secret, Email: a.Email, ExpiresAt: t.now.Add(loginLife)}
}

type credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	Domain   string `json:"domain,omitempty"`
}

type loginBody struct {
	Login struct {
		Type string `json:"type"`
	} `json:"login"`
	User credentials `json:"user"`
}

var errPassword = &Error{Status: http.StatusUnauthorized, Text: "the e-mail address or the password is wrong", Code: codeUnauthenticated}

// checked returns the account whose password was given.
func (c *call) checked(given credentials) (*Account, error) {
	email := strings.ToLower(strings.TrimSpace(given.Email))
	if len(given.Password) > maxPassword || len(email) > maxText {
		return nil, errPassword
	}
	if wait := c.s.lockout.locked(email, c.now); wait > 0 {
		return nil, lockedOut(wait)
	}
	end, err := c.s.passwords.turn(c.r.Context())
	if err != nil {
		return nil, err
	}
	defer end()
	if wait := c.s.lockout.begin(email, c.now); wait > 0 {
		return nil, lockedOut(wait)
	}
	var a *Account
	c.s.read(func(v view) { a, _ = any(v.find(accounts, email)).(*Account) })
	hash := ""
	if a != nil {
		hash = a.Password
	}
	right, err := c.s.passwords.is(given.Password, hash)
	if err != nil {
		return nil, err
	}
	if !right {
		return nil, errPassword
	}
	c.s.lockout.right(email)
	return a, nil
}

func lockedOut(wait time.Duration) *Error {
	return &Error{Status: http.StatusTooManyRequests, Text: "too many wrong passwords: wait, then try again", Code: codeLockedOut, Retry: wait}
}

func postLogin(c *call) (int, any, error) {
	var body loginBody
	if err := c.decode("", &body); err != nil {
		return 0, nil, err
	}
	if len(body.Login.Type) > 100 {
		return 0, nil, invalid("login.type", "is too long")
	}
	a, err := c.checked(body.User)
	if err != nil {
		return 0, nil, err
	}
	var in SignedIn
	err = c.s.change(func(t *tx) error {
		now := lookup[Account](t, accounts, a.ID)
		if now == nil || now.Password != a.Password {
			return errPassword // it was changed meanwhile
		}
		in = t.signIn(now, body.Login.Type)
		c.caller.account = a.ID
		t.tellAccount(c, now, "login.create", in.ID)
		return nil
	})
	return http.StatusCreated, in, err
}

func deleteLogin(c *call) (int, any, error) {
	if c.caller.login == 0 {
		return 0, nil, errUnauthenticated
	}
	return http.StatusNoContent, nil, c.endLogin(c.caller.login)
}

// endLogin ends one of the caller's own sessions.
func (c *call) endLogin(id int64) error {
	return c.s.change(func(t *tx) error {
		l, a := lookup[Login](t, logins, id), lookup[Account](t, accounts, c.caller.account)
		if l == nil || a == nil || l.AccountID != a.ID {
			return errMissing
		}
		t.drop(logins, id)
		t.tellAccount(c, a, "login.delete", id)
		return nil
	})
}

type passwordBody struct {
	Current string `json:"current"`
	New     string `json:"new"`
}

// putPassword changes one's own password and ends all other sessions.
func putPassword(c *call) (int, any, error) {
	var body passwordBody
	if err := c.decode("password", &body); err != nil {
		return 0, nil, err
	}
	if c.caller.login == 0 {
		return 0, nil, errUnauthenticated
	}
	bad := &Invalid{}
	checkPassword(body.New, bad)
	if err := bad.orNil(); err != nil {
		return 0, nil, err
	}
	var email string
	c.s.read(func(v view) {
		if a := lookup[Account](v, accounts, c.caller.account); a != nil {
			email = a.Email
		}
	})
	a, err := c.checked(credentials{Email: email, Password: body.Current})
	if errors.Is(err, errPassword) {
		return 0, nil, invalid("current", "is wrong")
	}
	if err != nil {
		return 0, nil, err
	}
	hash, err := c.s.passwords.hash(c.r.Context(), body.New)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, c.s.change(func(t *tx) error {
		now := lookup[Account](t, accounts, a.ID)
		if now == nil {
			return errMissing
		}
		next := *now
		next.Password = hash
		t.put(accounts, &next)
		for _, l := range pick[Login](t, logins, accounts, a.ID) {
			if l.ID != c.caller.login {
				t.drop(logins, l.ID)
			}
		}
		t.tellAccount(c, &next, "account.password", a.ID)
		return nil
	})
}

// invitation lets a member set a password.
type invitation struct {
	Code      string    `json:"code"`
	ExpiresAt time.Time `json:"expires_at"`
}

// invite makes a code that is good once, in place of the one before. It is good for
// nobody stronger than who made it, who may take it himself.
func (m *Member) invite(c *call, now time.Time) *invitation {
	secret := newSecret()
	m.InviteSHA256, m.InviteUntil, m.InviteRole = hashed(secret), now.Add(inviteLife), c.caller.at(m.PlaceID).role
	return &invitation{secret, m.InviteUntil}
}

func invite(c *call, r record) (any, error) {
	var made *invitation
	err := c.s.change(func(t *tx) error {
		m := lookup[Member](t, members, r.base().ID)
		switch {
		case m == nil:
			return errMissing
		case m.AccountID != 0:
			return conflict("the member has a password already")
		case m.Email == "":
			return invalid("email", "can't be blank")
		}
		if err := c.caller.guard(t, members, m.PlaceID, m); err != nil {
			return err
		}
		next := *m
		made = next.invite(c, t.now)
		t.put(members, &next)
		t.tell(c, "member.invite", members, m)
		return nil
	})
	return once{Invitation: made}, err
}

type invitationBody struct {
	Code     string `json:"code"`
	Password string `json:"password"`
}

var errInvitation = &Error{Status: http.StatusForbidden, Text: "the invitation is wrong, was used, has expired or is of before a stronger role: ask for another", Code: codeForbidden}

// postInvitation takes an invitation: the member becomes one of the account with his
// address, which is made if there is none. If there is one its password must be given:
// an invitation is no way to another's account.
func postInvitation(c *call) (int, any, error) {
	var body invitationBody
	if err := c.decode("invitation", &body); err != nil {
		return 0, nil, err
	}
	var m *Member
	known := false
	c.s.read(func(v view) {
		if m, _ = any(v.find(members, "invite "+hashed(body.Code))).(*Member); m != nil {
			known = v.find(accounts, m.Email) != nil
		}
	})
	if m == nil || !c.now.Before(m.InviteUntil) {
		return 0, nil, errInvitation
	}
	var hash string
	var err error
	if known {
		_, err = c.checked(credentials{Email: m.Email, Password: body.Password})
	} else {
		bad := &Invalid{}
		if checkPassword(body.Password, bad); bad.orNil() != nil {
			return 0, nil, bad
		}
		hash, err = c.s.passwords.hash(c.r.Context(), body.Password)
	}
	if err != nil {
		return 0, nil, err
	}
	var in SignedIn
	err = c.s.change(func(t *tx) error {
		now := lookup[Member](t, members, m.ID)
		if now == nil || now.InviteSHA256 != m.InviteSHA256 || strength(t, now.ID) > max(rankOf(now.InviteRole), 0) {
			return errInvitation
		}
		a, _ := any(t.find(accounts, m.Email)).(*Account)
		if (a != nil) != known {
			return conflict("try again")
		}
		if a == nil {
			a = &Account{Email: m.Email, Password: hash}
			t.put(accounts, a)
		}
		next := *now
		next.AccountID, next.InviteSHA256, next.InviteUntil, next.InviteRole = a.ID, "", time.Time{}, ""
		t.put(members, &next)
		in = t.signIn(a, "")
		c.caller.account = a.ID
		t.tell(c, "member.accept", members, &next)
		return nil
	})
	return http.StatusCreated, in, err
}

type setupBody struct {
	Code     string `json:"code"`
	Email    string `json:"email"`
	Password string `json:"password"`
	Name     string `json:"name"`
	Place    any    `json:"place"` // a name, or a place
}

// SetUp answers a set-up.
type SetUp struct {
	SignedIn
	PlaceID  int64 `json:"place_id"`
	MemberID int64 `json:"member_id"`
}

// Setup returns a one-time code by which the first owner is made, good until it is
// used or the service ends; "" if there is an account already.
func (s *Service) Setup() string {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	if len(s.state.tables[accounts.n].ids) > 0 {
		return ""
	}
	code := newSecret()
	s.setup.Store(new(hashed(code)))
	return code
}

func postSetup(c *call) (int, any, error) {
	var body setupBody
	if err := c.decode("", &body); err != nil {
		return 0, nil, err
	}
	want := c.s.setup.Load()
	if want == nil || subtle.ConstantTimeCompare([]byte(hashed(body.Code)), []byte(*want)) != 1 {
		return 0, nil, &Error{Status: http.StatusForbidden, Text: "the code is wrong or was used", Code: codeForbidden}
	}
	bad := &Invalid{}
	home := places.fresh().(*Place)
	switch p := body.Place.(type) {
	case string:
		home.Name = p
	case map[string]any:
		var o struct {
			Place map[string]json.RawMessage `json:"place"`
		}
		_ = json.Unmarshal(c.raw, &o) // it was read once already
		c.body = o.Place
		places.set(c, home, bad)
	default:
		bad.Add("place", "must be a name, or a place")
	}
	checkPassword(body.Password, bad)
	bad.must(strings.TrimSpace(body.Email) != "", "email", "can't be blank")
	if err := bad.orNil(); err != nil {
		return 0, nil, err
	}
	hash, err := c.s.passwords.hash(c.r.Context(), body.Password)
	if err != nil {
		return 0, nil, err
	}
	var answer SetUp
	err = c.s.change(func(t *tx) error {
		if c.s.setup.Load() != want || len(t.state.tables[accounts.n].ids) > 0 {
			return conflict("the service was set up meanwhile")
		}
		a := &Account{Email: strings.ToLower(strings.TrimSpace(body.Email)), Password: hash}
		t.put(accounts, a)
		m := t.found(home, a, body.Name)
		c.caller.account = a.ID
		answer = SetUp{t.signIn(a, ""), home.ID, m.ID}
		t.tell(c, "place.create", places, home)
		return nil
	})
	if err == nil {
		c.s.setup.CompareAndSwap(want, nil)
	}
	return http.StatusCreated, answer, err
}

// found puts a new place with an account's owner as its first.
func (t *tx) found(home *Place, a *Account, name string) *Member {
	t.put(places, home)
	m := members.fresh().(*Member)
	m.PlaceID, m.Email, m.Name, m.AccountID = home.ID, a.Email, name, a.ID
	t.put(members, m)
	r := roleAssignments.fresh().(*RoleAssignment)
	r.PlaceID, r.MemberID, r.Role = home.ID, m.ID, "owner"
	r.AppliesTo.Type, r.AppliesTo.ID = toPlace, home.ID
	t.put(roleAssignments, r)
	return m
}
