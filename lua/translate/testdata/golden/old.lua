==== scripts/asterisk/settings.lua
-- Settings and global variables, from [general] and [globals] of extensions.conf.

return {
  era = 1.4,
  autofallthrough = true,
  priorityjumping = false,
  clearglobalvars = false,
}
==== scripts/asterisk/shims.lua
-- What the dialplan uses and moonwire does not have, each in a file of its own.

-- A shim that is written; nil for one that is not.
local function written(shim) return type(shim) ~= "boolean" and shim or nil end

return {
  applications = {
  },
  functions = {
  },
}
==== scripts/config.lua
-- Who may call, and how: from the configuration of Asterisk.

local asterisk = require "asterisk"

asterisk.start()
==== scripts/default.lua
---@shared
-- Context [default], from extensions.conf.

local asterisk = require "asterisk"

local here = "default"
context(here)

asterisk.extension(here, "200", function() return {
  { 1, "Macro", "stdexten,200,Zap/1", line = 9 },
  { 2, "SetVar", function(ch) return "X=" .. ch:expression(ch:get "Y" .. " | 1") end, line = 10 },
} end, { file = "extensions.conf" })

asterisk.extension(here, "201", function() return {
  { 1, "Playback", "a,b,skip", line = 11 },
} end, { file = "extensions.conf" })
==== scripts/macro-stdexten.lua
---@shared
-- Context [macro-stdexten], from extensions.conf.
-- A dialplan of 2005.

local asterisk = require "asterisk"

local here = "macro-stdexten"
context(here)

asterisk.extension(here, "s", function() return {
  { 1, "Dial", function(ch) return ch:get "ARG2" .. ",20,t" end, line = 3 },
  { 2, "Goto", function(ch) return "s-" .. ch:get "DIALSTATUS" .. ",1" end, line = 4 },
  { 102, "Voicemail", function(ch) return "b" .. ch:get "ARG1" end, line = 5 },
} end, { file = "extensions.conf" })

asterisk.extension(here, "s-NOANSWER", function() return {
  { 1, "Voicemail", function(ch) return "u" .. ch:get "ARG1" end, line = 6 },
} end, { file = "extensions.conf" })

asterisk.extension(here, "s-BUSY", function() return {
  { 1, "Set", "NAME=quoted, text", line = 7 },
} end, { file = "extensions.conf" })
==== report
extensions.conf:1: note: 4 lines separate arguments by |: taken for a dialplan of Asterisk 1.4; say --era 20 if it is not that old
extensions.conf:11: approximate: option b of Playback has no effect
10 lines: 9 exact, 1 approximate, 0 unknown; coverage 90.0 %
of these 8 with a priority: 7 exact; coverage 87.5 %
