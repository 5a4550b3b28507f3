// Package interop holds the tests that run the built server against programs
// that others wrote: sipp, baresip, linphone-cli and tshark.
//
// They run side by side and mostly wait: for a timer of SIP, for a prompt to be
// played. Tests that need nothing of their own share one server, each with a
// number of its own; the others start one on free loopback ports and stop it by
// its process. What has to be waited for is seen in the server's log, on the
// program's screen or in the capture, never slept for.
package interop
