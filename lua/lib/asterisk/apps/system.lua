-- Applications that reach the machine. No script of this server runs programs
-- until a grant lets it.

local registry = require "asterisk.registry"

local note = "runs no programs: no grant lets scripts do so"

local function refuse(ch, name, text)
  log.error("%s(%s): scripts of this server run no programs, at %s", name, text, ch:place())
  ch:set("SYSTEMSTATUS", "FAILURE")
end

registry.application("System", { level = "approximate", note = note, jump = function(ch) return ch:get "SYSTEMSTATUS" ~= "SUCCESS" end, run = function(ch, text) refuse(ch, "System", text) end })
registry.application("TrySystem", { level = "approximate", note = note, jump = function(ch) return ch:get "SYSTEMSTATUS" ~= "SUCCESS" end, run = function(ch, text) refuse(ch, "TrySystem", text) end })

registry.application("ReadFile", { level = "approximate", note = "reads files within what is granted", gone = 1.6, run = function(ch, text)
  local variable, path, length = text:match "^([^=]*)=([^,]*),?(%d*)"
  local content, reason = fs.read(path or "")
  if not content then
    log.warn("ReadFile: %s", reason)
    return
  end
  ch:set(variable, tonumber(length) and content:sub(1, tonumber(length)) or content)
end })
