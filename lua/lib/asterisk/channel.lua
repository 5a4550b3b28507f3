-- A channel: a call as Asterisk's dialplan sees it, with its place in the
-- dialplan, its variables and its stack.
--
-- Variables are texts. One that is not set is "". Globals are shared by all
-- calls; a channel's own variable hides a global of its name.

local arguments = require "asterisk.arguments"
local expr = require "asterisk.expr"
local registry = require "asterisk.registry"

local Channel = {}
Channel.__index = Channel

local channel = { methods = Channel }

local globalsFamily = "asterisk globals"

-- Gives a channel what the calls of its phone or trunk begin with; see peers.lua.
local function endow(ch)
  if ch.call.endpoint ~= "sip" then return end
  local peer = require("asterisk.peers")[ch.call.peer]
  if not peer then return end
  ch:keep("accountcode", peer.accountcode)
  ch:keep("amaflags", peer.amaflags)
  for _, variable in ipairs(peer.variables or {}) do
    local name, argument = variable[1]:match "^([%u_%d]+)%((.*)%)$"
    if name then ch:set_fn(name, argument, variable[2]) else ch:set(variable[1], variable[2]) end
  end
end

-- The channel of a call, made when it is first asked for. kind is what its name
-- begins with, where that is not known from the line.
function channel.of(call)
  local vars = call.vars
  local ch = vars.asterisk
  if ch then return ch end
  ch = setmetatable({
    call = call,
    context = call.context, exten = call.extension, priority = 1,
    vars = {},       -- by name
    inherits = {},   -- by name: 1 for _NAME, 2 for __NAME
    stack = {},      -- frames of Gosub
    macros = {},     -- frames of Macro
    whiles = {},     -- loops that are running
    handlers = {},   -- of the hang-up
    facts = {},      -- items of CHANNEL(), CALLERID() and the like that were set
    timeouts = {},   -- digit, response, in seconds
    loaded = {},     -- steps of extensions that were used
    hashes = {},
  }, Channel)
  vars.asterisk = ch
  endow(ch)
  return ch
end

-- A channel whose line is not there, or not yet: it has variables and a place,
-- and whatever needs a line does nothing. aside is what the story calls it; where
-- that is nil, its steps wait in pending.
function channel.without_line(facts, aside)
  facts.vars, facts.fields, facts.headers, facts.state = {}, {}, facts.headers or {}, facts.state or "trying"
  facts.id, facts.peer, facts.held, facts.cause = facts.id or "", facts.peer or "", false, facts.cause or 0
  local ch = channel.of(setmetatable(facts, { __index = function(_, what)
    return function()
      log.debug("%s: there is no line", what)
      return { status = "hungup" }
    end
  end }))
  ch.aside, ch.pending = aside or facts, not aside and {} or nil
  return ch
end

-- The site's settings, with the usual ones behind them.
function Channel:settings()
  if not self.site then self.site = require "asterisk.settings" end
  return self.site
end

local newest = 20

-- Whether the dialplan is of an older Asterisk than a version.
function Channel:older(version)
  local era = tonumber(self:settings().era) or newest
  if era == 1.6 then era = newest end
  return era < version
end

-- Lines of the log.
function Channel:warn(format, ...) log.warn(format, ...) end

function Channel:place() return ("%s,%s,%d"):format(self.context, self.exten, self.priority) end

-- Names of channels ------------------------------------------------------------

local technologies = { sip = "SIP", ["local"] = "Local", iax2 = "IAX2", dahdi = "DAHDI", webrtc = "PJSIP" }

function Channel:technology() return technologies[self.call.endpoint] or self.call.endpoint:upper() end

function Channel:name()
  if not self.channelName then
    local call = self.call
    local peer = call.peer ~= "" and call.peer or "guest"
    local id = call.id
    if call.endpoint == "local" then self.channelName = id
    else self.channelName = ("%s/%s-%s"):format(self:technology(), peer, hash.md5(id):sub(1, 8)) end
  end
  return self.channelName
