-- Applications that record.

local arguments = require "asterisk.arguments"
local registry = require "asterisk.registry"

-- The name of a recording, below the server's recordings: Asterisk's
-- "/tmp/msg%d:wav" has a path, a number to fill in, and a format behind a colon
-- or a point.
local function path(ch, text)
  local name, format = text:match "^(.*)[:.](%a[%w]*)$"
  name, format = name or text, format or "wav"
  if format == "gsm" or format == "wav49" or format == "WAV" then format = "wav" end
  if name:find("%%d") then
    local number = store.add("asterisk recordings", name) - 1
    name = name:gsub("%%d", tostring(number))
    ch:set("RECORDED_FILE", name)
  end
  return name:gsub("^/+", "") .. "." .. format
end

-- The keys that end a recording.
local function terminators(options)
  if options:find("x", 1, true) then return "" end
  if options:find("y", 1, true) then return "0123456789*#" end
  return options:find("t", 1, true) and "*" or "#"
end

registry.application("Record", {
  options = "aqsntxyk", partly = { o = "key 0 does not lead to an operator", u = "silence at the end is cut off", i = "has no meaning here" },
  run = function(ch, text)
    local parts = arguments.split(text)
    local options = parts[4] or ""
    if not parts[1] or parts[1] == "" then
      log.warn("Record wants the name of a file, at %s", ch:place())
      ch:set("RECORD_STATUS", "ERROR")
      return "hangup"
    end
    if ch.call.state ~= "answered" then
      if options:find("s", 1, true) then
        ch:set("RECORD_STATUS", "SKIP")
        return
      end
      ch.call:answer()
    end
    local most = arguments.number(parts[3])
    local take = ch.call:record {
      path = path(ch, parts[1]), silence = math.max(arguments.number(parts[2]), 0), max = most > 0 and most or 3600,
      beep = not options:find("q", 1, true), terminators = terminators(options),
      append = options:find("a", 1, true) ~= nil,
    }
    local ended = { key = "DTMF", silence = "SILENCE", limit = "TIMEOUT", hangup = "HANGUP" }
    ch:set("RECORD_STATUS", ended[take.ended_by or ""] or "ERROR")
  end,
})
