-- Records what the caller says, plays it back, and offers to do either again.
-- Each phone has one recording, which the next one replaces.

local ivr = require "ivr"

return function(call)
  local owner = call.peer ~= "" and call.peer or "guest"
  local key
  repeat
    call:play "demo-record"
    local take = call:record { path = "demo/" .. owner .. ".wav", max = 60, min = 0.5, silence = 4, beep = true }
    if take.status ~= "recorded" then
      call:play "nothing-recorded"
      return ivr.again
    end
    repeat
      call:play { "demo-playback", take.path }
      key = call:read { prompt = "demo-record-menu", max = 1, timeout = 5 }
    until key ~= "1"
  until key ~= "2"
  return ivr.again
end
