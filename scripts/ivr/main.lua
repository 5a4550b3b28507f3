-- The menu behind 700. A choice says where it leads by what it returns:
-- ivr.again comes back here, anything else leaves the menu.

local ivr = require "ivr"

return ivr.menu {
  name = "main",
  greeting = "demo-menu",
  timeout = 5, attempts = 3,
  ["1"] = require "ivr.clock",
  ["2"] = require "ivr.number",
  ["3"] = require "ivr.message",
  ["4"] = function(call) call:enter "600" return ivr.again end,
  ["9"] = ivr.hangup "demo-thanks",
  invalid = ivr.say "invalid",
  silent = ivr.say "please-try-again",
  failed = ivr.hangup "vm-goodbye",
}
