-- Plays a message, after what its envelope says.

local speak = require "voicemail.speak"

local hear = {}

-- "First message", "Message 3", "Last message"
local function place(s)
  local items = {}
  if s:message().urgent then items[1] = "vm-Urgent" end
  if s.index == 1 then
    return speak.add(items, { "vm-first", "vm-message" })
  elseif s.index == #s.list then
    return speak.add(items, { "vm-last", "vm-message" })
  end
  return speak.add(items, { "vm-message", { number = s.index } })
end

-- When a message was left, in the owner's time zone: "today at nine oh five A M".
function hear.date(box, at)
  local zone = box.zone ~= "" and box.zone or nil
  local function day(t)
    local d = time.date(t, zone)
    return d.year .. "/" .. d.yday
  end
  local word = day(at) == day(time.now()) and "digits/today" or day(at) == day(time.now() - 86400) and "digits/yesterday"
  if word then return { word, "digits/at", { time = at, zone = zone } } end
  return { { datetime = at, zone = zone } }
end

-- Who left it: the name of an owner of a mailbox, or a number.
function hear.caller(box, message)
  local number = message.caller_number
  if number == "" then return { "vm-unknown-caller" } end
  local other = mailboxes.find(number .. "@" .. box.context)
  local named = other and other:greeting "greet"
  if named then return { "vm-from", named } end
  return { "vm-from-phonenumber", { digits = number } }
end

-- Everything that is known of the message.
function hear.envelope(s)
  local message = s:message()
  local items = speak.add({ "vm-received" }, hear.date(s.box, message.time))
  speak.add(items, hear.caller(s.box, message))
  return speak.add(items, { "vm-duration", { duration = message.duration } })
end

-- Plays the message that the session is at. Returns the key that ended it.
function hear.message(s)
  local message, box = s:message(), s.box
  local items = place(s)
  if box.envelope then speak.add(items, speak.add({ "vm-received" }, hear.date(box, message.time))) end
  if box.saycid then speak.add(items, hear.caller(box, message)) end
  local key = speak.say(s.call, items)
  local sound = s:sound()
  if not sound then
    log.warn("message %s of %s has no sound", message.id, box.address)
    return key
  end
  s.heard[message.id] = true
  return key or speak.say(s.call, { sound })
end

return hear
