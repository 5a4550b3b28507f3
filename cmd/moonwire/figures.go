package main

import (
	"time"

	"github.com/moonwire/moonwire/core/call"
)

func counter(name, help string, value uint64) figure {
	return figure{name: name, help: help, counter: true, value: float64(value)}
}

func gauge(name, help string, value float64) figure {
	return figure{name: name, help: help, value: value}
}

// figures are what /metrics shows.
func (s *server) figures() []figure {
	sip, media, scripts := s.sip.Stats(), s.media.Stats(), s.api.Stats()
	used, total := s.ports.InUse()
	current := s.host.Current()
	list := []figure{
		gauge("calls_active", "Legs of calls that are up now.", float64(sip.Calls)),
		gauge("uptime_seconds", "Time since the start.", time.Since(s.began).Seconds()),

		counter("sip_calls_incoming_total", "Calls that came in.", sip.Incoming),
		counter("sip_calls_outgoing_total", "Calls that were dialled.", sip.Outgoing),
		counter("sip_calls_answered_total", "Calls that were answered.", sip.Answered),
		counter("sip_calls_refused_total", "Calls that were refused before a script saw them.", sip.Refused),
		gauge("sip_registrations", "Contacts of phones that are registered now.", float64(sip.Registrations)),
		counter("sip_messages_received_total", "SIP messages received.", sip.Received),
		counter("sip_messages_sent_total", "SIP messages sent, with retransmissions.", sip.Sent),
		counter("sip_garbage_total", "Packets dropped because they are not SIP.", sip.Garbage),
		counter("sip_malformed_total", "Requests refused because they are malformed.", sip.Malformed),
		counter("sip_auth_failures_total", "Requests with a wrong name or password.", sip.AuthFailures),
		counter("sip_throttled_total", "Requests dropped because their source guesses passwords.", sip.Throttled),
		counter("sip_never_acknowledged_total", "Calls whose answer was never acknowledged.", sip.NeverAcked),
		counter("sip_panics_total", "Mistakes of the program that were survived; please report.", sip.Panics),

		gauge("media_workers", "Threads that carry media.", float64(media.Workers)),
		counter("media_late_milliseconds_total", "Milliseconds by which media work began more than 5 ms late.", media.LateTicks),
		counter("media_underruns_total", "Frames of silence played because the disk was too slow for a long sound.", s.prompts.Underruns()+scripts.Underruns),
		counter("rtp_packets_received_total", "Datagrams received on media ports.", media.Received),
		counter("rtp_packets_sent_total", "Datagrams sent from media ports.", media.Sent),
		counter("rtp_send_errors_total", "Datagrams that the system did not take.", media.SendErrors),
		gauge("rtp_ports_used", "Pairs of media ports in use.", float64(used)),
		gauge("rtp_ports_total", "Pairs of media ports there are.", float64(total)),

		gauge("trace_legs", "Legs whose timeline is kept.", float64(s.trace.Size())),

		gauge("scripts_version", "Number of the version of the scripts that serves.", float64(current.Number())),
		gauge("scripts_states", "Lua states of the serving version that are in use.", float64(current.Live())),
		counter("scripts_calls_total", "Calls that a script served.", scripts.Calls),
		counter("scripts_errors_total", "Calls that ended by an error in a script.", scripts.Errors),
	}
	return append(append(list, s.states()...), s.recordFigures()...)
}

// states counts the calls by how far they are.
func (s *server) states() []figure {
	var count [call.Ended + 1]int
	for _, c := range s.sip.Calls() {
		count[c.State]++
	}
	var list []figure
	for state, n := range count {
		list = append(list, figure{name: "calls", help: "Legs by state.", labels: []string{"state"},
			values: []string{call.State(state).String()}, value: float64(n)})
	}
	return list
}

// recordFigures are what /metrics shows of call records.
func (s *server) recordFigures() []figure {
	j := s.journal.Stats()
	list := []figure{
		counter("records_appended_total", "Call records that were written to the journal.", j.Appended),
		counter("records_lost_total", "Call records that were given up for want of room.", j.Lost),
		counter("records_damaged_total", "Call records that were damaged on disk.", j.Damaged),
		gauge("records_journal_bytes", "Size of the journal of call records.", float64(j.Octets)),
		gauge("records_waiting_bytes", "Call records in memory that the disk has not taken.", float64(j.Waiting)),
		gauge("records_disk_failing", "1 while the disk takes no call records.", one(j.Failing)),
	}
	for _, d := range s.sinks.Status() {
		for _, f := range []figure{
			counter("records_delivered_total", "Call records that the sink has taken.", d.Delivered),
			counter("records_refused_total", "Call records that the sink refused for what is in them.", d.Refused),
			gauge("records_pending_bytes", "Size of the call records that the sink has not got.", float64(d.Pending)),
			gauge("records_sink_failing", "1 while the sink cannot be reached or is not set up.", one(d.Failing)),
		} {
			f.labels, f.values = []string{"sink"}, []string{d.Sink}
			list = append(list, f)
		}
	}
	return list
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
