-- Applications that act on the caller's line.

local arguments = require "asterisk.arguments"
local registry = require "asterisk.registry"

-- A line that leads to this server itself is answered when the first sound has
-- come, as on Asterisk: by then its other side has seen the answer.
local firstPacket = 20 -- milliseconds

registry.application("Answer", { run = function(ch, text)
  local answered = ch.call.state == "answered"
  ch.call:answer()
  local delay = arguments.number(arguments.split(text)[1])
  if ch.call.endpoint == "local" then delay = math.max(delay, firstPacket) end
  if delay > 0 and not answered then ch.call:wait(delay / 1000) end
end })

registry.application("Ringing", { run = function(ch) ch.call:ring() end })

registry.application("Progress", { run = function(ch) ch.call:progress() end })

registry.application("Proceeding", { run = function() end })

-- Busy and Congestion refuse the call, or play their tone to one that was
-- answered, and end it either way.
local function refuse(name, cause)
  registry.application(name, { run = function(ch, text)
    local seconds = arguments.number(text)
    ch.cause, ch.ended = cause, "app"
    if ch.call.state ~= "answered" and seconds > 0 then ch.call:wait(seconds) end
    local how = cause == 17 and ch.call.busy or ch.call.congestion
    how(ch.call, seconds > 0 and seconds or 3600)
  end })
end

refuse("Busy", 17)
refuse("Congestion", 34)

registry.application("Echo", { run = function(ch) ch.call:echo() end })

registry.application("Milliwatt", { run = function(ch, text)
  if text:find("o", 1, true) then ch.call:tone("1000/10000", { seconds = 86400 })
  else ch.call:tone("1004/1000", { seconds = 86400 }) end
end, options = "om" })

registry.application("PlayTones", {
  level = "approximate", note = "the tone ends before the next priority begins",
  run = function(ch, text)
    ch.call:answer()
    local named = { dial = "dial", ring = "ringing", busy = "busy", congestion = "congestion", callwaiting = "waiting", info = "information", record = "record" }
    local good, problem = pcall(ch.call.tone, ch.call, named[text:lower()] or text:gsub(",", ", "), { seconds = 3, country = ch:settings().country })
    if not good then log.warn("PlayTones: %s", problem) end
  end,
})

registry.application("StopPlayTones", { run = function() end })

registry.application("SendDTMF", {
  options = "", level = "approximate", note = "sends to the channel's own line",
  run = function(ch, text)
    local parts = arguments.split(text)
    local digits = (parts[1] or ""):gsub("[^%dA-Da-d*#wW]", "")
    local gap, duration = tonumber(parts[2]), tonumber(parts[3])
    if digits ~= "" then
      ch.call:send_dtmf(digits:upper():gsub("W", "w"), { gap = gap and gap / 1000, duration = duration and duration / 1000 })
    end
  end,
})

registry.application("Flash", { level = "unavailable", note = "needs an analogue line" })

registry.application("Transfer", { run = function(ch, text)
  local target = text:match "^%a[%w]*/(.*)$" or text
  local result
  if ch.call.state == "answered" then result = ch.call:transfer(target) else result = ch.call:redirect(target) end
  local status = { done = "SUCCESS", unsupported = "UNSUPPORTED" }
  ch:set("TRANSFERSTATUSPROTOCOL", "0")
  ch:set("TRANSFERSTATUS", status[result.status] or "FAILURE")
end })

registry.application("NoCDR", { level = "approximate", note = "the record of the call is kept", run = function() end })
registry.application("ResetCDR", { level = "approximate", note = "the record of the call goes on", run = function() end })
registry.application("ForkCDR", { level = "approximate", note = "the record of the call goes on", run = function() end })
registry.application("CELGenUserEvent", { level = "approximate", note = "noted in the log only", run = function(_, text) log.info("CEL user event: %s", text) end })
registry.application("UserEvent", { level = "approximate", note = "noted in the log only", run = function(_, text) log.info("UserEvent: %s", text) end })
registry.application("SetAMAFlags", { run = function(ch, text) ch:keep("amaflags", text) end })
