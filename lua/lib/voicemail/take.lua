-- Records something, and lets whoever spoke hear it and say it again.

local speak = require "voicemail.speak"

local most = 3 -- times that something too short is recorded again

local function record(call, path, options)
  return call:record {
    path = path, beep = true, max = options.max > 0 and options.max or 3600, min = options.min or 1,
    silence = options.silence or 0, terminators = "#" .. (options.operator and "0" or ""),
  }
end

-- What a recording is worth: its words, without the silence that ended it.
local function measured(result, options)
  if result.status ~= "recorded" then return result.status end
  if result.ended_by == "silence" and result.duration - options.silence < (options.min or 1) then return "short" end
  return "recorded"
end

-- Records to a path. Options:
--   prompt     said before the beep, each time
--   max, min, silence   seconds, as in call:record
--   review     let the caller keep (1), hear (2), or say it again (3)
--   urgent     let the caller mark it (4)
--   operator   0 ends it and asks for the operator
--   taken      function that gets each recording when it is there
--   dropped    function that runs when one was too short
-- Returns "recorded", "short", "cancelled" or "failed", then what call:record
-- gave, with urgent and operator in it.
local function take(call, path, options)
  local result, urgent
  local function again()
    for _ = 1, most do
      if options.prompt then speak.say(call, options.prompt, "#") end
      result = record(call, path, options)
      local worth = measured(result, options)
      if worth == "recorded" then
        if options.taken then options.taken(result) end
        return "recorded"
      end
      if worth == "failed" then
        log.error("%s cannot be recorded: %s", path, result.reason or "")
        return "failed"
      end
      if options.dropped then options.dropped() end
      speak.say(call, { "vm-tooshort" }, "#")
    end
    return "short"
  end
  local function finished(status)
    result.urgent, result.operator = urgent, result.key == "0" and options.operator or nil
    return status, result
  end

  local status = again()
  if status ~= "recorded" or not options.review or result.key == "0" then return finished(status) end
  local said -- before the choices are told again
  for _ = 1, 20 do
    local items = { said }
    items[#items + 1] = "vm-review"
    said = nil
    if options.urgent then items[#items + 1] = urgent and "vm-review-nonurgent" or "vm-review-urgent" end
    if options.operator then items[#items + 1] = "vm-reachoper" end
    local key = speak.ask(call, items)
    if key == "1" or key == "#" or not key then
      return finished "recorded"
    elseif key == "2" then
      speak.say(call, { path })
    elseif key == "3" then
      status = again()
      if status ~= "recorded" then return finished(status) end
    elseif key == "4" and options.urgent then
      urgent = not urgent
      if options.marked then options.marked(urgent) end
      said = urgent and "vm-marked-urgent" or "vm-marked-nonurgent"
    elseif key == "0" and options.operator then
      result.key = "0"
      return finished "recorded"
    elseif key == "*" then
      return finished "cancelled"
    else
      said = "vm-sorry"
    end
  end
  return finished "recorded"
end

return take
