-- What the load drivers are answered. Run with: moonwire test

local function calls(t, number)
  return t:calls { to = number, context = "bench" }
end

test("a call is held", function(t)
  local call = calls(t, "1000")
  call:is "answered"
  call:waits(599)
  call:is "answered"
  call:ended "normal"
end)

test("a call is answered and ended at once", function(t)
  calls(t, "2001"):ended "normal"
  t:equal(t:record().answered, true)
end)

test("a recording is played over and over", function(t)
  local call = calls(t, "1002")
  call:hears "bench120"
  call:hears("bench120", 125)
  call:hangs_up()
end)

test("what is said is sent back", function(t)
  local call = calls(t, "1003")
  call:is "answered"
  call:speaks(1)
  call:hangs_up()
  call:ended "normal"
end)

test("a bridge that fails is refused", function(t)
  local call = calls(t, "1004")
  call:ended("noanswer", 15)
  t:logged "no bridge with ulaw"
end)

test("a bridge is made", function(t)
  for _, number in ipairs { "1005", "1006", "2004" } do
    local call = calls(t, number)
    call:is "ringing"
    call:hangs_up()
  end
end)

for _, number in ipairs { "1007", "1008", "1009" } do
  test(number .. " computes", function(t)
    calls(t, number):ended "normal"
  end)
end
