-- Owners prove that a mailbox is theirs.

test("the right PIN lets in", function(t)
  local call = t:phone("1101"):dials "*97"
  call:hears "vm-password"
  call:presses "1234#"
  call:hears "vm-youhaveno"
end)

test("a wrong one is refused three times", function(t)
  local call = t:phone("1101"):dials "*97"
  call:presses "1111#"
  call:hears "vm-incorrect"
  call:presses "2222#"
  call:hears "vm-incorrect"
  call:presses "3333#"
  call:hears "vm-goodbye"
  call:ended "normal"
  call:never_hears "vm-youhaveno"
end)

test("each wrong PIN takes longer than the one before", function(t)
  local call = t:phone("1101"):dials "*97"
  local began = t:time()
  call:presses "1111#"
  call:hears "vm-incorrect"
  local first = t:time() - began
  began = t:time()
  call:presses "2222#"
  call:hears "vm-incorrect"
  t:ok(t:time() - began > first + 0.5, "the second takes longer")
end)

test("many wrong PINs lock the mailbox for a while, also for its owner", function(t)
  for _ = 1, 4 do
    local call = t:phone("1104"):dials "*98"
    for _ = 1, 3 do
      call:presses "1101#"
      call:hears "vm-password"
      call:presses "0000#"
      call:waits(10)
    end
    call:ended "normal"
  end
  local owner = t:phone("1101"):dials "*97"
  owner:presses "1234#"
  owner:hears("vm-incorrect", 20)
  t:logged "1101@finance is locked"
  t:advance(700)
  owner = t:phone("1101"):dials "*97"
  owner:presses "1234#"
  owner:hears "vm-youhaveno"
end)

test("a mailbox without a PIN opens at once", function(t)
  local call = t:phone("1102"):dials "*97"
  call:hears "vm-youhaveno"
  call:never_hears "vm-password"
end)

test("any mailbox can be entered by its number", function(t)
  local call = t:phone("1104"):dials "*98"
  call:hears "vm-login"
  call:presses "1101#"
  call:hears "vm-password"
  call:presses "1234#"
  call:hears "vm-youhaveno"
end)

test("a number that nobody has is asked for a PIN too", function(t)
  local call = t:phone("1104"):dials "*98"
  call:presses "1999#"
  call:hears "vm-password"
  call:presses "1234#"
  call:hears "vm-incorrect-mailbox"
end)

test("* in place of the number leads out", function(t)
  local call = t:phone("1104"):dials "*98"
  call:hears "vm-login"
  call:presses "*#"
  call:ended "normal"
end)

test("the PIN can be changed, and holds", function(t)
  local call = t:phone("1101"):dials "*97"
  call:presses "1234#"
  call:hears "vm-youhaveno"
  call:presses "05"
  call:hears "vm-newpassword"
  call:presses "4711#"
  call:hears "vm-reenterpassword"
  call:presses "4711#"
  call:hears "vm-passchanged"
  call:hangs_up()
  call = t:phone("1101"):dials "*97"
  call:presses "1234#"
  call:hears "vm-incorrect"
  call:presses "4711#"
  call:hears "vm-youhaveno"
end)

test("a PIN that is mistyped, or too simple, is not taken", function(t)
  local call = t:phone("1101"):dials "*97"
  call:presses "1234#"
  call:hears "vm-youhaveno"
  call:presses "05"
  call:hears "vm-newpassword"
  call:presses "12#"
  call:hears "vm-invalid-password"
  call:presses "1101#"
  call:hears "vm-invalid-password"
  call:presses "4711#"
  call:hears "vm-reenterpassword"
  call:presses "4712#"
  call:hears "vm-mismatch"
end)