end

-- Variables ---------------------------------------------------------------------

local builtins = {
  EXTEN = function(ch) return ch.exten end,
  CONTEXT = function(ch) return ch.context end,
  PRIORITY = function(ch) return tostring(ch.priority) end,
  CHANNEL = function(ch) return ch:name() end,
  UNIQUEID = function(ch) return ch.call.id end,
  LINKEDID = function(ch) return ch.facts.linkedid or ch.call.id end,
  EPOCH = function() return ("%d"):format(math.floor(time.now())) end,
  HANGUPCAUSE = function(ch) return tostring(ch.hangupcause or ch.call.cause or 0) end,
  CALLINGPRES = function(ch) return ch.call.caller.presentation == "allowed" and "0" or ch.call.caller.presentation == "withheld" and "32" or "67" end,
  CALLINGANI2 = function() return "0" end,
  CALLINGTON = function() return "0" end,
  CALLINGTNS = function() return "0" end,
  HINT = function(ch) return ch:hint(ch.context, ch.exten) end,
  HINTNAME = function() return "" end,
  SYSTEMNAME = function(ch) return ch:settings().system or "" end,
  ENTITYID = function() return "" end,
}

-- Variables that Asterisk had until 1.4.
local older = {
  CALLERID = function(ch) return ch:fn("CALLERID", "all") end,
  CALLERIDNUM = function(ch) return ch.call.caller.number end,
  CALLERIDNAME = function(ch) return ch.call.caller.name end,
  CALLERANI = function(ch) return ch:fn("CALLERID", "ani") end,
  DNID = function(ch) return ch:fn("CALLERID", "dnid") end,
  RDNIS = function(ch) return ch:fn("CALLERID", "rdnis") end,
  DATETIME = function() return time.format(time.now(), "%d%m%Y-%H:%M:%S") end,
  TIMESTAMP = function() return time.format(time.now(), "%Y%m%d-%H%M%S") end,
  ACCOUNTCODE = function(ch) return ch.facts.accountcode or "" end,
  LANGUAGE = function(ch) return ch.call.language end,
}

local classes = { X = "%d", Z = "[1-9]", N = "[2-9]", ["."] = ".+", ["!"] = ".*" }

-- Whether a pattern "_1XX" stands for a number.
local function stands_for(pattern, number)
  if pattern:sub(1, 1) ~= "_" then return false end
  local lua = pattern:sub(2):upper():gsub("[%[%]%w.!%-*#+]", function(c) return classes[c] end):gsub("[*+]", "%%%0")
  return number:find("^" .. lua:gsub("%%%%", "%%") .. "$") ~= nil
end

-- The devices of a hint, "" where there is none.
function Channel:hint(context, extension)
  local hints = (self:settings().hints or {})[context]
  if not hints then return "" end
  local hint = hints[extension]
  if not hint then
    for pattern, one in pairs(hints) do
      if stands_for(pattern, extension) then hint = one end
    end
  end
  return hint and (hint:gsub("%${EXTEN}", extension)) or ""
end

-- The value of a variable, nil where it is not set.
function Channel:find(name)
  local builtin = builtins[name]
  if builtin then return builtin(self) end
  local value = self.vars[name]
  if value ~= nil then return value end
  if older[name] and self:older(1.6) then return older[name](self) end
  return self:global(name)
end

-- The value of a variable, "" where it is not set: ${NAME}.
function Channel:get(name) return self:find(name) or "" end

-- A global variable, nil where it is not set. What was set while serving comes
-- before what the site's settings say.
function Channel:global(name)
  if name == "" then return nil end
  local value = store.get(globalsFamily, name)
  if value ~= nil then
    if value == "" then return nil end
    return value
  end
  return self:initial()[name]
end

