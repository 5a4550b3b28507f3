-- The menu behind 700. Each choice is a function that takes the call; all but
-- the shortest are files of their own.

local choices = {
  ["1"] = require "ivr.clock",
  ["2"] = require "ivr.number",
  ["3"] = require "ivr.message",
  ["4"] = function(call) call:enter "600" end,
}

return function(call)
  call:answer()
  call:wait(0.5) -- until the caller has the phone at the ear
  call:play "demo-welcome"
  repeat
    local key = call:read {
      prompt = "demo-menu",
      pattern = "_[1-49]",
      timeout = 5,
      attempts = 3,
      invalid = "invalid",
      silent = "please-try-again",
    }
    local choice = choices[key]
    if choice then choice(call) end
  until not choice
  call:play "demo-thanks"
end
