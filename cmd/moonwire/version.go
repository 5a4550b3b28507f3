package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// release is the version of this source; a build from a checkout adds its commit.
const release = "0.1.0"

type versionCommand struct{}

func (versionCommand) Run(out io.Writer) error {
	_, err := fmt.Fprintf(out, "moonwire %s %s/%s %s\n", version(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	return err
}

// version is the release and, where the build knows it, the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return release
	}
	commit, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 9:
			commit = "+" + s.Value[:9]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = ".changed"
		}
	}
	return release + commit + dirty
}
