// Package lib holds the part of the standard library that is written in Lua.
//
// Each file is a module for require, run once and shared read-only by all
// calls: ivr.lua is require "ivr", say/en.lua is require "say.en". What is here
// uses nothing but the public API, so a site can replace a module by one of its
// own with the same name.
package lib

import "embed"

// FS holds the modules.
//
//go:embed *.lua say/*.lua agi/*.lua asterisk/*.lua asterisk/apps/*.lua asterisk/functions/*.lua voicemail/*.lua
var FS embed.FS
