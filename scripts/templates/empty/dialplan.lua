-- What happens when a number is dialled.

local internal = context "internal"

internal:extension("600", function(call)
  call:answer()
  call:play "hello-world"
end)
