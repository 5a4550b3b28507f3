-- Applications that set variables and write to the log.

local arguments = require "asterisk.arguments"
local registry = require "asterisk.registry"

registry.application("Set", { run = function(ch, text)
  local name, value = text:match "^([^=]*)=(.*)$"
  if not name then
    log.warn("Set wants name=value, at %s", ch:place())
    return
  end
  ch:assign(name, value)
end })

registry.application("MSet", { run = function(ch, text)
  for _, pair in ipairs(arguments.split(text)) do
    local name, value = pair:match "^%s*([^=]*)=(.*)$"
    if name then ch:assign(name, value) else log.warn("MSet wants name=value, at %s", ch:place()) end
  end
end })

registry.application("SetGlobalVar", { run = function(ch, text)
  local name, value = text:match "^%s*([^=]*)=(.*)$"
  if name then ch:set_global(name, value) end
end, gone = 1.6 })

registry.application("ImportVar", {
  level = "approximate", note = "other channels cannot be reached",
  run = function(ch, text)
    local name = text:match "^%s*([^=]*)="
    if name then ch:set(name, "") end
  end,
})

registry.application("ClearHash", { run = function(ch, text) ch.hashes[text] = nil end })

registry.application("Verbose", { run = function(_, text)
  local parts = arguments.raw(text, ",", 2)
  local message = tonumber(parts[1]) and parts[2] or text
  log.info("%s", message or "")
end })

local levels = { ERROR = "error", WARNING = "warn", NOTICE = "info", VERBOSE = "info", DEBUG = "debug", DTMF = "debug" }

registry.application("Log", { run = function(_, text)
  local level, message = text:match "^([^,]*),(.*)$"
  local write = log[levels[arguments.trim(level or ""):upper()] or "error"]
  write("%s", message or text)
end })

registry.application("DumpChan", { run = function(ch)
  local list = {}
  for name, value in pairs(ch.vars) do list[#list + 1] = name .. "=" .. value end
  table.sort(list)
  log.info("channel %s at %s: %s", ch:name(), ch:place(), table.concat(list, " "))
end })
