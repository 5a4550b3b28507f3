-- Says the date and the time.

return function(call)
  call:play "today-is"
  call:say { datetime = time.now() }
end
