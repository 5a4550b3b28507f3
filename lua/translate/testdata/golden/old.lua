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

asterisk.extension(here, "200", function(ch)
  ch:Macro("stdexten", 200, "Zap/1")
  ch:SetVar("X=" .. ch:expression(ch.Y .. " | 1"))
end, { file = "extensions.conf", lines = "9-10" })

asterisk.extension(here, "201", function(ch)
  ch:Playback("a", "b", "skip")
end, { file = "extensions.conf", lines = "11" })
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

asterisk.extension(here, "s-NOANSWER", function(ch)
  ch:VoiceMail("u" .. ch.ARG1)
end, { file = "extensions.conf", lines = "6" })

asterisk.extension(here, "s-BUSY", function(ch)
  ch:Set("NAME", "quoted, text")
end, { file = "extensions.conf", lines = "7" })
==== report
extensions.conf:1: note: 4 lines separate arguments by |: taken for a dialplan of Asterisk 1.4; say --era 20 if it is not that old
extensions.conf:11: approximate: option b of Playback has no effect
10 lines: 9 exact, 1 approximate, 0 unknown; coverage 90.0 %
of these 8 with a priority: 7 exact; coverage 87.5 %
