// Package trace is the flight recorder: it keeps, for each call, what happened
// to it, on one clock and in one order.
//
// Whoever does something to a leg notes an Event under the leg's id: the SIP
// endpoint its messages, the Lua API each step of a script. A leg that was
// dialled for a call is linked to it, and the story of a call is everything that
// was noted on it and on the legs linked to it, in order of time. So nobody who
// notes an event has to know what call it will belong to.
//
// It is always on, so noting is cheap: an event is a few words written into the
// leg's own track, its attributes and octets go into slabs that the track
// allocates a few of, and nothing is formatted before somebody looks.
//
// Memory is bounded, whatever comes over the network:
//
//	a track     keeps its first events and its latest ones, and says how many
//	            between them were let go; of packets it keeps so many octets,
//	            of RTP the latest headers (see Tape)
//	calls       in progress are all kept; of those that have ended the latest,
//	            and beside them, each with a bound of their own, the latest that
//	            failed, since these are asked for when nobody remembers when it
//	            was, and the latest that no script served, so that a scanner
//	            cannot push the others out
//	strays      legs that belong to no call, such as one that was refused before
//	            any script saw it, are kept until so many others came
//
// What was noted is shown through Redacted only: passwords' proofs and keys of
// encrypted media are nobody's business.
package trace
