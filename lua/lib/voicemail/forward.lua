-- Sends messages to other mailboxes of the site.

local speak = require "voicemail.speak"
local take = require "voicemail.take"

local forward = {}

-- Asks for numbers of mailboxes, joined by *. Returns them as a list, which is
-- empty where the caller gives up.
function forward.choose(call, box)
  local prompt = { "vm-extension" }
  for _ = 1, 3 do
    local digits = call:read { prompt = prompt, max = 80, min = 0, timeout = 7, terminators = "#" } or ""
    if digits == "" then return {} end
    local list, missing = {}, false
    for number in digits:gmatch "%d+" do
      local other = mailboxes.find(number .. "@" .. box.context)
      if other then list[#list + 1] = other else missing = true end
    end
    if #list > 0 and not missing then return list end
    prompt = { "vm-nobox", "vm-extension" }
  end
  return {}
end

-- Records a comment. Returns its draft, nil where there is none.
local function comment(s)
  local path = s.box:draft()
  local status = take(s.call, path, { prompt = { "vm-record-prepend" }, max = s.box.maxsecs, min = 1, review = true })
  if status == "recorded" then return path end
  s.box:discard(path)
end

-- Forwards the message that the session is at.
function forward.message(s)
  local key = speak.choose(s.call, { "vm-forwardoptions" }, "12*#")
  if key ~= "1" and key ~= "2" then return end
  local others = forward.choose(s.call, s.box)
  if #others == 0 then return end
  local said
  if key == "1" then
    said = comment(s)
    if not said then return end
  end
  local sent = 0
  for _, other in ipairs(others) do
    local copy, reason = s.box:forward(s:message().id, other, said)
    if copy then
      sent = sent + 1
    else
      log.warn("message %s cannot be forwarded to %s: %s", s:message().id, other.address, reason)
      speak.say(s.call, { reason == "full" and "vm-mailboxfull" or "vm-sorry" })
    end
  end
  if said then s.box:discard(said) end
  if sent > 0 then speak.say(s.call, { "vm-msgforwarded" }) end
end

return forward
