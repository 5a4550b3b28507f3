-- What happens when a number is dialled.

local internal = context "internal"

-- What the caller hears when a phone was not reached.
local excuse = {
  busy = "busy",
  noanswer = "noanswer",
  rejected = "declined",
  unavailable = "not-reachable",
}

-- 1001 and 1002, and every further phone whose number has four digits and
-- begins with 1.
internal:extension("_1XXX", function(call)
  local result = call:dial("sip/" .. call.extension, { timeout = 30, ringback = true })
  if result.status == "answered" then return end
  call:play(excuse[result.status] or "tt-somethingwrong")
  call:hangup(result.cause)
end)

-- 600: says what it is, then sends everything back until the caller has enough.
internal:extension("600", function(call)
  call:answer()
  call:play "demo-echotest"
  call:echo { terminators = "#" }
  call:play "demo-echodone"
end)

-- 602: the talking clock.
internal:extension("602", function(call)
  call:answer()
  call:play "the-time-is"
  call:say("time", time.now())
end)

-- 700: the menu of ivr/main.lua.
internal:extension("700", require "ivr.main")
