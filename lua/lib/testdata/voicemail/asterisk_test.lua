-- The same, from a dialplan of Asterisk's.

local function dials(t, number) return t:phone("1104"):dials(number, { context = "old" }) end

test("VoiceMail takes a message, with the letters of old before the number", function(t)
  local call = dials(t, "700")
  call:hears "vm-theperson"
  call:hears "vm-isunavail"
  call:hears "beep"
  call:speaks(3)
  call:presses "#"
  call:hears "auth-thankyou"
  t:mailbox("1102@finance"):has(1)
end)

test("0 leads to extension o of the dialplan", function(t)
  local call = dials(t, "701")
  call:hears "vm-theperson"
  call:presses "0"
  call:hears "pls-wait-connect-call"
end)

test("VoiceMailMain with s asks for no PIN", function(t)
  t:mailbox("1102@finance"):receives()
  local call = dials(t, "702")
  call:hears "vm-youhave"
  call:presses "1"
  call:hears "voicemail/finance/1102/INBOX/msg0000.wav"
end)

test("MAILBOX_EXISTS and VMCOUNT look into the mailboxes", function(t)
  t:mailbox("1102@finance"):receives():receives()
  dials(t, "703"):hears "digits/2"
end)
