-- An owner listens to the messages of a mailbox.
--
-- The keys are those that Asterisk's users know: 1 the messages of the folder,
-- 2 another folder, 3 more about this message, 4 the one before, 5 again, 6 the
-- next, 7 delete and take back, 8 forward, 9 save, 0 greetings and PIN, * help,
-- # the end. Each works at any time, also while something is said.

local advanced = require "voicemail.advanced"
local counts = require "voicemail.counts"
local folders = require "voicemail.folders"
local forward = require "voicemail.forward"
local hear = require "voicemail.hear"
local logIn = require "voicemail.login"
local options = require "voicemail.options"
local session = require "voicemail.session"
local speak = require "voicemail.speak"

-- What can be done now.
local function help(s)
  local message = s:message()
  if not message then
    local items = {}
    if #s.list > 0 then items = { "vm-onefor", "vm-" .. s.folder, "vm-messages" } end
    return speak.add(items, { "vm-opts", "vm-helpexit" })
  end
  local items = {}
  if s.index > 1 then items[1] = "vm-prev" end
  items[#items + 1] = "vm-repeat"
  if s.index < #s.list then items[#items + 1] = "vm-next" end
  items[#items + 1] = s.deleted[message.id] and "vm-undelete" or "vm-delete"
  return speak.add(items, { "vm-toforward", "vm-savemessage", "vm-advopts", "vm-helpexit" })
end

-- Goes to a message and plays it. Returns the key that ended it.
local function go(s, index)
  if not s.list[index] then
    return speak.say(s.call, { #s.list == 0 and "vm-nomessages" or "vm-nomore" })
  end
  s.index = index
  return hear.message(s)
end

-- After something was done to the message: the next one, where the owner has it so.
local function goOn(s)
  if s.box.nextaftercmd then return go(s, s.index + 1) end
end

-- A key that needs a message, and there is none.
local function none(s) return speak.say(s.call, { "vm-nomessages" }) end

local function delete(s)
  local id = s:message().id
  s.deleted[id] = not s.deleted[id] or nil
  local key = speak.say(s.call, { s.deleted[id] and "vm-deleted" or "vm-undeleted" })
  return key or (s.deleted[id] and goOn(s))
end

local function save(s)
  local folder = folders.choose(s.call, "vm-savefolder")
  if not folder then return end
  local done, reason = s:save(folder)
  if not done then
    log.warn("message %s cannot be saved: %s", s:message().id, reason)
    return speak.say(s.call, { reason == "full" and "vm-mailboxfull" or "vm-sorry" })
  end
  return speak.say(s.call, { "vm-message", { number = s.index }, "vm-savedto", "vm-" .. folder, "vm-messages" }) or goOn(s)
end

local function change(s)
  local folder = folders.choose(s.call, "vm-changeto")
  if not folder then return end
  s:enter(folder)
  return speak.say(s.call, { "vm-" .. folder, "vm-messages" }) or (#s.list > 0 and go(s, 1) or none(s))
end

-- What the keys do. Each function returns the next key, where one was pressed
-- already; leaving is "#".
local keys = {
  ["1"] = function(s) return go(s, 1) end,
  ["2"] = change,
  ["3"] = function(s, settings) return advanced(s, settings) == "exit" and "#" or nil end,
  ["4"] = function(s) return s.index > 1 and go(s, s.index - 1) or speak.say(s.call, { "vm-nomore" }) end,
  ["5"] = function(s) return s:message() and hear.message(s) or nil end,
  ["6"] = function(s) return go(s, s.index + 1) end,
  ["7"] = function(s) if s:message() then return delete(s) end return none(s) end,
  ["8"] = function(s) if not s:message() then return none(s) end forward.message(s) end,
  ["9"] = function(s) if s:message() then return save(s) end return none(s) end,
  ["0"] = function(s) options(s) end,
}

-- Lets an owner in and listen. address is the mailbox; nil asks for it. Settings:
--   pin        false: it is not asked for
--   folder     which to begin with; "INBOX"
--   context    of mailboxes whose number is entered
--   prefix     put before the number that is entered
--   attempts   to log in
--   escape     what * does in place of a number: a function(call); true: main ends
--   call_back  how who left a message is called: a function(call, number), or the
--              context of that number; the call's where left out
-- Returns a table with status: "done", "failed" (not let in), "missing" (no such
-- mailbox) or "escape".
return function(call, address, settings)
  settings = settings or {}
  call:answer()
  local box, reason
  if address and settings.pin == false then
    box, reason = mailboxes.find(address), "missing"
    if not box then log.warn("there is no mailbox %s", address) end
  else
    box, reason = logIn(call, address, settings)
  end
  if not box then
    if reason == "escape" and type(settings.escape) == "function" then settings.escape(call) end
    return { status = reason }
  end
  if box.language ~= "" then call.language = box.language end
  local s = session.open(call, box)
  local key = speak.say(call, counts.items(call.language, box:counts()))
  if settings.folder and settings.folder ~= "INBOX" then s:enter(settings.folder) end
  local silent = 0
  while key ~= "#" and silent < 3 do
    if key == nil or key == "*" then
      key = speak.say(call, help(s)) or speak.key(call)
      silent = key and 0 or silent + 1
    else
      local act = keys[key]
      if act then key = act(s, settings) else key = speak.say(call, { "vm-sorry" }) end
    end
    if key == false then key = nil end
  end
  s:close()
  speak.say(call, { "vm-goodbye" }, false)
  return { status = "done" }
end
