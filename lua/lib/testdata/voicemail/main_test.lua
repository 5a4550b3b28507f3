-- Owners listen to their messages.

local inbox, old = "voicemail/finance/1102/INBOX/", "voicemail/finance/1102/Old/"

local function opens(t, number)
  return t:phone(number or "1102"):dials "*96"
end

test("an empty mailbox says so", function(t)
  local call = opens(t)
  call:hears "vm-youhaveno"
  call:hears "vm-messages"
  call:hears "vm-opts"
  call:presses "1"
  call:hears "vm-nomessages"
  call:presses "#"
  call:hears "vm-goodbye"
  call:ended "normal"
end)

test("the counts are said properly", function(t)
  t:mailbox("1102@finance"):receives { urgent = true }
  t:mailbox("1102@finance"):receives():receives()
  local call = opens(t)
  call:hears "vm-youhave"
  call:hears_said { number = 1 }
  call:hears "vm-Urgent"
  call:hears "vm-and"
  call:hears_said { number = 2 }
  call:hears "vm-INBOX"
  call:hears "vm-messages"
end)

test("messages are heard in order and become old", function(t)
  t:mailbox("1102@finance"):receives { seconds = 3 }
  t:mailbox("1102@finance"):receives { seconds = 4 }
  local call = opens(t)
  call:presses "1"
  call:hears "vm-first"
  call:hears "digits/today"
  call:hears(inbox .. "msg0000.wav")
  call:hears "vm-repeat"
  call:presses "6"
  call:hears "vm-last"
  call:hears(inbox .. "msg0001.wav")
  call:presses "6"
  call:hears "vm-nomore"
  t:mailbox("1102@finance"):has(2, 0)
  call:presses "#"
  call:hears "vm-goodbye"
  t:mailbox("1102@finance"):has(0, 2)
end)

test("what was heard becomes old when the owner hangs up", function(t)
  t:mailbox("1102@finance"):receives():receives()
  local call = opens(t)
  call:presses "1"
  call:hears(inbox .. "msg0000.wav")
  call:hangs_up()
  t:mailbox("1102@finance"):has(1, 1)
end)

test("urgent messages come first", function(t)
  t:mailbox("1102@finance"):receives { ago = 60 }
  t:mailbox("1102@finance"):receives { urgent = true }
  local call = opens(t)
  call:presses "1"
  call:hears "vm-Urgent"
  call:hears "voicemail/finance/1102/Urgent/msg0000.wav"
end)

test("a message from yesterday is told in the owner's time zone", function(t)
  t:time "2026-03-04 00:30"
  t:mailbox("1101@finance"):receives { ago = 2 * 3600 }
  local call = t:phone("1101"):dials "*96"
  call:presses "1"
  call:hears "vm-received"
  call:hears "digits/yesterday"
end)

test("an older message is told by its date", function(t)
  t:mailbox("1101@finance"):receives { ago = 7 * 86400 }
  local call = t:phone("1101"):dials "*96"
  call:presses "1"
  call:hears "digits/day-1"
  call:hears "digits/mon-1"
end)

test("4 goes back, 5 repeats", function(t)
  t:mailbox("1102@finance"):receives():receives()
  local call = opens(t)
  call:presses "16"
  call:hears(inbox .. "msg0001.wav")
  call:presses "5"
  call:hears(inbox .. "msg0001.wav")
  call:presses "4"
  call:hears(inbox .. "msg0000.wav")
  call:presses "4"
  call:hears "vm-nomore"
end)

test("any key interrupts a message", function(t)
  t:mailbox("1102@finance"):receives { seconds = 3600 }
  local call = opens(t)
  call:presses "1"
  call:hears(inbox .. "msg0000.wav")
  call:waits(2)
  call:presses "7"
  call:hears("vm-deleted", 1)
end)

test("7 deletes, and the others move up", function(t)
  t:mailbox("1102@finance"):receives { from = "1" }
  t:mailbox("1102@finance"):receives { from = "2" }
  local call = opens(t)
  call:presses "1"
  call:hears(inbox .. "msg0000.wav")
  call:presses "7"
  call:hears "vm-deleted"
  call:presses "#"
  call:ended "normal"
  local left = t:mailbox("1102@finance"):has(1, 0):messages()
  t:equal(left[1].caller_number, "2")
  t:equal(left[1].path, inbox .. "msg0000.wav")
end)

