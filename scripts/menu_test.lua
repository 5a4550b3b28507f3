-- The menu behind 700. Run with: moonwire test

-- menu calls 700 and waits for the menu.
local function menu(t)
  local call = t:phone("1001"):dials "700"
  call:hears "demo-welcome"
  call:hears "demo-menu"
  return call
end

test("1 tells the date and the time", function(t)
  t:time "2026-03-04 18:30"
  local call = menu(t)
  call:presses "1"
  call:hears "today-is"
  call:hears "digits/day-3"
  call:hears "digits/mon-2"
  call:hears "demo-menu"
end)

test("2 reads a number back", function(t)
  local call = menu(t)
  call:presses "2"
  call:hears "demo-enter-number"
  call:presses "342#"
  call:hears "you-entered"
  call:hears_said { digits = "342" }
  call:hears_said { number = 342 }
  call:hears "demo-menu"
end)

test("2 without a number comes back to the menu", function(t)
  local call = menu(t)
  call:presses "2"
  call:hears "demo-enter-number"
  call:hears "please-try-again"
  call:hears("demo-menu", 90)
  call:never_hears "you-entered"
end)

test("3 records, plays back, and records anew", function(t)
  local call = menu(t)
  call:presses "3"
  call:hears "demo-record"
  call:hears "beep"
  call:speaks(4)
  call:presses "#"
  call:hears "demo-playback"
  call:hears "demo/1001.wav"
  call:hears "demo-record-menu"
  call:presses "1"
  call:hears "demo-playback"
  call:hears "demo-record-menu"
  call:presses "2"
  call:hears "beep"
  call:speaks(2)
  call:presses "#"
  call:hears "demo-record-menu"
  call:presses "*"
  call:hears "demo-menu"
  local kept = t:recording "demo/1001.wav"
  t:ok(kept and kept.duration > 1.5 and kept.duration < 3, "the second recording is kept")
end)

test("3 keeps nothing of a caller who says nothing", function(t)
  local call = menu(t)
  call:presses "3"
  call:hears "beep"
  call:waits(0.5)
  call:presses "#"
  call:hears "nothing-recorded"
  call:hears "demo-menu"
  t:equal(t:recording "demo/1001.wav", nil)
end)

test("4 leads to the echo and back", function(t)
  local call = menu(t)
  call:presses "4"
  call:hears "demo-echotest"
  call:waits(8)
  call:presses "#"
  call:hears "demo-echodone"
  call:hears "demo-menu"
end)

test("9 ends the call", function(t)
  local call = menu(t)
  call:presses "9"
  call:hears "demo-thanks"
  call:ended "normal"
  call:never_hears "vm-goodbye"
end)

test("a wrong key is told", function(t)
  local call = menu(t)
  call:presses "8"
  call:hears "invalid"
  call:hears "demo-menu"
end)

test("who presses nothing three times is sent away", function(t)
  local call = menu(t)
  call:hears "please-try-again"
  call:hears "please-try-again"
  call:hears "vm-goodbye"
  call:ended "normal"
end)

test("keys can be pressed ahead", function(t)
  local call = t:phone("1001"):dials "700"
  call:presses "19"
  call:hears "today-is"
  call:hears "demo-thanks"
end)
