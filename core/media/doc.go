// Package media moves audio in time.
//
// A few workers, one for every two cores, do all media work of the process:
// half of a machine can carry more media than the other half can set up calls. A worker
// is one goroutine on a thread of its own. It sleeps until a packet arrives on
// one of its sockets, a tick of its wheel is due, or a command was posted, and
// then deals with everything that is ready before it sleeps again. A leg belongs
// to one worker, and both legs of a bridge to the same one, so that nothing a
// leg owns needs a lock, and a thousand legs cost a thousand packets' work
// rather than a thousand goroutines' and tickers'.
//
// The wheel has one slot a millisecond. What repeats (a prompt being played, a
// jitter buffer being emptied) sits in the slot where it is next due; new
// arrivals take the emptiest phase, so that load spreads over the 20 ms of a
// frame and packets do not leave in bursts.
//
// The workers' threads do not count among those that run Go code for the rest
// of the process (NewEngine raises GOMAXPROCS by their number), so that a busy
// script can delay media only as far as the kernel's scheduler lets it.
package media
