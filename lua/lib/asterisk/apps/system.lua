-- Applications that reach the machine, as far as grants let them.

local registry = require "asterisk.registry"

local note = "runs commands where /bin/sh is granted as a program"

-- Runs a command line and sets SYSTEMSTATUS. What it writes is dropped, and
-- what it leaves running behind is not waited for.
local function run(ch, name, text)
  if text == "" then
    log.warn("%s wants a command, at %s", name, ch:place())
    ch:set("SYSTEMSTATUS", "FAILURE")
    return
  end
  local result = program.run { text, shell = true, output = false }
  local status = "SUCCESS"
  if result.status == "failed" and result.code and result.code ~= 127 then
    status = "APPERROR"
  elseif result.status ~= "done" then
    status = "FAILURE"
    log.warn("%s(%s): %s, at %s", name, text, result.reason or result.status, ch:place())
  end
  ch:set("SYSTEMSTATUS", status)
end

local function failed(ch) return ch:get "SYSTEMSTATUS" ~= "SUCCESS" end

registry.application("System", { level = "approximate", note = note, jump = failed, run = function(ch, text) run(ch, "System", text) end })
registry.application("TrySystem", { level = "approximate", note = note, jump = failed, run = function(ch, text) run(ch, "TrySystem", text) end })

registry.application("ReadFile", { level = "approximate", note = "reads files within what is granted", gone = 1.6, run = function(ch, text)
  local variable, path, length = text:match "^([^=]*)=([^,]*),?(%d*)"
  local content, reason = fs.read(path or "")
  if not content then
    log.warn("ReadFile: %s", reason)
    return
  end
  ch:set(variable, tonumber(length) and content:sub(1, tonumber(length)) or content)
end })
