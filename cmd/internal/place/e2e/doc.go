// Package e2e tests the place service together with those who speak to it. It has
// tests only.
//
// With controllers: each is a real daemon on a simulated board, enrolled by the real
// API, over TLS. Most of it is in virtual time, over connections in memory that can
// be cut.
//
//	controllers_test.go   several controllers share a zone, are cut off, and disagree
//	zones_test.go         what may go wrong between them and the service
//	commands_test.go      commands that are late, played again or signed by others
//	chaos_test.go         all of it at random, and what must hold whatever comes
//	kill_test.go          a service that is a process, and killed
//	bench_test.go         how long it takes from the API to a disk, and to a relay
//
// With clients: e2e_test.go has the vendor's own use it, and needs node, npm and curl.
package e2e
