-- What callers hear before they leave a message.

local speak = require "voicemail.speak"

local greeting = {}

-- Words for what became of the call, as greetings are asked for.
local kinds = {
  busy = "busy", unavailable = "unavail", unavail = "unavail", noanswer = "unavail",
}

-- The recorded name of a mailbox's owner, or its number.
function greeting.name(box)
  local recorded = box:greeting "greet"
  if recorded then return { recorded } end
  return { "vm-extension", { digits = box.number } }
end

-- The items of a greeting. kind is "busy" or "unavailable", or a status of
-- call:dial; anything else is "unavailable".
function greeting.items(box, kind)
  kind = kinds[kind] or "unavail"
  local recorded = box:greeting "temp" or box:greeting(kind)
  if recorded then return { recorded } end
  local named = box:greeting "greet"
  local items = named and { named } or { "vm-theperson", { digits = box.number } }
  items[#items + 1] = kind == "busy" and "vm-isonphone" or "vm-isunavail"
  return items
end

-- Says the name of a mailbox's owner. Returns whether there is such a mailbox.
function greeting.say_name(call, address)
  local box = mailboxes.find(address)
  if not box then return false end
  speak.say(call, greeting.name(box), false)
  return true
end

return greeting
