-- Callers leave messages.

local function leaves(t, number)
  t:phone(number):busy()
  return t:phone("1104"):dials(number)
end

test("no answer goes to voicemail", function(t)
  t:phone("1102"):never_answers()
  local call = t:phone("1101"):dials "1102"
  t:advance(20)
  call:hears "vm-theperson"
  call:hears_said { digits = "1102" }
  call:hears "vm-isunavail"
  call:hears "vm-intro"
  call:hears "beep"
  call:speaks(4)
  call:hangs_up()
  t:mailbox("1102@finance"):has(1)
  t:logged "1102@finance: 1 new, 0 urgent, 0 old"
  local message = t:mailbox("1102@finance"):messages()[1]
  t:equal(message.caller_number, "1101")
  t:equal(message.caller_name, "Phone 1101")
  t:ok(message.duration > 3 and message.duration < 5, "it is as long as what was said")
end)

test("a busy phone is told of as busy", function(t)
  local call = leaves(t, "1102")
  call:hears "vm-isonphone"
  call:never_hears "vm-isunavail"
end)

test("# skips the greeting and the instructions", function(t)
  local call = leaves(t, "1102")
  call:hears "vm-theperson"
  call:presses "#"
  call:hears "beep"
  call:never_hears "vm-intro"
end)

test("recorded greetings are played", function(t)
  t:mailbox("1102@finance"):greets "busy"
  local call = leaves(t, "1102")
  call:hears "voicemail/finance/1102/busy.wav"
  call:hears "vm-intro"
  call:never_hears "vm-theperson"
end)

test("the temporary greeting stands in for all others", function(t)
  t:mailbox("1102@finance"):greets("busy"):greets "temp"
  leaves(t, "1102"):hears "voicemail/finance/1102/temp.wav"
end)

test("the owner's name is said where it was recorded", function(t)
  t:mailbox("1102@finance"):greets "greet"
  local call = leaves(t, "1102")
  call:hears "voicemail/finance/1102/greet.wav"
  call:hears "vm-isonphone"
end)

test("# ends the message, and the caller is thanked", function(t)
  local call = leaves(t, "1102")
  call:hears "beep"
  call:speaks(3)
  call:presses "#"
  call:hears "auth-thankyou"
  call:ended "normal"
  t:mailbox("1102@finance"):has(1)
  t:equal(t:record(1).extension, "1102")
end)

test("silence ends the message, and is cut off", function(t)
  local call = leaves(t, "1102")
  call:hears "beep"
  call:speaks(4)
  call:hears("auth-thankyou", 10)
  local message = t:mailbox("1102@finance"):has(1):messages()[1]
  t:ok(message.duration > 3.5 and message.duration < 5, "without the three seconds of silence")
end)

test("the longest message ends by itself", function(t)
  local call = leaves(t, "1102")
  call:hears "beep"
  call:speaks(25)
  call:hears "auth-thankyou"
  t:equal(math.floor(t:mailbox("1102@finance"):has(1):messages()[1].duration + 0.5), 20)
end)

test("too short a message is dropped, and may be said again", function(t)
  local call = leaves(t, "1102")
  call:hears "beep"
  call:speaks(0.5)
  call:presses "#"
  call:hears "vm-tooshort"
  call:hears "beep"
  call:speaks(4)
  call:hangs_up()
  t:mailbox("1102@finance"):has(1)
end)

test("nothing is kept of who says nothing", function(t)
  local call = leaves(t, "1102")
  call:hears "beep"
  call:hears("vm-tooshort", 10)
  call:hangs_up()
  t:mailbox("1102@finance"):has(0)
end)

test("nothing is kept of who hangs up at once", function(t)
  local call = leaves(t, "1102")
  call:hears "beep"
  call:waits(0.3)
  call:hangs_up()
  t:advance(1)
  t:mailbox("1102@finance"):has(0)
end)

test("a full mailbox says so", function(t)
  t:mailbox("1102@finance"):receives():receives():receives { urgent = true }
  local call = leaves(t, "1102")
  call:hears "vm-mailboxfull"
  call:ended "normal"
  call:never_hears "beep"
  t:mailbox("1102@finance"):has(3)
end)

test("a message for several mailboxes arrives in all", function(t)
  local call = t:phone("1104"):dials "500"
  call:hears "beep"
  call:speaks(4)
  call:presses "#"
  call:hears "auth-thankyou"
  t:mailbox("1101@finance"):has(1)
  t:mailbox("1102@finance"):has(1)
end)

test("a mailbox that does not exist is told to the script", function(t)
  t:phone("1104"):dials("501"):ended()
  t:logged "there is no mailbox 1999@finance"
end)

test("the caller may hear the message, and say it again", function(t)
  local call = leaves(t, "1103")
  call:hears "beep"
  call:speaks(4)
  call:presses "#"
  call:hears "vm-review"
  call:presses "2"
  call:hears "vm-review"
  call:presses "3"
  call:hears "beep"
  call:speaks(7)
  call:presses "#"
  call:hears "vm-review"
  call:presses "1"
  call:hears "vm-msgsaved"
  local message = t:mailbox("1103@finance"):has(1):messages()[1]
  t:ok(message.duration > 6, "the second one is kept")
end)

test("the caller may mark the message urgent", function(t)
  local call = leaves(t, "1103")
  call:hears "beep"
  call:speaks(4)
  call:presses "#"
  call:hears "vm-review-urgent"
  call:presses "4"
  call:hears "vm-marked-urgent"
  call:hangs_up()
  t:mailbox("1103@finance"):has(1)
  t:equal(#t:mailbox("1103@finance"):messages "Urgent", 1)
  t:logged "1103@finance: 0 new, 1 urgent, 0 old"
end)

test("the caller may think better of it", function(t)
  local call = leaves(t, "1103")
  call:hears "beep"
  call:speaks(4)
  call:presses "#"
  call:hears "vm-review"
  call:presses "*"
  call:ended "normal"
  t:mailbox("1103@finance"):has(0)
end)

test("who hangs up in the review has left a message", function(t)
  local call = leaves(t, "1103")
  call:hears "beep"
  call:speaks(4)
  call:presses "#"
  call:hears "vm-review"
  call:hangs_up()
  t:mailbox("1103@finance"):has(1)
end)

test("0 in the greeting leads to the operator", function(t)
  local call = leaves(t, "1103")
  call:hears "vm-theperson"
  call:presses "0"
  call:hears "pls-wait-connect-call"
  call:ended "normal"
  t:mailbox("1103@finance"):has(0)
end)

test("0 ends the message and leads to the operator", function(t)
  local call = leaves(t, "1103")
  call:hears "beep"
  call:speaks(4)
  call:presses "0"
  call:hears "pls-wait-connect-call"
  t:mailbox("1103@finance"):has(1)
end)

test("0 does nothing where there is no operator", function(t)
  local call = leaves(t, "1102")
  call:hears "vm-theperson"
  call:presses "0"
  call:hears "beep"
end)

test("* in the greeting leads to extension a", function(t)
  local call = t:phone("1104"):dials("502", { context = "starred" })
  call:hears "vm-theperson"
  call:presses "*"
  call:hears "demo-thanks"
end)
