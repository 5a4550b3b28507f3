-- Applications that run others.

local arguments = require "asterisk.arguments"
local flow = require "asterisk.flow"
local hours = require "asterisk.hours"
local registry = require "asterisk.registry"

-- Runs "App(arguments)".
local function run(ch, text)
  local name, inside = text:match "^([^(]*)%((.*)$"
  if name then inside = inside:match "^(.*)%)[^)]*$" or inside
  else name, inside = text, "" end
  if not select(2, flow.known(ch, name)) then
    log.warn("there is no application '%s', at %s", name, ch:place())
    return nil, true
  end
  return flow.run(ch, name, inside)
end

registry.application("Exec", { run = function(ch, text)
  if text == "" then return end
  local result, key = run(ch, text)
  if key == true then return "hangup" end
  return result, key
end })

registry.application("TryExec", { run = function(ch, text)
  if text == "" then return end
  ch:set("TRYSTATUS", "FAILED") -- where the call ends in it
  local result, key = run(ch, text)
  if key == true then
    ch:set("TRYSTATUS", "NOAPP")
    return
  end
  ch:set("TRYSTATUS", result == "hangup" and "FAILED" or "SUCCESS")
  if result == "digit" then return result, key end
end })

-- Divides "yes(a:b):no(c)" at the colon outside of parentheses.
local function divided(text)
  local depth, quoted = 0, false
  for at = 1, #text do
    local c = text:sub(at, at)
    if c == '"' then quoted = not quoted
    elseif c == "(" and not quoted then depth = depth + 1
    elseif c == ")" and not quoted then depth = depth - 1
    elseif c == ":" and depth == 0 and not quoted then return text:sub(1, at - 1), text:sub(at + 1) end
  end
  return text
end

registry.application("ExecIf", { run = function(ch, text)
  local question = text:find("?", 1, true)
  local condition, yes, no
  if question then
    condition = text:sub(1, question - 1)
    yes, no = divided(text:sub(question + 1))
  else -- ExecIf(condition,app,arguments) of old
    local parts = arguments.raw(text, text:find("|", 1, true) and "|" or ",", 3)
    if #parts < 2 then
      log.warn("ExecIf wants a condition and an application, at %s", ch:place())
      return "hangup"
    end
    condition, yes = parts[1], parts[2] .. "(" .. (parts[3] or "") .. ")"
  end
  if arguments.truth(condition) then
    if yes == "" then
      log.warn("ExecIf without an application, at %s", ch:place())
      return "hangup"
    end
  else
    yes = no
    if yes == nil or yes == "" then return end
  end
  local result, key = run(ch, yes)
  if key == true then return "hangup" end
  return result, key
end })

registry.application("ExecIfTime", { run = function(ch, text)
  local spec, application = text:match "^([^?]*)%?(.*)$"
  if not spec then
    log.warn("ExecIfTime wants a time and an application, at %s", ch:place())
    return "hangup"
  end
  if not hours.inside(spec, time.now()) then return end
  local result, key = run(ch, application)
  if key == true then return "hangup" end
  return result, key
end })
