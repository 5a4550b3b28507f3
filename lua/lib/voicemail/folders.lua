-- The folders of a mailbox, by the keys that choose them.

local speak = require "voicemail.speak"

local folders = {}

folders.names = { ["0"] = "INBOX", ["1"] = "Old", ["2"] = "Work", ["3"] = "Family", ["4"] = "Friends", ["5"] = "Urgent" }

local order = { "0", "1", "2", "3", "4", "5" }

-- Asks which folder; nil where the caller chooses none.
function folders.choose(call, question)
  local items = { question }
  for _, key in ipairs(order) do
    speak.add(items, { "vm-press", { digits = key }, "vm-for", "vm-" .. folders.names[key], "vm-messages" })
  end
  items[#items + 1] = "vm-tocancel"
  return folders.names[speak.choose(call, items, "012345#") or "#"]
end

-- The messages of a folder in the order in which they are heard. New messages are
-- the urgent ones, then the others.
function folders.messages(box, name)
  if name ~= "INBOX" then return box:messages(name) end
  return speak.add(box:messages "Urgent", box:messages "INBOX")
end

return folders
