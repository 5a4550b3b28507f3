// Package console is the operator's keyboard: it attaches to a running server
// over the control socket and runs commands in it.
//
// A command is a row of data: the words that call it, its arguments with what
// completes them, and a function that makes a Result of the server's state. A
// Result is a table of values and not text, so each command can be read by a
// person and, as JSON, by a program. The words that Asterisk's users type are
// rows of the same kind (see the files asterisk_*.go) which make tables of the
// shape that they know.
//
// Both ends speak lines of JSON over a connection that began as an HTTP request
// (see frame). Commands of one console run one after another, on a goroutine of
// the console's own. What is streamed to it, log lines and SIP messages, passes
// through a queue that drops and counts what does not fit: a console that reads
// slowly, or not at all, costs the server nothing. When its connection ends, so
// does all that it had asked for.
package console
