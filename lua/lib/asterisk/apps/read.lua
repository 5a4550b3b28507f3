-- Applications that ask the caller for digits.

local arguments = require "asterisk.arguments"
local flow = require "asterisk.flow"
local registry = require "asterisk.registry"

local function prompts(text)
  local list = {}
  for name in ((text or "") .. "&"):gmatch "([^&]*)&" do
    if name ~= "" then list[#list + 1] = name end
  end
  return list
end

-- Whether a channel that was not answered is to be, as the options of Read say.
local function open(ch, options)
  if ch.call.state == "answered" then return true end
  if options:find("s", 1, true) then return false end
  if not options:find("n", 1, true) then ch.call:answer() end
  return true
end

registry.application("Read", {
  options = "snt", partly = { i = "prompts are played, and no tone is" },
  run = function(ch, text)
    local parts = arguments.split(text)
    local variable, most, options = parts[1] or "", arguments.whole(parts[3]), parts[4] or ""
    local attempts, timeout = math.max(arguments.whole(parts[5]), 1), arguments.number(parts[6])
    if variable == "" then
      log.warn("Read wants the name of a variable, at %s", ch:place())
      ch:set("READSTATUS", "ERROR")
      return
    end
    if options == "skip" then options = "s" elseif options == "noanswer" then options = "n" end
    if not open(ch, options) then
      ch:set("READSTATUS", "SKIPPED")
      ch:set(variable, "")
      return
    end
    if most < 1 or most > 255 then most = 255 end
    local terminator = arguments.options(options).t
    if terminator == "" or terminator == nil then terminator = "#" end
    local digits, status
    local first = true
    for _ = 1, attempts do
      local ended
      digits, status, ended = ch.call:read {
        prompt = prompts(parts[2]), max = most, min = 0, terminators = terminator, flush = first, answer = false,
        timeout = timeout > 0 and timeout or ch.timeouts.response or 10,
        digit_timeout = timeout > 0 and timeout or ch.timeouts.digit or 5,
      }
      first = false
      if status == "complete" and (digits ~= "" or ended ~= "") then break end
      if status == "hungup" then break end
      digits = digits or ""
    end
    ch:set(variable, digits or "")
    ch:set("READSTATUS", status == "hungup" and "HANGUP" or status == "complete" and "OK" or "TIMEOUT")
  end,
})

registry.application("WaitDigit", { run = function(ch, text)
  local parts = arguments.split(text)
  local seconds, wanted = arguments.number(parts[1]), parts[2] or ""
  local ending = time.now() + seconds
  ch.call:read { flush = true, max = 1, timeout = 0, answer = false, terminators = "" }
  while true do
    local left = ending - time.now()
    local key = left > 0 and flow.key(ch, left) or nil
    if not key then
      ch:set("WAITDIGITSTATUS", "TIMEOUT")
      return
    end
    if wanted == "" or wanted:find(key, 1, true) then
      ch:set("WAITDIGITSTATUS", "DTMF")
      ch:set("WAITDIGITRESULT", key)
      return
    end
  end
end })

registry.application("ReadExten", {
  options = "sin",
  run = function(ch, text)
    local parts = arguments.split(text)
    local variable, context, options = parts[1] or "", parts[3] or "", parts[4] or ""
    if context == "" then context = ch.context end
    if not open(ch, options) then
      ch:set("READEXTENSTATUS", "SKIPPED")
      return
    end
    local seconds = arguments.number(parts[5])
    local first = seconds > 0 and seconds or ch.timeouts.response or 10
    local digits = ""
    if parts[2] and parts[2] ~= "" then
      local result = ch.call:play(prompts(parts[2]), { interrupt = true, flush = true })
      digits = result.key or ""
    end
    local before = ch.context
    ch.context = context
    digits = flow.collect(ch, digits, first)
    local found = digits ~= "" and flow.exists(ch, context, digits, 1)
    ch.context = before
    if digits == "" then
      ch:set("READEXTENSTATUS", "TIMEOUT")
      ch:set(variable, "t")
    elseif found then
      ch:set("READEXTENSTATUS", "OK")
      ch:set(variable, digits)
    else
      ch:set("READEXTENSTATUS", "INVALID")
      ch:set("INVALID_EXTEN", digits)
      ch:set(variable, "i")
    end
  end,
})

local function passwords(ch, path)
  local content = fs.read(path)
  local list = {}
  for line in (content or ""):gmatch "[^\r\n]+" do
    local account, password = line:match "^([^:]*):(.*)$"
    list[#list + 1] = { password or line, account }
  end
  if not content then log.warn("Authenticate: %s cannot be read, at %s", path, ch:place()) end
  return list
end

registry.application("Authenticate", {
  options = "ad", ignored = "jmr", level = "approximate", note = "passwords are text, a file of them, or a family of the database",
  run = function(ch, text)
    local parts = arguments.split(text)
    local wanted, options, most = parts[1] or "", parts[2] or "", arguments.whole(parts[3])
    local prompt = parts[4] and parts[4] ~= "" and parts[4] or "agent-pass"
    if ch.call.state ~= "answered" then ch.call:answer() end
    local found
    for attempt = 1, 3 do
      local digits = ch.call:read { prompt = attempt == 1 and prompt or "auth-incorrect", max = most > 0 and most or 255, min = 0, flush = attempt == 1, timeout = 10, digit_timeout = 5 } or ""
      if wanted:sub(1, 1) == "/" and options:find("d", 1, true) then
        if store.get(wanted:sub(2), digits) then found = digits end
      elseif wanted:sub(1, 1) == "/" then
        for _, one in ipairs(passwords(ch, wanted)) do
          if one[1] == digits then found = digits end
        end
      elseif digits == wanted then
        found = digits
      end
      if found then break end
    end
    if not found then
      ch.call:play "vm-goodbye"
      return "hangup"
    end
    if options:find("a", 1, true) then ch:keep("accountcode", found) end
    ch.call:play "auth-thankyou"
  end,
})

registry.application("PrivacyManager", {
  jump = function(ch) return ch:get "PRIVACYMGRSTATUS" == "FAILED" end,
  run = function(ch, text)
    local parts = arguments.split(text)
    if ch.call.caller.number ~= "" then return end
    local attempts, least = arguments.whole(parts[1]), arguments.whole(parts[2])
    if attempts < 1 then attempts = 3 end
    if least < 1 then least = 10 end
    ch.call:answer()
    ch.call:play "privacy-unident"
    for _ = 1, attempts do
      local digits = ch.call:read { prompt = "privacy-prompt", max = 29, min = 0, timeout = 3.2, digit_timeout = 3.2 } or ""
      if #digits >= least then
        ch.call.caller.number = digits
        ch.call:play "privacy-thankyou"
        ch:set("PRIVACYMGRSTATUS", "SUCCESS")
        return
      end
      ch.call:play "privacy-incorrect"
    end
    ch:set("PRIVACYMGRSTATUS", "FAILED")
  end,
})
