-- Dial's options p and P: the caller says who he is, and the called party hears
-- that and decides. With P the decision is kept, in the family "privacy" of the
-- database, under the key of the option and the caller's number.

local screening = {}

local family = "privacy"
local longestIntroduction = 4 -- seconds

-- What is kept of a caller, and the DIALSTATUS that it leads to without any call.
local statuses = { deny = "NOANSWER", kill = "DONTCALL", torture = "TORTURE" }

-- Asks the caller for his name before anybody is called, where that is not known.
-- Returns a table for screening.decide, or nil and the status that Dial ends with.
function screening.introduce(ch, options)
  if not options.p and not options.P then return nil end
  local number = ch.call.caller.number:gsub("[^%w]", "")
  local s = { kept = options.P ~= nil, known = number ~= "" }
  local base = options.P and options.P ~= "" and options.P or ch.exten
  s.key = base .. "/" .. (s.known and number or "NOCALLERID")
  local before = s.kept and s.known and store.get(family, s.key) or "unknown"
  if s.known and options.N then before = "allow" end
  if statuses[before] then return nil, statuses[before] end
  if before == "allow" then return nil end
  s.path = ("priv-callerintros/%s-%s.wav"):format((base:gsub("[^%w]", "-")), s.known and number or hash.md5(ch:name()):sub(1, 8))
  ch.call:answer()
  if not (s.known and store.get("asterisk introductions", s.path)) then
    ch.call:play "priv-recordintro"
    local take = ch.call:record { path = s.path, max = longestIntroduction, beep = true, silence = 1 }
    if take.status ~= "recorded" then s.path = nil
    elseif s.known and not options.n then store.put("asterisk introductions", s.path, "1") end
  end
  ch.call:play "vm-dialout"
  return s
end

local decisions = { ["1"] = "allow", ["2"] = "deny", ["3"] = "torture", ["4"] = "kill", ["5"] = "allow" }

-- Lets the called party decide. Returns nothing to connect the two, or the
-- status that Dial ends with.
function screening.decide(s, ch, peer)
  local keys = s.kept and "12345" or "1234"
  local key
  for attempt = 1, 3 do
    local prompts = { "priv-callpending" }
    if s.path then prompts[2] = s.path end
    prompts[#prompts + 1] = s.kept and "priv-callee-options" or "screen-callee-options"
    key = peer:read { prompt = prompts, max = 1, timeout = 5, terminators = "", answer = false, flush = attempt == 1 }
    if peer.state == "ended" or key and keys:find(key, 1, true) then break end
    key = nil
    peer:play "vm-sorry"
  end
  local decision = decisions[key]
  if s.kept and s.known and decision then store.put(family, s.key, decision) end
  if key == "1" then return nil end
  return key == "5" and "NOANSWER" or statuses[decision] or "NOANSWER"
end

return screening