test("7 again takes the deletion back", function(t)
  t:mailbox("1102@finance"):receives()
  local call = opens(t)
  call:presses "1"
  call:hears(inbox .. "msg0000.wav")
  call:presses "7"
  call:hears "vm-deleted"
  call:hears "vm-undelete"
  call:presses "7"
  call:hears "vm-undeleted"
  call:hangs_up()
  t:mailbox("1102@finance"):has(0, 1)
end)

test("9 saves to a folder", function(t)
  t:mailbox("1102@finance"):receives()
  local call = opens(t)
  call:presses "1"
  call:hears(inbox .. "msg0000.wav")
  call:presses "9"
  call:hears "vm-savefolder"
  call:presses "3"
  call:hears "vm-savedto"
  call:hears "vm-Family"
  call:presses "5"
  call:hears "voicemail/finance/1102/Family/msg0000.wav"
  call:hangs_up()
  t:mailbox("1102@finance"):has(0, 0)
  t:equal(#t:mailbox("1102@finance"):messages "Family", 1)
end)

test("9 and 0 keep a message new", function(t)
  t:mailbox("1102@finance"):receives()
  local call = opens(t)
  call:presses "190"
  call:hears "vm-savedto"
  call:hangs_up()
  t:mailbox("1102@finance"):has(1, 0)
end)

test("2 changes the folder", function(t)
  t:mailbox("1102@finance"):receives()
  local call = opens(t)
  call:presses "1"
  call:hears(inbox .. "msg0000.wav")
  call:presses "2"
  call:hears "vm-changeto"
  call:presses "1"
  call:hears "vm-Old"
  call:hears(old .. "msg0000.wav")
end)

test("8 forwards a message as it is", function(t)
  t:mailbox("1102@finance"):receives { from = "0123456789", seconds = 5 }
  local call = opens(t)
  call:presses "18"
  call:hears "vm-forwardoptions"
  call:presses "2"
  call:hears "vm-extension"
  call:presses "1101*1103#"
  call:hears "vm-msgforwarded"
  local copy = t:mailbox("1101@finance"):has(1):messages()[1]
  t:equal(copy.caller_number, "0123456789")
  t:equal(copy.duration, 5)
  t:mailbox("1103@finance"):has(1)
  t:mailbox("1102@finance"):has(1, 0)
end)

test("8 forwards a message after a comment", function(t)
  t:mailbox("1102@finance"):receives { seconds = 5 }
  local call = opens(t)
  call:presses "18"
  call:hears "vm-forwardoptions"
  call:presses "1"
  call:hears "vm-extension"
  call:presses "1101#"
  call:hears "vm-record-prepend"
  call:hears "beep"
  call:speaks(3)
  call:presses "#"
  call:hears "vm-review"
  call:presses "1"
  call:hears "vm-msgforwarded"
  t:ok(t:mailbox("1101@finance"):has(1):messages()[1].duration >= 8, "both can be heard")
end)

test("8 knows when there is no such mailbox", function(t)
  t:mailbox("1102@finance"):receives()
  local call = opens(t)
  call:presses "182"
  call:hears "vm-extension"
  call:presses "1999#"
  call:hears "vm-nobox"
  call:hears "vm-extension"
  call:presses "#"
  call:hears "vm-repeat"
end)

test("3 and 1 replies", function(t)
  t:mailbox("1102@finance"):receives { from = "1101" }
  local call = opens(t)
  call:presses "13"
  call:hears "vm-toreply"
  call:presses "1"
  call:hears "beep"
  call:speaks(3)
  call:presses "#"
  call:hears "auth-thankyou"
  t:equal(t:mailbox("1101@finance"):has(1):messages()[1].caller_number, "1102")
  call:hears "vm-repeat"
end)

test("3 and 2 calls back", function(t)
  t:phone("1104"):answers()
  t:mailbox("1103@finance"):receives { from = "1104" }
  local call = opens(t, "1103")
  call:presses "13"
  call:hears "vm-tocallback"
  call:presses "2"
  t:phone("1104"):rings()
  call:waits(5)
  call:hangs_up()
  t:mailbox("1103@finance"):has(0, 1)
end)

test("3 and 3 tells the envelope", function(t)
  t:mailbox("1102@finance"):receives { from = "0123456789", seconds = 65 }
  local call = opens(t)
  call:presses "133"
  call:hears "vm-from-phonenumber"
  call:hears_said { digits = "0123456789" }
  call:hears "vm-duration"
end)

test("3 and 5 sends a new message", function(t)
  local call = opens(t)
  call:presses "35"
  call:hears "vm-extension"
  call:presses "1101#"
  call:hears "beep"
  call:speaks(3)
  call:presses "#"
  call:hears "auth-thankyou"
  t:mailbox("1101@finance"):has(1)
end)

test("the caller is said where the mailbox has it so", function(t)
  t:mailbox("1103@finance"):receives { from = "1101" }
  t:mailbox("1101@finance"):greets "greet"
  local call = opens(t, "1103")
  call:presses "1"
  call:hears "vm-from"
  call:hears "voicemail/finance/1101/greet.wav"
end)

test("the next message follows a deleted one where the mailbox has it so", function(t)
  t:mailbox("1103@finance"):receives():receives()
  local call = opens(t, "1103")
  call:presses "1"
  call:hears "voicemail/finance/1103/INBOX/msg0000.wav"
  call:presses "7"
  call:hears "vm-deleted"
  call:hears "voicemail/finance/1103/INBOX/msg0001.wav"
end)

test("0 and 1 records a greeting", function(t)
  local call = opens(t)
  call:presses "01"
  call:hears "vm-rec-unv"
  call:hears "beep"
  call:speaks(3)
  call:presses "#"
  call:hears "vm-review"
  call:presses "1"
  call:hears "vm-msgsaved"
  call:hears "vm-options"
  call:presses "*"
  call:hears "vm-opts"
  call:hangs_up()
  t:ok(t:recording "voicemail/finance/1102/unavail.wav", "the greeting is there")
  t:mailbox("1102@finance"):has(0)
end)

test("a greeting that is not kept leaves the old one", function(t)
  t:mailbox("1102@finance"):greets("busy", 2)
  local call = opens(t)
  call:presses "02"
  call:hears "beep"
  call:speaks(6)
  call:hangs_up()
  t:advance(1)
  t:equal(t:recording("voicemail/finance/1102/busy.wav").duration, 2)
end)

test("0 and 4 erases the temporary greeting", function(t)
  t:mailbox("1102@finance"):greets "temp"
  local call = opens(t)
  call:presses "04"
  call:hears "vm-tempgreeting2"
  call:presses "2"
  call:hears "vm-tempremoved"
  t:equal(t:recording "voicemail/finance/1102/temp.wav", nil)
end)

test("a message that comes meanwhile does not disturb", function(t)
  t:mailbox("1102@finance"):receives():receives()
  local call = opens(t)
  call:presses "17"
  call:hears "vm-deleted"
  t:mailbox("1102@finance"):receives { from = "3" }
  call:presses "6"
  call:hears(inbox .. "msg0001.wav")
  call:presses "#"
  call:ended "normal"
  local left = t:mailbox("1102@finance"):has(1, 1):messages()
  t:equal(left[1].path, inbox .. "msg0000.wav")
  t:equal(left[1].caller_number, "3")
end)

test("two owners may listen at once", function(t)
  t:mailbox("1102@finance"):receives():receives()
  local one, two = opens(t), opens(t)
  one:presses "17"
  one:hears "vm-deleted"
  two:presses "16"
  two:hears(inbox .. "msg0001.wav")
  one:presses "#"
  one:is "ended"
  two:presses "5"
  two:hears(inbox .. "msg0001.wav")
  two:hangs_up()
  t:mailbox("1102@finance"):has(0, 1)
  t:equal(t:mailbox("1102@finance"):messages("Old")[1].path, old .. "msg0000.wav")
end)

test("who does nothing is told goodbye", function(t)
  local call = opens(t)
  call:hears("vm-goodbye", 120)
  call:ended "normal"
end)

test("a wrong key is told", function(t)
  local call = opens(t)
  call:hears "vm-opts"
  call:presses "A"
  call:hears "vm-sorry"
end)
