package main

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/lua/simulate"
	"github.com/moonwire/moonwire/sounds"
)

// siteFiles opens the scripts and plugins of a site.
func siteFiles(site string) (scripts, plugins fs.FS, err error) {
	folder := filepath.Join(site, "scripts")
	if !isDirectory(folder) {
		return nil, nil, usage("%s is not a site: it has no scripts/ (make one with: moonwire new DIR)", site)
	}
	if folder := filepath.Join(site, "plugins"); isDirectory(folder) {
		plugins = os.DirFS(folder)
	}
	return siteScripts(folder), plugins, nil
}

// siteScripts are the scripts in a folder, without the translator of dialplans,
// which lies among them so that it can be changed: it is a program of its own.
func siteScripts(folder string) fs.FS { return without{os.DirFS(folder), "translate"} }

// without is a file system that lacks one of its folders.
type without struct {
	fs.FS
	folder string
}

func (w without) Open(name string) (fs.File, error) {
	if name == w.folder || strings.HasPrefix(name, w.folder+"/") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return w.FS.Open(name)
}

// ReadDir implements fs.ReadDirFS.
func (w without) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(w.FS, name)
	if name == "." {
		entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() == w.folder })
	}
	return entries, err
}

// siteSounds are the prompts that a site's calls hear.
func siteSounds(site string) *simulate.Sounds {
	quiet := slog.New(slog.DiscardHandler)
	return &simulate.Sounds{Recorded: media.NewPrompts(quiet, soundFolders(site)...), Further: map[string]time.Duration{}}
}

// soundFolders are where a site's prompts are: its own before those that ship.
func soundFolders(site string) []fs.FS {
	roots := []fs.FS{sounds.FS}
	if own := filepath.Join(site, "sounds"); isDirectory(own) {
		roots = append([]fs.FS{os.DirFS(own)}, roots...)
	}
	return roots
}
