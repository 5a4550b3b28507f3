-- What the key 0 leads to: greetings, the name, and the PIN.

local speak = require "voicemail.speak"
local take = require "voicemail.take"

local shortest = 4 -- digits of a PIN

-- Records a greeting, which replaces the one there is only when it is kept.
local function record(s, kind, prompt)
  local path = s.box:draft()
  local status = take(s.call, path, { prompt = { prompt }, max = 120, min = 1, review = true })
  if status ~= "recorded" then
    s.box:discard(path)
    return
  end
  local done, reason = s.box:keep_greeting(kind, path)
  if not done then
    log.error("a greeting of %s is lost: %s", s.box.address, reason)
    return
  end
  speak.say(s.call, { "vm-msgsaved" })
end

local function temporary(s)
  if not s.box:greeting "temp" then return record(s, "temp", "vm-rec-temp") end
  local key = speak.choose(s.call, { "vm-tempgreeting2" }, "12*#")
  if key == "1" then
    record(s, "temp", "vm-rec-temp")
  elseif key == "2" then
    s.box:remove_greeting "temp"
    speak.say(s.call, { "vm-tempremoved" })
  end
end

local function pin(s)
  local function ask(prompt)
    return s.call:read { prompt = prompt, max = 20, min = 0, timeout = 10, terminators = "#" } or ""
  end
  local complaint
  for _ = 1, 3 do
    local first = ask(speak.add({ complaint }, { "vm-newpassword" }))
    if first == "" then return end
    if #first < shortest or first:find "%D" or first == s.box.number then
      complaint = "vm-invalid-password"
    elseif ask "vm-reenterpassword" ~= first then
      complaint = "vm-mismatch"
    else
      local done, reason = s.box:set_pin(first)
      if not done then log.error("the PIN of %s cannot be changed: %s", s.box.address, reason) end
      speak.say(s.call, { done and "vm-passchanged" or "vm-sorry" })
      return
    end
  end
  speak.say(s.call, { complaint })
end

return function(s)
  while true do
    local key = speak.choose(s.call, { "vm-options" }, "12345*#")
    if key == "1" then record(s, "unavail", "vm-rec-unv")
    elseif key == "2" then record(s, "busy", "vm-rec-busy")
    elseif key == "3" then record(s, "greet", "vm-rec-name")
    elseif key == "4" then temporary(s)
    elseif key == "5" then pin(s)
    else return end
  end
end
