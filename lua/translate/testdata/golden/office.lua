==== scripts/asterisk/settings.lua
-- Settings and global variables, from [general] and [globals] of extensions.conf.
-- The office's dialplan.

return {
  era = 20,
  autofallthrough = false,
  priorityjumping = false,
  clearglobalvars = false,

  globals = {
    { "TRUNK", "SIP/ovh", line = 7 }, -- to the world
    { "RECEPTION", "SIP/1001", line = 8 },
  },

  switches = {
    night = {
      { "Loopback", "7@internal", line = 39 },
    },
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
-- Context [internal], from extensions.conf.
-- Numbers that phones may dial.

local asterisk = require "asterisk"

local here = "internal"
context(here)

asterisk.include(here, "outbound", { when = "08:00-18:00,mon-fri,*,*" }) -- extensions.conf:12
asterisk.include(here, "night") -- extensions.conf:13

-- A phone, and its mailbox.
asterisk.extension(here, "_1XXX", function(ch)
  ch:NoOp(ch:fn("CALLERID", "num") .. " calls " .. ch.EXTEN) -- for the log
  ch:Dial("SIP/" .. ch.EXTEN, 20, "t")
  return ch:go("s-" .. ch.DIALSTATUS, 1) -- (status)
end, { file = "extensions.conf", lines = "18-20", labels = { status = 3 } })

asterisk.extension(here, "_s-.", function(ch)
  ch:VoiceMail(ch.EXTEN:sub(3) .. "@default", "u")
  return ch:Hangup()
end, { file = "extensions.conf", lines = "21-22" })

-- not
-- exten => 1,1,Echo()
-- used yet
asterisk.extension(here, "*98", function(ch)
  ch:VoiceMailMain(ch:fn("CALLERID", "num") .. "@default")
end, { file = "extensions.conf", lines = "27", caller = "1001" })

asterisk.extension(here, "600", function(ch)
  ch:Playback "demo-echotest"
  ch:Echo()
end, { file = "extensions.conf", lines = "28-29" })

asterisk.extension(here, "700", function(ch)
  return ch:go("night", "s", 1)
end, { file = "extensions.conf", lines = "42" })
==== scripts/night.lua
---@shared
-- Context [night], from extensions.conf.

local asterisk = require "asterisk"

local here = "night"
context(here)

asterisk.switched(here) -- to what settings.lua lists

asterisk.extension(here, "h", function(ch)
  ch:NoOp "bye; bye"
end, { file = "extensions.conf", lines = "37" })

asterisk.extension(here, "s", function(ch)
  ch:Playback("closed", "noanswer")
end, { file = "extensions.conf", lines = "40" })
==== scripts/outbound.lua
---@shared
-- Context [outbound], from extensions.conf.

local asterisk = require "asterisk"

local here = "outbound"
context(here)

asterisk.extension(here, "_0[1-7]XXXXXXXX", function() return {
  { 1, "Set", function(ch) return "COUNT=" .. ch:expression("0" .. ch:get "COUNT" .. " + 1") end, line = 32 },
  { 2, "Dial", function(ch) return ch:get "TRUNK" .. "/" .. ch:get "EXTEN" .. ",60,tr" end, line = 33 },
  { 103, "Busy", label = "busy", line = 34 },
} end, { file = "extensions.conf" })
==== report
extensions.conf:14: approximate: ignorepat: a dial tone is not played on after these digits; it matters for analogue lines only
extensions.conf:39: note: a plain switch substitutes variables when the dialplan loads, where no call is; eswitch was probably meant
30 lines: 29 exact, 1 approximate, 0 unknown; coverage 96.7 %
of these 15 with a priority: 15 exact; coverage 100.0 %
