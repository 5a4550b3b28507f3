// Package rtp moves the audio of one leg over the network (RFC 3550).
//
// A Session is a call.Port on a pair of UDP sockets that a media worker serves.
// Everything in it runs on that worker, so a packet meets no lock on its way: it
// is checked, its sender's right to be heard is looked up, and its payload goes
// to the sink of a bridge, which hands it to the WriteFrame of the other leg,
// where a new header is written over the old one in the very buffer that the
// kernel filled. Where nobody takes frames as they arrive, a jitter buffer keeps
// them for ReadFrame.
//
// The parts that decide something are plain values without sockets or clock:
// sources (whom to believe), reception (which packets are new, and what was
// lost), outgoing (sequence numbers and timestamps of what we send),
// eventReceiver and toneReceiver (which telephone-events, or which tones, are one
// key), and the RTCP packets.
package rtp
