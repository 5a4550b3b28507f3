-- Functions about the dialplan itself.

local arguments = require "asterisk.arguments"
local flow = require "asterisk.flow"
local registry = require "asterisk.registry"

local func = registry.func

func("DIALPLAN_EXISTS", { read = function(ch, text)
  local parts = arguments.split(text)
  local context, extension, priority = parts[1] or "", parts[2], parts[3]
  if not extension or extension == "" then return dialplan.has(context) and "1" or "0" end
  if not priority or priority == "" then return flow.exists(ch, context, extension, 1) and "1" or "0" end
  local number = tonumber(priority) or flow.label(ch, context, extension, priority)
  return number and flow.exists(ch, context, extension, number) and "1" or "0"
end })

func("VALID_EXTEN", { read = function(ch, text)
  local parts = arguments.split(text)
  local context = parts[1] ~= "" and parts[1] or ch.context
  return parts[2] and flow.exists(ch, context, parts[2], tonumber(parts[3]) or 1) and "1" or "0"
end })

func("HINT", { read = function(ch, text)
  local extension, context = text:match "^([^@,]*)@?([^,]*)"
  return ch:hint(context ~= "" and context or ch.context, extension)
end })
