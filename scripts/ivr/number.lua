-- Asks for a number and reads it back, digit by digit and as a quantity.

local ivr = require "ivr"

return function(call)
  local digits = call:read {
    prompt = "demo-enter-number",
    max = 9,
    terminators = "#*",
    timeout = 6,
    attempts = 3,
    silent = "please-try-again",
  }
  if digits then
    call:play "you-entered"
    call:say { digits = digits }
    call:silence(0.4)
    call:say { number = tonumber(digits) }
  end
  return ivr.again
end
