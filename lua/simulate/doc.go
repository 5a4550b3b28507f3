// Package simulate serves calls without telephones, networks or waiting.
//
// A World is one site on a clock.Virtual: the host, the API, the routes, the
// media and the prompts are those of the server, and only what touches the
// outside is replaced. Lines are fake legs that do what a Plan says, the store is
// in memory, recordings go to a folder of their own, and requests go nowhere. So
// what a simulation shows is what the server would do.
//
// Time passes only while a World is told to run, from one alarm to the next, and
// each alarm's work is done before the next begins: an hour of ringing costs as
// little as a second of it, and two runs are alike to the byte. Where several
// things could happen at one instant, they are made to happen one after another:
// targets are dialled in their order, and a leg that is hung up says so by an
// alarm of its own.
//
// A run always ends. The host's fuel ends scripts that compute for too long, and
// a World gives up after some real time, whatever its scripts do.
package simulate
