-- AGI: lets a program that was written for Asterisk serve a call.
--
-- The program reads a block of facts about the call, then writes commands, one a
-- line, and reads a reply to each. What the commands do is in agi/verbs.lua, a
-- table that a site can replace or add to; where variables and the place in the
-- dialplan are kept is in agi/side.lua; here is the conversation itself.
--
-- call:agi uses agi.run. When the call ends, the script ends with it, and what
-- is left of the conversation goes on among the functions of on_hangup: the
-- program is told by SIGHUP (or, over a network, by a line HANGUP), and may use
-- the commands that need no line until it ends by itself.

local sides = require "agi.side"
local verbs = require "agi.verbs"

local agi = {
  port = 4573,
  version = "20.0.0",
  patience = 60, -- seconds that a server is waited for; a program at most as long as is granted
}

local Session = {}
Session.__index = Session

-- The facts --------------------------------------------------------------------

-- The lines that a program reads first.
function Session:facts()
  local list = {}
  local function fact(name, value) list[#list + 1] = ("agi_%s: %s\n"):format(name, (tostring(value):gsub("[\r\n]", " "))) end
  local side, caller = self.side, self.call.caller
  if self.script then
    fact("network", "yes")
    fact("network_script", self.script)
  end
  local function known(value) return value ~= "" and value or "unknown" end
  fact("request", self.target)
  fact("channel", side:channel())
  fact("language", self.call.language)
  fact("type", side:technology())
  fact("uniqueid", self.call.id)
  fact("version", agi.version)
  fact("callerid", known(caller.number))
  fact("calleridname", known(caller.name))
  fact("callingpres", ({ allowed = 0, withheld = 32 })[caller.presentation] or 67)
  fact("callingani2", 0)
  fact("callington", 0)
  fact("callingtns", 0)
  fact("dnid", known(side:fact "dnid"))
  fact("rdnis", known(side:fact "rdnis"))
  local context, extension, priority = side:place()
  fact("context", context)
  fact("extension", extension)
  fact("priority", priority)
  fact("enhanced", self.audio and "1.0" or "0.0")
  fact("accountcode", side:fact "accountcode")
  fact("threadid", tonumber(hash.md5(self.call.id):sub(1, 7), 16))
  for i, value in ipairs(self.arguments) do fact("arg_" .. i, value) end
  return table.concat(list) .. "\n"
end

-- Commands ---------------------------------------------------------------------

-- Finds the verb that words begin with, and how many words it has.
local function find(words)
  for count = math.min(#words, 3), 1, -1 do
    local verb = verbs[table.concat(words, " ", 1, count):upper()]
    if verb then return verb, count end
  end
end

local function usage(verb)
  return ("520-Invalid command syntax.  Proper usage follows:\nUsage: %s\n\t%s\n520 End of proper usage.\n"):format(verb.usage, verb.about)
end

-- Does what a list of words says, and returns the reply, with its end of line.
function Session:obey(words)
  local verb, count = find(words)
  if not verb then return "510 Invalid or unknown command\n" end
  if self.dead and not verb.dead then return "511 Command Not Permitted on a dead channel or intercept routine\n" end
  local values = {}
  for i = count + 1, #words do values[#values + 1] = words[i] end
  if #values < verb.least or #values > verb.most then return usage(verb) end
  self.pending = verb
  local reply = verb.run(self, values)
  self.pending = nil
  if not reply then return usage(verb) end
  if not reply:find "^%d%d%d[ -]" then reply = "200 " .. reply end
  return reply .. "\n"
end

-- Answers commands until the program has no more, and returns how it ended.
function Session:converse()
  local stream = self.stream
  local why
  while not why do
    local line, status = stream:read(agi.patience)
    if not line then
      why = status
    else
      if self.debug then log.debug("agi > %s", line) end
      local reply = self:obey(program.words(line))
      if self.debug then log.debug("agi < %s", reply) end
      if not stream:write(reply) then why = "closed" end
    end
  end
  if why == "closed" then return stream:finish() end
  stream:stop()
  if why == "timeout" then
    local reason = "it was silent for too long and was given up"
    log.warn("agi: %s: %s", self.target, reason)
    return { status = "timeout", reason = reason }
  end
  return { status = "failed", reason = "it wrote a line that is too long" }
end

-- The end of the call ------------------------------------------------------------

-- Goes on where the end of the call interrupted.
function Session:hungup()
  local stream, side = self.stream, self.side
  self.dead, self.hung = true, true
  local interrupted = self.pending
  self.pending = nil
  local result = { status = "done" }
  if stream and stream.open then
    if interrupted then stream:write("200 " .. (interrupted.hungup or "result=-1") .. "\n") end
    local function off(name)
      local value = (side:get(name) or ""):lower()
      return value == "no" or value == "false" or value == "0" or value == "off" or value == "n" or value == "f"
    end
    if not off "AGISIGHUP" then
      if self.script then stream:write "HANGUP\n" else stream:hangup() end
    end
    local leave = (side:get "AGIEXITONHANGUP" or ""):lower()
    if leave == "yes" or leave == "true" or leave == "1" then stream:stop() else result = self:converse() end
  end
  return self:over(result)
end

-- Tells the one who asked how it ended.
function Session:over(result)
  local state = self.call.vars.agi
  if state and state.running == self then state.running = self.outer end
  result.context, result.extension, result.priority = self.context, self.extension, self.priority
  if self.ended then self.ended(result, self.hung) end
  return result
end

-- Has the session looked after when the call ends.
local function remember(session)
  if session.dead then return end
  local call = session.call
  local state = call.vars.agi
  if not state then
    state = {}
    call.vars.agi = state
    call:on_hangup(function()
      while state.running do state.running:hungup() end
    end)
  end
  session.outer, state.running = state.running, session
end

-- Where the program comes from ------------------------------------------------------

local function reach(session, scheme, rest)
  local where, script = rest:match "^([^/]*)/?(.*)$"
  local host, port = where:match "^(.-):(%d+)$"
  if not host then host, port = where, agi.port end
  session.script = script
  local address = (host:find(":", 1, true) and host:sub(1, 1) ~= "[" and "[%s]:%s" or "%s:%s"):format(host, port)
  return net.connect(address, { service = scheme == "hagi" and "agi" or nil, timeout = session.timeout })
end

local function open(session)
  local scheme, rest = session.target:match "^(h?agi)://(.*)$"
  if scheme then
    local stream, status, reason = reach(session, scheme, rest)
    if not stream and status ~= "refused" then status = "failed" end
    return stream, status, reason
  end
  local command = { session.target }
  for _, value in ipairs(session.arguments) do command[#command + 1] = value end
  command.audio = session.audio
  return program.open(command)
end

-- An AGI in Lua gets an object with a method for each verb, get_variable for GET
-- VARIABLE; each returns the number behind result= and the text behind it.
local inside = {}
inside.__index = function(_, name)
  local verb = name:gsub("_", " "):upper()
  if not verbs[verb] then error("agi: there is no command " .. verb, 2) end
  return function(self, ...)
    local words = {}
    for word in verb:gmatch "%S+" do words[#words + 1] = word end
    for _, value in ipairs { ... } do words[#words + 1] = tostring(value) end
    local reply = self.session:obey(words)
    local code, value, rest = reply:match "^(%d+)[ -]result=(%S*) ?(.-)\n$"
    if not code then error("agi: " .. reply, 2) end
    return tonumber(value) or value, (rest:gsub("^%((.*)%)$", "%1"))
  end
end

local function runInside(session, serve)
  local object = setmetatable({ session = session, call = session.call, arguments = session.arguments }, inside)
  serve(object, (table.unpack or unpack)(session.arguments))
  return session:over { status = "done" }
end

-- Running ------------------------------------------------------------------------------

-- Runs an AGI program for a call and returns what call:agi does. target and list
-- are as there. options:
--   side     where variables and the place in the dialplan are (see agi/side.lua)
--   ended    function(result, hungup): called at the end, also after a hang-up
--   timeout  for a connection, in seconds
function agi.run(call, target, list, options)
  options = options or {}
  local audio, arguments = false, {}
  if type(target) == "table" then
    audio = target.audio
    for i = 2, #target do arguments[#arguments + 1] = tostring(target[i]) end
    target = target[1]
  end
  for _, value in ipairs(list or {}) do arguments[#arguments + 1] = tostring(value) end
  local session = setmetatable({
    call = call, target = target, arguments = arguments, audio = audio or nil, side = options.side or sides.native(call),
    dead = call.state == "ended", ended = options.ended, timeout = options.timeout or 2,
  }, Session)
  local module = type(target) == "string" and target:match "^([%w_%-/]+)%.lua$"
  if module then target = require("agi-bin." .. module:gsub("/", ".")) end
  if type(target) == "function" then
    remember(session)
    return runInside(session, target)
  end
  local stream, status, reason = open(session)
  if not stream then
    log.warn("agi: %s: %s", session.target, reason)
    return session:over { status = status, reason = reason }
  end
  session.stream = stream
  remember(session)
  stream:write(session:facts()) -- a program that does not read them is none the worse
  return session:over(session:converse())
end

return agi
