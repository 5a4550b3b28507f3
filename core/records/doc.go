// Package records keeps what is to be known of calls after their end, and brings
// it to where it is wanted.
//
// A record is first appended to a Journal: files on the server's own disk, one
// line a record, each line with a checksum. Append hands the line to the
// operating system and returns; it never waits for the disk, which a goroutine
// of the journal's syncs behind it, many records at a time. So a record outlives
// the process as soon as Append has returned, and a power cut some milliseconds
// later.
//
// From the journal records are delivered to sinks, a CSV file or a database, by
// one goroutine each (see Delivery). How far a sink has come is its cursor, a
// position in the journal that is on disk too. A cursor moves only when the sink
// has what lies before it for good, and it is only ever behind, never ahead: what
// a crash lets happen is that a sink is given a record again. A sink knows the
// record by its Unique and does not take it twice. Together that is exactly once,
// through crashes of either side and while a sink is away.
//
// The journal is bounded. What every sink has is kept for a while, to be listed;
// what some sink does not have is kept until there is no more room, long before
// which the log and the metrics say so.
package records
