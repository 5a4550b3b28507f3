package main

import (
	"context"
	"io/fs"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// watchSounds forgets a prompt when its file in the site's sounds folder is
// replaced, so that the next call hears the new one.
func (s *server) watchSounds(ctx context.Context) error {
	root := filepath.Join(s.site, "sounds")
	if !isDirectory(root) {
		<-ctx.Done()
		return nil
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer w.Close()
	watchFolders(w, root)
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-w.Errors:
			s.log.Warn("watching the sounds", "error", err)
		case e := <-w.Events:
			if isDirectory(e.Name) {
				watchFolders(w, e.Name)
			}
			if name, err := filepath.Rel(root, e.Name); err == nil {
				s.prompts.Invalidate(filepath.ToSlash(name))
			}
		}
	}
}

// watchFolders watches folder and all below it. What cannot be watched is left
// out: its prompts are then heard after the next start.
func watchFolders(w *fsnotify.Watcher, folder string) {
	_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = w.Add(path)
		}
		return nil
	})
}
