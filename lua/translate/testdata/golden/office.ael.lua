==== scripts/asterisk/settings.lua
-- Settings and global variables, from [general] and [globals] of extensions.conf.

return {
  era = 20,
  autofallthrough = true,
  priorityjumping = false,
  clearglobalvars = false,

  globals = {
    { "TRUNK", "SIP/ovh", line = 2 },
  },

  hints = {
    internal = {
      ["1001"] = "SIP/1001",
    },
  },
}
==== scripts/asterisk/shims.lua
-- What the dialplan uses and moonwire does not have, each in a file of its own.

-- A shim that is written; nil for one that is not.
local function written(shim) return type(shim) ~= "boolean" and shim or nil end

return {
  applications = {
    Foo = written(require "shims.foo"),
  },
  functions = {
  },
}
==== scripts/config.lua
-- Who may call, and how: from the configuration of Asterisk.

local asterisk = require "asterisk"

asterisk.start()
==== scripts/internal.lua
---@shared
-- Context [internal], from extensions.ael.
-- Phones.

local asterisk = require "asterisk"

local here = "internal"
context(here)

asterisk.include(here, "outbound", { when = "08:00-18:00,mon-fri,*,*" }) -- extensions.ael:11
asterisk.include(here, "night") -- extensions.ael:11

-- Ring it first.
asterisk.extension(here, "1001", function(ch)
  ch:Gosub "ring,~~s~~,1(SIP/1001, 20)"
  ch:MSet("CALLERID(name)=" .. ch:expression("\"x\""))
  return ch:go("night", "s", 1)
end, { file = "extensions.ael", lines = "15-17" })

asterisk.extension(here, "_2XX", function(ch)
  ch:Dial("SIP/" .. ch.EXTEN)
end, { file = "extensions.ael", lines = "19" })

-- at once
asterisk.extension(here, "600", function() return {
  { 1, "MSet", function(ch) return "~~EXTEN~~=" .. ch:get "EXTEN" end, line = 20 },
  { 2, "MSet", function(ch) return "i=" .. ch:expression "0" end, line = 21 },
  { 3, "GotoIf", function(ch) return ch:expression(ch:get "i" .. " < 3") .. "?4:10" end, line = 21 },
  { 4, "GotoIf", function(ch) return ch:expression(ch:get "i" .. " = 1") .. "?5:6" end, line = 22 },
  { 5, "Goto", "8", line = 22 },
  { 6, "NoOp", "Finish if_for_internal_2_3", line = 22 },
  { 7, "SayDigits", function(ch) return ch:get "i" end, line = 23 },
  { 8, "MSet", function(ch) return "i=" .. ch:expression(ch:get "i" .. "+1") end, line = 21 },
  { 9, "Goto", "3", line = 21 },
  { 10, "NoOp", "Finish for_internal_2", line = 21 },
  { 11, "Goto", function(ch) return "sw_4_" .. ch:get "CHOICE" .. ",10" end, line = 25 },
  { 12, "NoOp", "Finish switch_internal_4", line = 25 },
  { 13, "GotoIf", function(ch) return ch:expression "1" .. "?14:16" end, label = "again", line = 32 },
  { 14, "Goto", "16", line = 32 },
  { 15, "Goto", "13", line = 32 },
  { 16, "NoOp", "Finish while_internal_5", line = 32 },
  { 17, "GotoIf", function(ch) return ch:expression(ch:fn("RAND", "0,99") .. " < (50)") .. "?18:20" end, line = 33 },
  { 18, "Playback", "a", line = 33 },
  { 19, "Goto", "21", line = 33 },
  { 20, "Playback", "b", line = 33 },
  { 21, "NoOp", "Finish if_internal_6", line = 33 },
  { 22, "GotoIfTime", "09:00-17:00,mon-fri,*,*?24", line = 34 },
  { 23, "Goto", "25", line = 34 },
  { 24, "Hangup", line = 34 },
  { 25, "NoOp", "Finish iftime_internal_7", line = 34 },
  { 26, "MSet", function(ch) return "LOCAL(y)=" .. ch:expression "5" end, line = 35 },
  { 27, "Foo", function(ch) return ch:get "y" end, line = 36 },
} end, { file = "extensions.ael" })

