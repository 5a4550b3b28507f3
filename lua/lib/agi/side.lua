-- What an AGI program sees of a call beside its line: variables, and the place in
-- the dialplan. There are two sides: that of a translated dialplan is its
-- channel; that of a script is call.vars, with a channel behind it for what only
-- Asterisk's dialplan knows, such as ${CALLERID(num)} and the applications.

local side = {}

local Channel = {}
Channel.__index = Channel

-- The side of a channel of a translated dialplan.
function side.channel(ch) return setmetatable({ ch = ch }, Channel) end

function Channel:channel() return self.ch:name() end

function Channel:technology() return self.ch:technology() end

function Channel:fact(name)
  if name == "accountcode" then return self.ch.facts.accountcode or "" end
  return self.ch:fn("CALLERID", name)
end

function Channel:place() return self.ch.context, self.ch.exten, self.ch.priority end

-- A variable or a function, nil where it is not set.
function Channel:get(name)
  local called, inside = name:match "^([^(]+)%((.*)%)$"
  if called then return self.ch:fn(called, inside) end
  return self.ch:find(name)
end

function Channel:set(name, value) self.ch:assign(name, value) end

-- A text with ${…} and $[…] worked out.
function Channel:expand(text) return require("asterisk.compile").run(self.ch, text) end

-- Runs an application; returns false where there is none, else true, and whether
-- it wants the call to end.
function Channel:exec(name, text)
  local flow = require "asterisk.flow"
  local known, there = flow.known(self.ch, name)
  if not there then return false end
  return true, flow.run(self.ch, known, text) == "hangup"
end

-- Runs a routine to its Return; false where there is none.
function Channel:gosub(context, extension, priority, list)
  local flow = require "asterisk.flow"
  local ch = self.ch
  local there, number, at = flow.place(ch, context .. "," .. extension .. "," .. priority)
  if not there or not flow.exists(ch, there, number, at) then return false end
  local before = { ch.context, ch.exten, ch.priority, ch.jumped }
  flow.handler(ch, ("%s,%s,%d(%s)"):format(there, number, at, list))
  ch.context, ch.exten, ch.priority, ch.jumped = before[1], before[2], before[3], before[4]
  return true
end

-- Where the dialplan goes on after the program.
function Channel:go(what, value)
  local ch = self.ch
  if what == "context" then
    ch.context = value
  elseif what == "extension" then
    ch.exten = value
  else
    local context, extension, priority = require("asterisk.flow").place(ch, value)
    if not context then return end
    ch:jump(context, extension, priority)
  end
end

function Channel:autohangup(seconds)
  self.ch.absoluteEnd = seconds > 0 and time.now() + seconds or nil
end

local Native = {}
Native.__index = Native

-- The side of a script.
function side.native(call) return setmetatable({ call = call }, Native) end

-- The channel behind it, made when it is first needed.
function Native:behind()
  if not self.channelSide then self.channelSide = side.channel(require("asterisk").channel(self.call)) end
  return self.channelSide
end

function Native:channel() return self:behind():channel() end
function Native:technology() return self:behind():technology() end
function Native:fact(name) return self:behind():fact(name) end
function Native:place() return self.call.context, self.call.extension, 1 end
function Native:expand(text) return self:behind():expand(text) end
function Native:exec(name, text) return self:behind():exec(name, text) end
function Native:gosub(...) return self:behind():gosub(...) end

function Native:get(name)
  local value = self.call.vars[name]
  if type(value) == "string" or type(value) == "number" or type(value) == "boolean" then return tostring(value) end
  return self:behind():get(name)
end

function Native:set(name, value)
  if name:find("(", 1, true) then return self:behind():set(name, value) end
  self.call.vars[name:match "^_?_?(.*)$"] = value
end

function Native:go() end -- the result of call:agi says where

return side
