package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// The control socket is how other commands of this machine's user talk to a
// running server: HTTP over a unix socket in the data directory, which only its
// owner may open.
const controlName = "control.sock"

// controlHandler answers the commands.
func controlHandler(reload func(ctx context.Context, to int) (reloadReply, error), more ...func(*http.ServeMux)) http.Handler {
	mux := http.NewServeMux()
	for _, add := range more {
		add(mux)
	}
	mux.HandleFunc("POST /reload", func(w http.ResponseWriter, r *http.Request) {
		var ask reloadRequest
		if err := json.NewDecoder(io.LimitReader(r.Body, 4096)).Decode(&ask); err != nil && !errors.Is(err, io.EOF) {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		reply, err := reload(r.Context(), ask.To)
		if err != nil {
			reply.Error = err.Error()
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(reply)
	})
	return mux
}

type reloadRequest struct {
	To int `json:"to,omitempty"` // a version to go back to; 0 = read the scripts again
}

type reloadReply struct {
	Version int    `json:"version"` // the version that serves now
	Error   string `json:"error,omitempty"`
}

// controlPath is the socket's path in a form that the system can take: a unix
// socket's name has at most 108 octets, so one deep down is reached through an
// open directory. The returned function is called when the path is done with.
func controlPath(data string) (path string, done func(), err error) {
	path = filepath.Join(data, controlName)
	if len(path) < 100 {
		return path, func() {}, nil
	}
	dir, err := os.Open(data)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), controlName), func() { _ = dir.Close() }, nil
}

// listenControl opens the socket, taking over one that a crash left behind.
func listenControl(data string) (net.Listener, error) {
	path, done, err := controlPath(data)
	if err != nil {
		return nil, err
	}
	defer done()
	if conn, err := net.Dial("unix", path); err == nil {
		_ = conn.Close()
		return nil, usage("another moonwire is running on %s", data)
	}
	_ = os.Remove(path)
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, usage("control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, err
	}
	return privateListener{l}, nil
}

// privateListener takes connections of this process's user, and of root, only.
// The permissions of the socket say the same, unless somebody changes them.
type privateListener struct{ net.Listener }

// Accept waits for the next of them.
func (l privateListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil || samePerson(conn) == nil {
			return conn, err
		}
		_ = conn.Close()
	}
}

// askControl sends one command to the server that runs on data.
func askControl(data, command string, ask, reply any) error {
	body, err := json.Marshal(ask)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://moonwire/"+command, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := sendControl(data, request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1024))
		return fmt.Errorf("%s: %s %s", command, response.Status, text)
	}
	return json.NewDecoder(response.Body).Decode(reply)
}

// sendControl sends a request to the server that runs on data. The caller closes
// the answer's body.
func sendControl(data string, request *http.Request) (*http.Response, error) {
	path, done, err := controlPath(data)
	if err != nil {
		return nil, usage("no moonwire runs on %s: %w", data, err)
	}
	defer done()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
	response, err := client.Do(request)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, usage("no moonwire runs on %s (there is no %s in it)", data, controlName)
	case err != nil:
		return nil, fmt.Errorf("the server on %s does not answer: %w", data, err)
	}
	return response, nil
}
