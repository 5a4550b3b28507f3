-- Voicemail for the two phones of config.lua.
--
-- *97 listens to the messages of the phone that calls, and * before a number
-- leaves a message for it without ringing. How to come here from a phone that
-- does not answer is in docs/guide/voicemail.md.

local voicemail = require "voicemail"

mailbox "1001@internal" { name = "First phone" }
mailbox "1002@internal" { name = "Second phone" }

local internal = context "internal"

internal:extension("*97", function(call) voicemail.main(call, call.peer .. "@internal") end)

internal:extension("_*1XXX", function(call)
  local result = voicemail.leave(call, call.extension:sub(2) .. "@internal")
  if result.status == "missing" then call:hangup "unallocated" end
end)
