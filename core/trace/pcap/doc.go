// Package pcap writes captures that Wireshark reads, of packets that were never
// captured: of each only what a program sent or received is known, and the
// frame around it is put together here.
//
// A packet may be written in part: its true length is told and the octets that
// are missing are not there, as in a capture with a limit. Programs that read it
// show what there is and count lengths right, where padding with made-up octets
// would look like something that was sent.
package pcap
