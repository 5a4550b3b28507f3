-- Says the date and the time.

local ivr = require "ivr"

return function(call)
  call:play "today-is"
  call:say { datetime = time.now() }
  return ivr.again
end
