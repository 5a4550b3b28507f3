-- What callers hear who dial a number. Run with: moonwire test

test("600 says hello", function(t)
  local call = t:phone("1001"):dials "600"
  call:is "answered"
  call:hears "hello-world"
  call:ended "normal"
end)
