package console

import "encoding/json"

// upgradeName is what the connection becomes after the HTTP request.
const upgradeName = "moonwire-console"

// Path is where the control socket serves consoles.
const Path = "/console"

// request is one line from a console.
type request struct {
	ID       int     `json:"id"`
	Run      string  `json:"run,omitempty"`      // a line to run
	Complete *string `json:"complete,omitempty"` // the line up to the cursor, to be completed
	Break    int     `json:"break,omitempty"`    // id of a line to be broken off
	JSON     bool    `json:"json,omitempty"`     // the result is for a program
	Colour   bool    `json:"colour,omitempty"`
}

// frame is one line to a console: the answer to the request of that ID, or with
// ID 0 something that was subscribed to.
type frame struct {
	ID     int             `json:"id,omitempty"`
	Text   string          `json:"text,omitempty"`
	Value  json.RawMessage `json:"value,omitempty"` // instead of Text, for a program
	Error  string          `json:"error,omitempty"`
	Code   int             `json:"code,omitempty"` // see exitCode
	Words  []string        `json:"words,omitempty"`
	Stream string          `json:"stream,omitempty"` // "log", "sip", or "lost": lines that came too fast
}
