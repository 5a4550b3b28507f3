-- What an owner does with the messages of a folder, until the folder is left.
--
-- Messages that were heard become old, and those that were deleted go, when the
-- folder is left or the caller hangs up; until then a deletion can be taken back.

local folders = require "voicemail.folders"

local Session = {}
Session.__index = Session

local session = {}

function session.open(call, box)
  local s = setmetatable({ call = call, box = box, heard = {}, deleted = {}, saved = {} }, Session)
  box:begin()
  s:enter "INBOX"
  call:on_hangup(function() s:settle() end)
  return s
end

-- Opens a folder.
function Session:enter(folder)
  self:settle()
  self.folder, self.list, self.index = folder, folders.messages(self.box, folder), 0
end

-- The message that the caller listens to, nil before the first.
function Session:message() return self.list[self.index] end

-- Where its sound is now, nil where it is gone.
function Session:sound()
  local message = self.box:find(self:message().id)
  return message and message.path
end

-- Does to the messages what was decided about them.
function Session:settle()
  for _, message in ipairs(self.list or {}) do
    local id, done, reason = message.id, true, nil
    if self.deleted[id] then
      done, reason = self.box:remove(id)
    elseif self.heard[id] and not self.saved[id] and (message.folder == "INBOX" or message.folder == "Urgent") then
      done, reason = self.box:move(id, "Old")
    end
    if not done and reason ~= "missing" then log.warn("message %s of %s stays: %s", id, self.box.address, reason) end
  end
  self.list, self.heard, self.deleted, self.saved = {}, {}, {}, {}
end

function Session:close()
  self:settle()
  self.box:finish()
end

-- Puts the message into a folder at once. Returns whether that was done, or why not.
function Session:save(folder)
  local id = self:message().id
  local done, reason = self.box:move(id, folder)
  if done then self.saved[id], self.deleted[id] = true, nil end
  return done, reason
end

return session
