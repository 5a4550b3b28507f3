// Package interop holds the tests that run the built server against programs
// that others wrote: sipp, baresip, linphone-cli and tshark. Each test starts
// what it needs on free loopback ports and stops it by process id.
package interop
