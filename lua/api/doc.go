// Package api is what scripts can call.
//
// Everything is in one table (see Table): each function, method, option and
// field is an Entry that says what it is called, what it takes and gives, when
// it may be called and how it fails, together with an example and the Go
// function behind it. From that table come the bindings with their argument
// checks, the annotations for editors, the reference manual and what the
// checker knows. A name that is not in the table does not exist, and nothing
// in the table can be undocumented.
//
// A script that serves a call runs on a goroutine of its own and its functions
// block. All of them wait in one place (task.next), which takes what happens
// from two sources only: the events of the call's own leg, and an inbox of
// closures that carries everything else (media that ended, other legs, timers,
// answers from the network). So a hang-up reaches a script in whatever it is
// doing, nothing of a call needs a lock, and the whole runs in virtual time:
// each message holds the clock until the script has dealt with it and waits
// again.
//
// Where a script does several things at once (call:all, call:race), each is a
// branch with a goroutine of its own, of which one runs at a time; see branch.
package api

//go:generate go test -run TestGeneratedFiles . -update
