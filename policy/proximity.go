package policy

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"
)

// The life of a proximity code.
const (
	// ProximityWindow is how long a code is shown.
	ProximityWindow = 30 * time.Second
	// ProximityTries is how many wrong codes a door takes in one window.
	ProximityTries = 5
)

// ProximityCode returns the code that a door's reader shows at the monotonic time
// up: 8 base32 characters, another one in every window. It proves that whoever
// types it in has seen the reader a moment ago, or has a friend who has.
//
// It is the first 40 bits of HMAC-SHA-256(key, door ‖ window), both as 64 bits big
// endian. Windows are counted on the monotonic clock, so the key must be new at
// every start, when that clock begins anew.
func ProximityCode(key []byte, door int64, up time.Duration) string {
	return proximityCode(key, door, int64(up/ProximityWindow))
}

func proximityCode(key []byte, door, window int64) string {
	var message [16]byte
	binary.BigEndian.PutUint64(message[:], uint64(door))
	binary.BigEndian.PutUint64(message[8:], uint64(window))
	mac := hmac.New(sha256.New, key)
	mac.Write(message[:])
	return base32.StdEncoding.EncodeToString(mac.Sum(nil)[:5])
}

// CheckProximity reports whether code is that of the window at up or of the one
// before: people need time to type. No key has no right code.
func CheckProximity(key []byte, door int64, up time.Duration, code string) bool {
	window, given := int64(up/ProximityWindow), []byte(strings.ToUpper(code))
	same := func(window int64) int {
		return subtle.ConstantTimeCompare([]byte(proximityCode(key, door, window)), given)
	}
	return len(key) > 0 && same(window)|same(window-1) == 1
}
