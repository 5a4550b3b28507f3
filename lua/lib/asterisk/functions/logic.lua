-- Functions that decide.

local arguments = require "asterisk.arguments"
local hours = require "asterisk.hours"
local registry = require "asterisk.registry"

local func = registry.func

func("ISNULL", { read = function(_, text) return text == "" and "1" or "0" end })
func("EXISTS", { read = function(_, text) return text == "" and "0" or "1" end })
func("SET", { read = function(ch, text)
  local name, value = text:match "^([^=]*)=(.*)$"
  if not name then
    log.warn("SET wants name=value")
    return ""
  end
  ch:assign(name, value)
  return value
end })

-- Divides "yes:no" at the first colon outside of quotes.
local function divided(text)
  local quoted = false
  for at = 1, #text do
    local c = text:sub(at, at)
    if c == '"' then quoted = not quoted
    elseif c == ":" and not quoted then return text:sub(1, at - 1), text:sub(at + 1) end
  end
  return text
end

local function choose(holds, text)
  local yes, no = divided(text)
  return arguments.trim(holds and yes or not holds and no or "")
end

func("IF", { read = function(_, text)
  local question = text:find("?", 1, true)
  if not question or text:sub(question + 1) == "" then
    log.warn("IF wants condition?yes:no")
    return ""
  end
  return choose(arguments.truth(arguments.trim(text:sub(1, question - 1))), text:sub(question + 1))
end })

func("IFTIME", { read = function(_, text)
  local spec, rest = text:match "^([^?]*)%?(.*)$"
  if not spec then return "" end
  return choose(hours.inside(spec, time.now()), rest)
end })

func("IFMODULE", { level = "approximate", note = "every module that Asterisk has counts as there", read = function() return "1" end })
