-- What callers hear who dial a number. Run with: moonwire test

test("a phone that answers is connected", function(t)
  t:phone("1002"):answers(4)
  local call = t:phone("1001"):dials "1002"
  call:is "ringing"
  call:is "answered"
  call:waits(60)
  call:hangs_up()
  t:equal(t:record(1).talk_time, 60)
end)

test("the other party may hang up too", function(t)
  t:phone("1002"):answers(2):hangs_up(30)
  t:phone("1001"):dials("1002"):ended("normal", 60)
end)

test("who is called sees who calls", function(t)
  t:phone("1001"):dials "1002"
  local call = t:phone("1002"):rings()
  t:equal(call.caller_name, "First phone")
  t:equal(call.caller_number, "1001")
end)

-- What is told of a phone, and why the call ends then.
local excuses = {
  { "a busy phone", function(phone) phone:busy() end, "busy", "busy" },
  { "a phone that declines", function(phone) phone:rejects() end, "busy", "rejected" },
  { "a phone that is not registered", function(phone) phone:unregistered() end, "not-reachable", "unavailable" },
  { "a phone in trouble", function(phone) phone:rejects(503) end, "all-circuits-busy-now", 41 },
}
for _, excuse in ipairs(excuses) do
  local what, does, prompt, cause = excuse[1], excuse[2], excuse[3], excuse[4]
  test("the caller is told of " .. what, function(t)
    does(t:phone "1002")
    local call = t:phone("1001"):dials "1002"
    call:hears(prompt)
    call:ended(cause)
    t:equal(t:record(1).answered, false)
  end)
end

test("nobody answers", function(t)
  local call = t:phone("1001"):dials "1002"
  t:advance(29)
  call:is "ringing"
  call:hears "noanswer"
  call:ended "noanswer"
end)

test("the caller gives up", function(t)
  local call = t:phone("1001"):dials "1002"
  local other = t:phone("1002"):rings()
  call:waits(5)
  call:hangs_up()
  other:is "ended"
  t:equal(t:record(1).hung_up_by, "caller")
end)

test("600 sends back what is said until # is pressed", function(t)
  local call = t:phone("1001"):dials "600"
  call:hears "demo-echotest"
  call:waits(10)
  call:speaks(2)
  call:presses "1"
  call:is "answered"
  call:presses "#"
  call:hears "demo-echodone"
  call:ended "normal"
end)

test("a number that nobody has is refused", function(t)
  t:phone("1001"):dials("42"):ended "unallocated"
end)
