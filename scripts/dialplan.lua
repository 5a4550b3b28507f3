-- What happens when a number is dialled.

local menu = require "ivr.main"

local internal = context "internal"

-- What the caller hears when a phone was not reached.
local excuse = {
  busy = "busy",
  noanswer = "noanswer",
  unavailable = "not-reachable",
  congestion = "all-circuits-busy-now",
}

-- 1001, 1002, and every further phone whose number has four digits and begins
-- with 1. A caller that was not connected hears why before the call ends, and
-- sees it too: nothing has answered, so the cause reaches the phone.
internal:extension("_1XXX", function(call)
  local result = call:dial("sip/" .. call.extension, { timeout = 30 })
  if result.status == "answered" then return end
  call:progress()
  call:play(excuse[result.status] or "tt-somethingwrong")
  call:hangup(result.cause)
end)

-- 600: sends back whatever is said, until the caller presses # or hangs up.
internal:extension("600", function(call)
  call:answer()
  call:play "demo-echotest"
  call:echo { terminators = "#" }
  call:play "demo-echodone"
end)

-- 700: a menu, in ivr/main.lua.
internal:extension("700", function(call)
  call:answer()
  call:wait(0.5) -- until the caller has the phone at the ear
  call:play "demo-welcome"
  return menu(call)
end)
