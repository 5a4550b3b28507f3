package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/sip"
	"github.com/moonwire/moonwire/core/trace"
)

// The server's side of moonwire trace and moonwire calls: it notes SIP messages
// with the flight recorder and answers questions on the control socket.

// newRecorder keeps the timelines of so many ended calls; none where 0.
func newRecorder(ended int) *trace.Recorder {
	if ended <= 0 {
		return nil
	}
	return trace.NewRecorder(clock.Real, trace.Limits{Ended: ended, Failed: ended, Refused: max(ended/2, 1)})
}

// sipMessage notes a message with the leg that it belongs to. What was said
// before there was a leg, such as a challenge for a password, is kept under its
// Call-ID and becomes the leg's once there is one. Called under locks of calls.
func (s *server) sipMessage(p sip.Packet) {
	s.wire.Show(p)
	if s.trace == nil {
		return
	}
	var l *trace.Track
	switch {
	case p.Leg != "":
		if l = s.trace.Leg(p.Leg); l.Fresh() {
			l.Absorb(p.CallID)
		}
	case p.CallID != "" && ofInvite(p.Octets):
		l = s.trace.Leg(p.CallID)
	default:
		return
	}
	l.Packet(p.At, &trace.Packet{
		Out: p.Sent, Again: p.Again, Transport: p.Transport, Local: p.Local, Remote: p.Remote, Data: p.Octets,
	})
}

// ofInvite reports whether a message has to do with the beginning of a call.
func ofInvite(octets []byte) bool {
	if bytes.HasPrefix(octets, []byte("INVITE ")) || bytes.HasPrefix(octets, []byte("ACK ")) || bytes.HasPrefix(octets, []byte("CANCEL ")) {
		return true
	}
	p := trace.Packet{Data: octets}
	return bytes.HasPrefix(octets, []byte("SIP/2.0 ")) && strings.HasSuffix(p.Header("CSeq", ""), "INVITE")
}

// traceRoutes adds what the commands ask for.
func (s *server) traceRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /trace/calls", func(w http.ResponseWriter, r *http.Request) {
		if s.trace == nil {
			http.Error(w, errNoTimelines, http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s.summaries(r.FormValue("which")))
	})
	mux.HandleFunc("GET /trace/story", func(w http.ResponseWriter, r *http.Request) {
		follow := r.FormValue("follow") != ""
		id, ok := "", true
		if r.FormValue("call") != "" || !follow {
			id, ok = s.findCall(w, r.FormValue("call"))
		}
		switch {
		case !ok:
		case follow:
			s.followStory(w, r, id)
		default:
			events, lost, _ := s.trace.Story(id)
			writeEvents(w, id, events, lost)
		}
	})
	mux.HandleFunc("GET /trace/capture", func(w http.ResponseWriter, r *http.Request) {
		if id, ok := s.findCall(w, r.FormValue("call")); ok {
			w.Header().Set("Content-Type", "application/vnd.tcpdump.pcap")
			_, _ = s.trace.WritePcap(w, id)
		}
	})
}

const errNoTimelines = "this server keeps no timelines (it was started with --trace 0)"

// findCall finds the one call that is meant, or answers why there is none.
func (s *server) findCall(w http.ResponseWriter, reference string) (string, bool) {
	found := s.trace.Find(reference)
	switch {
	case s.trace == nil:
		http.Error(w, errNoTimelines, http.StatusNotFound)
	case len(found) == 0:
		http.Error(w, fmt.Sprintf("no call %s is kept; see moonwire trace --last", reference), http.StatusNotFound)
	case len(found) > 1:
		more := ""
		if len(found) > 5 {
			found, more = found[:5], " …"
		}
		http.Error(w, fmt.Sprintf("%s may be %s%s", reference, strings.Join(found, ", "), more), http.StatusNotFound)
	default:
		return found[0], true
	}
	return "", false
}

// callSummary is a call in one line of JSON.
type callSummary struct {
	ID        string     `json:"id"`
	Caller    string     `json:"caller,omitempty"`
	Name      string     `json:"name,omitempty"`
	Context   string     `json:"context,omitempty"`
	Extension string     `json:"extension,omitempty"`
	Peer      string     `json:"peer,omitempty"`
	State     string     `json:"state"`
	Began     time.Time  `json:"began"`
	Answered  *time.Time `json:"answered,omitempty"`
	Ended     *time.Time `json:"ended,omitempty"`
	Seconds   float64    `json:"seconds"` // until its end or until now
	Outcome   string     `json:"outcome"` // open, served, failed or refused
	Failed    bool       `json:"failed"`
	Cause     string     `json:"cause,omitempty"`
	Error     string     `json:"error,omitempty"`
	Place     string     `json:"place,omitempty"` // of the error
	Legs      int        `json:"legs"`
}

// summaries lists calls, those that began last at the end: "open", "ended",
// "failed", or all of them.
func (s *server) summaries(which string) []callSummary {
	list := []callSummary{}
	for _, c := range s.trace.Calls() {
		open := c.Outcome == trace.Open
		if which == "open" && !open || which == "ended" && open || which == "failed" && c.Outcome != trace.Failed {
			continue
		}
		ended := c.Ended
		if ended.IsZero() {
			ended = time.Now()
		}
		list = append(list, callSummary{
			ID: c.ID, Caller: c.Caller, Name: c.Name, Context: c.Context, Extension: c.Extension, Peer: c.Peer,
			State: c.State, Began: c.Began, Answered: known(c.Answered), Ended: known(c.Ended), Seconds: ended.Sub(c.Began).Seconds(),
			Outcome: c.Outcome.String(), Failed: c.Outcome == trace.Failed, Cause: c.Cause, Error: c.Error, Place: c.ErrorPlace, Legs: c.Legs,
		})
	}
	return list
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// callHeader names the call that a story is of.
const callHeader = "Moonwire-Call"

// writeEvents writes a story: one event a line and, where some were not kept,
// how many.
func writeEvents(w http.ResponseWriter, id string, events []trace.Event, lost int) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set(callHeader, id)
	var line []byte
	for i := range events {
		line = append(events[i].AppendJSON(line[:0], events[0].At), '\n')
		if _, err := w.Write(line); err != nil {
			return
		}
	}
	if lost > 0 {
		_, _ = w.Write(lostLine(lost))
	}
}

func lostLine(n int) []byte { return []byte(`{"lost":` + strconv.Itoa(n) + "}\n") }

// afterEnd is how long a story that is followed goes on after its end, for the
// last messages and the figures of the media.
const afterEnd = time.Second

// followStory writes events as they happen, until the reader goes or the call is
// over.
func (s *server) followStory(w http.ResponseWriter, r *http.Request, id string) {
	follower, past, ok := s.trace.Follow(id)
	if !ok {
		http.Error(w, "no such call is kept any more", http.StatusNotFound)
		return
	}
	defer follower.Close()
	writeEvents(w, id, past, 0)
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	ending := func(e *trace.Event) {
		if e.Kind == trace.End && e.Leg == id {
			time.AfterFunc(afterEnd, stop)
		}
	}
	began := time.Now()
	if len(past) > 0 {
		began = past[0].At
	}
	for i := range past {
		ending(&past[i])
	}
	flush := http.NewResponseController(w)
	_ = flush.Flush()
	var line []byte
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-follower.C():
			if e.Lost > 0 {
				_, _ = w.Write(lostLine(e.Lost))
			}
			line = append(e.AppendJSON(line[:0], began), '\n')
			if _, err := w.Write(line); err != nil {
				return
			}
			if len(follower.C()) == 0 {
				_ = flush.Flush()
			}
			ending(&e.Event)
		}
	}
}
