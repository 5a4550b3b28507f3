-- Owners prove that a mailbox is theirs.
--
-- Each wrong PIN is answered later than the one before, and after too many of
-- them, by however many callers, nobody gets in for a while: whoever tries all
-- PINs of four digits would need weeks.

local speak = require "voicemail.speak"

local lockedAfter = 10   -- wrong PINs
local lockedFor = 600    -- seconds in which they are counted
local longestDelay = 8   -- seconds

local family = "voicemail failures"

-- The count of a mailbox lasts as long as its period.
local function period(box)
  return box.address .. "/" .. math.floor(time.now() / lockedFor)
end

local function locked(box)
  return (tonumber(store.get(family, period(box))) or 0) >= lockedAfter
end

local function right(call, box, pin, failures)
  if locked(box) then
    log.warn("mailbox %s is locked for some minutes: there were too many wrong PINs", box.address)
    call:wait(longestDelay)
    return false
  end
  if box:check_pin(pin) then
    store.delete_tree(family, box.address)
    return true
  end
  store.add(family, period(box))
  log.warn("a wrong PIN for mailbox %s, from %s", box.address, call.caller.number)
  call:wait(math.min(2 ^ failures, longestDelay))
  return false
end

local function number(call, prompt)
  return call:read { prompt = prompt, max = 20, min = 0, timeout = 7, terminators = "#" } or ""
end

-- Asks for a mailbox, where none is given, and for its PIN, where it has one.
-- Options:
--   context   of mailboxes whose number is entered; "default" where left out
--   prefix    put before the number that is entered
--   attempts  so often; the mailbox's maxlogins, or 3
--   escape    * in place of the number ends it
-- Returns the mailbox, or nil and why: "failed", "escape", "missing".
return function(call, address, options)
  options = options or {}
  local fixed = address and mailboxes.find(address)
  if address and not fixed then
    log.warn("there is no mailbox %s", address)
    return nil, "missing"
  end
  local box, failures = fixed, 0
  if fixed and not fixed.locked then return fixed end
  local prompt = "vm-login"
  local attempts = options.attempts or fixed and fixed.maxlogins or 3
  for _ = 1, attempts do
    if not fixed then
      local digits = number(call, prompt)
      if digits == "*" and options.escape then return nil, "escape" end
      box = digits ~= "" and mailboxes.find((options.prefix or "") .. digits .. "@" .. (options.context or "default")) or nil
      if box and not box.locked then return box end
    end
    local pin = number(call, fixed and failures > 0 and "vm-incorrect" or "vm-password")
    if pin == "*" and options.escape then return nil, "escape" end
    if box and right(call, box, pin, failures) then return box end
    if not box then call:wait(math.min(2 ^ failures, longestDelay)) end
    failures, prompt = failures + 1, "vm-incorrect-mailbox"
  end
  speak.say(call, { "vm-incorrect", "vm-goodbye" })
  return nil, "failed"
end