-- The globals of the settings, each worked out with those before it.
function Channel:initial()
  if not self.initialGlobals then
    local list, values = self:settings().globals or {}, {}
    self.initialGlobals = values
    for _, one in ipairs(list) do
      local value = one[2]
      if type(value) == "function" then value = value(self) end
      values[one[1]] = tostring(value)
    end
  end
  return self.initialGlobals
end

function Channel:set_global(name, value)
  store.put(globalsFamily, name, value)
end

-- Sets a variable of the channel; "" is as good as none. Names may begin with
-- one or two underscores, for channels that this one dials.
function Channel:set(name, value)
  value = tostring(value)
  local marks, plain = name:match "^(_?_?)(.*)$"
  self.vars[plain] = value
  self.inherits[plain] = #marks > 0 and #marks or nil
  self:changed(plain, value)
end

-- Notes in the story of the call that a variable has changed.
function Channel:changed(name, value)
  if not self.aside then trace.variable(name, value) end
end

-- Notes a step in the story of the call, or of the party that it is run for.
function Channel:note(step)
  if self.pending then self.pending[#self.pending + 1] = step else trace.step(step, self.aside) end
end

-- Sets a fact that goes into the record of the call too.
function Channel:keep(name, value)
  self.facts[name], self.call.fields[name] = value, value
end

-- Takes a variable away.
function Channel:unset(name)
  self.vars[name], self.inherits[name] = nil, nil
end

-- Set(name=value), where the name may be a function.
function Channel:assign(name, value)
  local called, inside = name:match "^([^(]+)%((.*)$"
  if not called then return self:set(name, value) end
  inside = inside:match "^(.*)%)[^)]*$" or inside
  return self:set_fn(called, inside, value)
end

-- What ":offset:length" behind a name makes of a value.
function Channel:slice(value, numbers)
  local offset, rest = numbers:match "^%s*([+-]?%d+)(.*)$"
  local length = rest and rest:match "^:%s*([+-]?%d+)"
  offset, length = tonumber(offset) or 0, tonumber(length)
  local size = #value
  if offset < 0 then offset = math.max(size + offset, 0) end
  if offset >= size then return "" end
  if length == nil or length >= size - offset then return value:sub(offset + 1) end
  if length >= 0 then return value:sub(offset + 1, offset + length) end
  return value:sub(offset + 1, size + length)
end

-- What stands between ${ and }.
function Channel:expand(text)
  local depth, colon, called = 0, nil, false
  for at = 1, #text do
    local c = text:sub(at, at)
    if c == "(" then depth, called = depth + 1, true
    elseif c == ")" then depth = depth - 1
    elseif c == ":" and depth == 0 then
      colon = at
      break
    end
  end
  local name, numbers = text, nil
  if colon then name, numbers = text:sub(1, colon - 1), text:sub(colon + 1) end
  local value
  if called then
    local before, inside = name:match "^([^(]*)%((.*)$"
    value = self:fn(before, inside:match "^(.*)%)[^)]*$" or inside)
  else
    value = self:get(name)
  end
  if numbers then return self:slice(value, numbers) end
  return value
end

-- What stands between $[ and ].
function Channel:expression(text) return (expr.evaluate(text, self)) end

-- Functions -----------------------------------------------------------------------

-- The functions of a site's own, and then those of the library.
function Channel:find_function(name)
  local own = require("asterisk.shims").functions[name]
  if type(own) == "function" then return { read = own } end
  return own or registry.find_function(name)
end

-- ${NAME(arguments)}
function Channel:fn(name, text)
  local entry = self:find_function(name)
  if not entry then
    log.warn("function %s does not exist, at %s", name, self:place())
    return ""
  end
  if entry.level == "unavailable" then
    log.warn("function %s %s", name, entry.note)
    return ""
  end
  if not entry.read then
    log.warn("function %s can only be set", name)
    return ""
  end
  return tostring(entry.read(self, text or "") or "")
end

-- Set(NAME(arguments)=value)
function Channel:set_fn(name, text, value)
  local entry = self:find_function(name)
  if not entry or not entry.write then
    log.warn(entry and "function %s cannot be set" or "function %s does not exist", name)
    return false
  end
  return entry.write(self, text, tostring(value))
end

-- The stack of Gosub ------------------------------------------------------------

function Channel:frame() return self.stack[#self.stack] end

-- Sets a variable that is gone when the routine returns.
function Channel:set_local(frame, name, value)
  name = name:match "^_?_?(.*)$"
  if not frame.locals[name] then
    frame.locals[name] = { before = self.vars[name], inherits = self.inherits[name] }
    frame.order[#frame.order + 1] = name
  end
  self.vars[name] = tostring(value)
end

-- Enters a routine: place is where to come back to, values become ARG1 and on.
function Channel:push(place, values)
  local outer = self:frame()
  local frame = { place = place, locals = {}, order = {}, arguments = #values }
  self.stack[#self.stack + 1] = frame
  for i, value in ipairs(values) do self:set_local(frame, "ARG" .. i, value) end
  for i = #values + 1, outer and outer.arguments or 0 do self:set_local(frame, "ARG" .. i, "") end
  self:set_local(frame, "ARGC", #values)
  return frame
end

-- Leaves a routine, and gives its frame; nil where there is none.
function Channel:pop()
  local frame = table.remove(self.stack)
  if not frame then return nil end
  for i = #frame.order, 1, -1 do
    local name = frame.order[i]
    local kept = frame.locals[name]
    self.vars[name], self.inherits[name] = kept.before, kept.inherits
  end
  return frame
end

-- Places -----------------------------------------------------------------------------

-- Makes the dialplan go on elsewhere.
function Channel:jump(context, extension, priority)
  self.context, self.exten, self.priority, self.jumped = context, extension, priority, true
end

-- All variables, as a list of { name, value }.
function Channel:all()
  local list = {}
  for name, value in pairs(self.vars) do list[#list + 1] = { ("_"):rep(self.inherits[name] or 0) .. name, value } end
  return list
end

-- The variables that a channel takes over which this one dials, as a list of
-- { name, value }.
function Channel:inherited()
  local list = {}
  for name, level in pairs(self.inherits) do
    if level and self.vars[name] then list[#list + 1] = { (level == 2 and "__" or "") .. name, self.vars[name] } end
  end
  return list
end

-- How variables reach the other side of a Local channel: as a header of the call.
local inheritance = "X-Asterisk-Variables"

-- The headers that give variables to the other side of a Local channel.
function channel.inheritance(list)
  return #list > 0 and { [inheritance] = json.encode(list) } or {}
end

-- Of a list of { name, value }, those that are handed down, as they arrive.
function channel.descending(list)
  local down = {}
  for _, one in ipairs(list) do
    local marks, plain = one[1]:match "^(_+)(.*)$"
    if marks then down[#down + 1] = { #marks > 1 and "__" .. plain or plain, one[2] } end
  end
  return down
end

-- The variables that a channel got from who dialled it.
function channel.handed_down(call)
  local text = call.endpoint == "local" and call.headers[inheritance]
  return text and json.decode(text) or {}
end

-- Headers for a channel that is dialled: those of SIPAddHeader, and for Local
-- channels the variables that they take over.
function Channel:headers(inside)
  local headers = inside and channel.inheritance(self:inherited()) or {}
  local any = next(headers) ~= nil
  local from = self.facts["redirecting from-num"]
  if from and from ~= "" and not inside then
    headers["Diversion"], any = ("<tel:%s>;reason=%s"):format(from, self.facts["redirecting reason"] or "unknown"), true
  end
  for _, one in ipairs(self.facts.headers or {}) do
    headers[one[1]], any = one[2], true
  end
  return any and headers or nil
end

return channel
