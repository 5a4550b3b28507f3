-- The step that an extension of extensions.lua consists of; see pbx_lua.lua.

local registry = require "asterisk.registry"

registry.application("Lua", { run = function(ch)
  local fn = ch.lua
  ch.lua = nil
  if not fn then
    log.error("Lua belongs to extensions.lua, at %s", ch:place())
    return "hangup"
  end
  return fn(ch)
end })
