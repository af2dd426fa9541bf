// Package gateway is a simulated gateway with wireless locks, and faults on demand: the
// other side of package relay/gateway's own protocol.
//
//	relay/gateway.Loop ◀──▶ Port (real time, or that of a bubble) ◀──▶ Gateway ─▶ Lock, Lock, …
//
// A [Gateway] is pure: time and bytes in, bytes out. It follows the protocol where it
// speaks; what its locks do by themselves is for the tests of those who drive it.
package gateway
