-- What the key 3 leads to: reply, call back, the envelope, and a new message.

local forward = require "voicemail.forward"
local hear = require "voicemail.hear"
local leave = require "voicemail.leave"
local speak = require "voicemail.speak"

-- The mailbox of whoever left the message, nil where there is none.
local function sender(s)
  local message = s:message()
  if message.forwarded_by then return mailboxes.find(message.forwarded_by) end
  return message.caller_number ~= "" and mailboxes.find(message.caller_number .. "@" .. s.box.context) or nil
end

local function reply(s)
  local other = sender(s)
  if not other then
    speak.say(s.call, { "vm-nobox" })
    return
  end
  leave(s.call, other.address, { greeting = "none", instructions = false, operator = false, escape = false })
end

-- Calls whoever left the message: with the function that main was given, or the
-- extension of that number.
local function callBack(s, options)
  local number = s:message().caller_number
  if number == "" or not s.box.callback then
    speak.say(s.call, { "vm-nonumber" })
    return
  end
  s:settle()
  if type(options.call_back) == "function" then return "exit", options.call_back(s.call, number) end
  if s.call:enter(number, options.call_back).status ~= "done" then speak.say(s.call, { "vm-nonumber" }) end
  return "exit"
end

local function send(s)
  for _, other in ipairs(forward.choose(s.call, s.box)) do
    leave(s.call, other.address, { greeting = "none", instructions = false, operator = false, escape = false })
  end
end

-- Returns "exit" where the caller was connected and is back.
return function(s, options)
  local items, keys = {}, "5*"
  if s:message() then
    speak.add(items, { "vm-toreply", "vm-tohearenv" })
    keys = keys .. "13"
    if s.box.callback then
      items[#items + 1] = "vm-tocallback"
      keys = keys .. "2"
    end
  end
  speak.add(items, { "vm-leavemsg", "vm-starmain" })
  local key = speak.choose(s.call, items, keys)
  if key == "1" then return reply(s)
  elseif key == "2" then return callBack(s, options)
  elseif key == "3" then speak.say(s.call, hear.envelope(s))
  elseif key == "5" then send(s) end
end
