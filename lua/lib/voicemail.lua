-- Voicemail: callers leave messages, and owners listen to them.
--
--   local voicemail = require "voicemail"
--
--   internal:extension("_1XXX", function(call)
--     local result = call:dial("sip/" .. call.extension, { timeout = 20 })
--     if result.status ~= "answered" then
--       voicemail.leave(call, call.extension .. "@internal", { greeting = result.status })
--     end
--   end)
--   internal:extension("*97", function(call) voicemail.main(call, call.peer .. "@internal") end)
--
-- Mailboxes are declared with mailbox "1101@internal" { … }. Each file of
-- voicemail/ holds one part: leave and main are the two flows; the others are
-- what they are made of, and can be used, or replaced, one by one.

return {
  leave = require "voicemail.leave",
  main = require "voicemail.main",
  log_in = require "voicemail.login",
  say_name = require("voicemail.greeting").say_name,
}