asterisk.extension(here, "sw_4_1", function() return {
  { 10, "Playback", "one", line = 26 },
  { 11, "Goto", function(ch) return ch:get "~~EXTEN~~" .. ",12" end, line = 26 },
} end, { file = "extensions.ael" })

asterisk.extension(here, "sw_4_2", function() return {
  { 10, "Goto", "sw_4_35,10", line = 25 },
} end, { file = "extensions.ael" })

asterisk.extension(here, "_sw_4_3X", function() return {
  { 10, "Playback", function(ch) return ch:get "~~EXTEN~~" end, line = 28 },
  { 11, "Goto", function(ch) return ch:get "~~EXTEN~~" .. ",12" end, line = 28 },
} end, { file = "extensions.ael" })

asterisk.extension(here, "_sw_4_.", function() return {
  { 10, "Goto", function(ch) return ch:get "~~EXTEN~~" .. ",again" end, line = 29 },
  { 11, "Goto", function(ch) return ch:get "~~EXTEN~~" .. ",12" end, line = 25 },
} end, { file = "extensions.ael" })

asterisk.extension(here, "sw_4_", function() return {
  { 10, "Goto", "sw_4_0,10", line = 25 },
} end, { file = "extensions.ael" })
==== scripts/night.lua
---@shared
-- Context [night], from extensions.ael.

local asterisk = require "asterisk"

local here = "night"
context(here)

asterisk.extension(here, "s", function(ch)
  ch:Playback "closed"
end, { file = "extensions.ael", lines = "40" })
==== scripts/outbound.lua
---@shared
-- Context [outbound], from extensions.ael.

local asterisk = require "asterisk"

local here = "outbound"
context(here)

asterisk.extension(here, "_0.", function(ch)
  ch:Dial(ch.TRUNK .. "/" .. ch.EXTEN)
end, { file = "extensions.ael", lines = "39", caller = "5551" })
==== scripts/ring.lua
---@shared
-- Context [ring], from extensions.ael.

local asterisk = require "asterisk"

local here = "ring"
context(here)

asterisk.extension(here, "~~s~~", function(ch)
  ch:MSet("LOCAL(phone)=" .. ch.ARG1)
  ch:MSet("LOCAL(seconds)=" .. ch.ARG2)
  ch:Dial(ch.phone, ch.seconds)
  if ch:GotoIf(ch.DIALSTATUS == "BUSY", 5, 6) then
    ch:Goto(8)
  else
    ch:NoOp "Finish if_ring_1"
    ch:Playback "noanswer"
  end
  ch:NoOp "End of Macro ring-~~s~~"
  return ch:Return()
end, { file = "extensions.ael", lines = "3,3-5,5,5-6,3,3" })

asterisk.extension(here, "a", function(ch)
  ch:Playback "vm-goodbye"
end, { file = "extensions.ael", lines = "7" })
==== scripts/shims/foo.lua
-- What the application Foo does. It is yours to write; the dialplan uses
-- it first at extensions.ael:36.
--
-- Put a function in place of false: function(ch, arguments) … end. ch is the
-- channel, arguments the text between the parentheses, with the values of
-- variables in it. Until then a call that comes here ends, as it does in an
-- Asterisk without this application.

return false
==== report
extensions.ael:12: approximate: ignorepat: a dial tone is not played on after these digits; it matters for analogue lines only
extensions.ael:36: unknown: application Foo is not known; fill in its shim
32 lines: 30 exact, 1 approximate, 1 unknown; coverage 93.8 %
of these 24 with a priority: 23 exact; coverage 95.8 %
