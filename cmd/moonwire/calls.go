package main

import "time"

// callJSON is one leg in /calls.
type callJSON struct {
	ID        string    `json:"id"`
	Peer      string    `json:"peer,omitempty"`
	Incoming  bool      `json:"incoming"`
	State     string    `json:"state"`
	Context   string    `json:"context,omitempty"`
	Extension string    `json:"extension,omitempty"`
	Caller    string    `json:"caller,omitempty"`
	Remote    string    `json:"remote,omitempty"`
	Media     mediaJSON `json:"media"`
}

// mediaJSON is how the leg's media fares; times are in milliseconds.
type mediaJSON struct {
	Codec     string  `json:"codec"`
	Received  uint64  `json:"received"`
	Sent      uint64  `json:"sent"`
	Lost      int64   `json:"lost"`
	FarLost   int64   `json:"far_lost"`
	Jitter    float64 `json:"jitter_ms"`
	FarJitter float64 `json:"far_jitter_ms"`
	RoundTrip float64 `json:"round_trip_ms"`
	Dropped   uint64  `json:"dropped"`
}

// callList is what /calls answers.
func (s *server) callList() any {
	list := []callJSON{}
	for _, c := range s.sip.Calls() {
		q := c.Quality
		list = append(list, callJSON{
			ID: c.ID, Peer: c.Peer, Incoming: c.Incoming, State: c.State.String(), Context: c.Context,
			Extension: c.Extension, Caller: c.Caller.Number, Remote: c.Remote,
			Media: mediaJSON{
				Codec: c.Format.Codec.Alias(), Received: q.Received, Sent: q.Sent, Lost: q.Lost, FarLost: q.FarLost,
				Jitter: milliseconds(q.Jitter), FarJitter: milliseconds(q.FarJitter), RoundTrip: milliseconds(q.RoundTrip),
				Dropped: q.Dropped,
			},
		})
	}
	return list
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
