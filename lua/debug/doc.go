// Package debug lets an editor step through scripts: it speaks the Debug Adapter
// Protocol, which most editors know.
//
// The host calls Session.Line before each statement. Nearly always that finds
// nothing to stop for and goes on. Where it does stop, the script's own
// goroutine waits in that call, and while it waits it carries out what the
// editor asks about it (the stack, variables, expressions): the interpreter is
// touched by no other goroutine. A script that runs in virtual time holds its
// clock while it waits here, so the world stands still with it.
//
// What is debugged, a simulation or tests, is the business of a Launcher.
package debug
