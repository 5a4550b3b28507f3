-- Asks for a number and reads it back, digit by digit and as a quantity.

return function(call)
  local digits = call:read {
    prompt = "demo-enter-number",
    pattern = "_X!",
    max = 9,
    timeout = 6,
    attempts = 3,
    invalid = "invalid",
    silent = "please-try-again",
  }
  if not digits then return end
  call:play "you-entered"
  call:say { digits = digits }
  call:silence(0.4)
  call:say { number = tonumber(digits) }
end
