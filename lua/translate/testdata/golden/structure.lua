==== scripts/asterisk/settings.lua
-- Settings and global variables, from [general] and [globals] of extensions.conf.

return {
  era = 20,
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
    Frobnicate = written(require "shims.frobnicate"),
  },
  functions = {
  },
}
==== scripts/config.lua
-- Who may call, and how: from the configuration of Asterisk.

local asterisk = require "asterisk"

asterisk.start()
==== scripts/main.lua
---@shared
-- Context [main], from extensions.conf.
-- What becomes of jumps.

local asterisk = require "asterisk"

local here = "main"
context(here)

asterisk.extension(here, "s", function(ch)
  ch:Answer()
  -- office hours
  if not ch:GotoIfTime("08:00-18:00,mon-fri,*,*", "open") then
    ch:Playback "closed" -- nobody there
    return ch:Hangup()
  end
  ch:Set("TRIES", 0) -- (open)
  repeat
    ch:BackGround("menu&choose", "m") -- (menu)
    ch:WaitExten(5)
    ch:Set("TRIES", ch:calc(ch.TRIES, "+", 1))
  until ch:GotoIf(ch:calc(ch.TRIES, ">=", 3), "bye", "menu")
  ch:Playback("vm-goodbye", "noanswer") -- (bye)
end, { file = "extensions.conf", lines = "3,5-13", labels = { open = 5, menu = 6, bye = 10 } })

-- one branch for each end of the call
asterisk.extension(here, "_1XX", function(ch)
  ch:Dial("SIP/" .. ch.EXTEN, 20, "tTm(jazz)")
  if ch:GotoIf(ch.DIALSTATUS == "BUSY" or ch.DIALSTATUS == "CONGESTION", "busy") then
    -- the line is in use
    ch:VoiceMail(ch.EXTEN .. "@default", "b") -- (busy)
    ch:Goto "done"
  elseif ch:GotoIf(ch.DIALSTATUS == "NOANSWER", "away") then
    ch:VoiceMail(ch.EXTEN .. "@default", "u") -- (away)
  else
    ch:NoOp("no way: " .. ch.DIALSTATUS .. ", " .. ch.HANGUPCAUSE)
    ch:Goto "done"
  end
  return ch:Hangup(ch.HANGUPCAUSE) -- (done)
end, { file = "extensions.conf", lines = "16-20,22-25", labels = { busy = 6, away = 8, done = 9 } })

-- loops within loops
asterisk.extension(here, "200", function(ch)
  ch:Set("ROW", 0)
  while ch:While(ch:calc(ch.ROW, "<", 3)) do
    ch:Set("COLUMN", 0)
    while true do
      ch:Set("COLUMN", ch:expression(ch.COLUMN .. "+1")) -- (next)
      if not ch:GotoIf(ch:differs(ch:fn("DB", "skip/" .. ch.ROW .. "-" .. ch.COLUMN), ""), "next") then
        ch:ExecIf(ch:calc(ch.COLUMN, ">", 9), "ExitWhile")
        ch:SayDigits(ch.COLUMN:sub(1, 1))
        if not ch:GotoIf(ch:calc(ch.COLUMN, "<", 5), "next") then break end
      end
    end
    ch:Set("ROW", ch:fn("INC", "ROW"))
    if ch:GotoIf(ch:calc(ch.ROW, "=", 7), "out") then break end
    ch:EndWhile()
  end
  return ch:Return(ch.ROW) -- (out)
end, { file = "extensions.conf", lines = "28-39", labels = { next = 4, out = 12 }, loops = { [2] = 11 } })

-- led into by another extension
asterisk.extension(here, "300", function() return {
  { 1, "NoOp", "begin", line = 42 },
  { 2, "NoOp", "middle", label = "middle", line = 43 },
} end, { file = "extensions.conf" })

asterisk.extension(here, "301", function(ch)
  return ch:go(300, "middle")
end, { file = "extensions.conf", lines = "44" })

-- entered in the middle of a loop
asterisk.extension(here, "400", function() return {
  { 1, "GotoIf", function(ch) return ch:get "X" .. "?b" end, line = 47 },
  { 2, "NoOp", "a", label = "a", line = 48 },
  { 3, "NoOp", "b", label = "b", line = 49 },
  { 4, "GotoIf", function(ch) return ch:get "Y" .. "?a" end, line = 50 },
} end, { file = "extensions.conf" })

-- dead ends
asterisk.extension(here, "500", function(ch)
  ch:go("s-" .. ch.DIALSTATUS, 1)
  return ch:Hangup()
end, { file = "extensions.conf", lines = "53-54" })

asterisk.extension(here, "501", function(ch)
  ch:run("Frobnicate", 1, "two")
  ch:Set("end", ch:get("end"))
end, { file = "extensions.conf", lines = "55-56" })
==== scripts/shims/frobnicate.lua
-- What the application Frobnicate does. It is yours to write; the dialplan uses
-- it first at extensions.conf:55.
--
-- Put a function in place of false: function(ch, arguments) … end. ch is the
-- channel, arguments the text between the parentheses, with the values of
-- variables in it. Until then a call that comes here ends, as it does in an
-- Asterisk without this application.

return false
==== report
extensions.conf:16: approximate: option m of Dial: what music.NAME of the settings names is played, and silence without it
extensions.conf:55: unknown: application Frobnicate is not known; fill in its shim
43 lines: 41 exact, 1 approximate, 1 unknown; coverage 95.3 %
of these 42 with a priority: 40 exact; coverage 95.2 %
