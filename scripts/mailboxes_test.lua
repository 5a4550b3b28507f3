-- Leaving messages and listening to them. Run with: moonwire test

test("a message is left and heard", function(t)
  local caller = t:phone("1002"):dials "*1001"
  caller:hears "vm-theperson"
  caller:hears "vm-intro"
  caller:hears "beep"
  caller:speaks(4)
  caller:hangs_up()
  t:mailbox("1001@internal"):has(1)

  local owner = t:phone("1001"):dials "*97"
  owner:hears "vm-youhave"
  owner:presses "1"
  owner:hears "voicemail/internal/1001/INBOX/msg0000.wav"
  owner:presses "#"
  owner:hears "vm-goodbye"
  t:mailbox("1001@internal"):has(0, 1)
end)

test("there is nobody without a mailbox", function(t)
  t:phone("1001"):dials("*1999"):ended "unallocated"
end)
