// Package local is a line from the server to itself: dialling "200@internal"
// makes a call that comes in at extension 200 of context internal, as if a phone
// had dialled it.
//
// Such a call is a pair of legs back to back. The near one belongs to who
// dialled, the far one is served by a script. What one side is told, the other
// hears of: ringing, the answer, keys, hold, the end; and what is said into one
// port comes out of the other. Nothing is ever optimised away, so both sides live
// as long as the call: what Asterisk's users ask for by "/n", which is allowed
// behind the address and changes nothing.
package local
