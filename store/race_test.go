//go:build race

package store

// raced: the race detector is on.
const raced = true
