-- Dialplans in Asterisk's Lua (extensions.lua), on moonwire.
--
--   local app, channel, declare = require("asterisk.pbx_lua").new()
--   local extensions = {
--     internal = {
--       ["100"] = function(context, extension)
--         channel.GREETED:set("yes")
--         app.dial("SIP/100", 20)
--         app.voicemail("100", "u")
--       end,
--       include = { "shared" },
--     },
--   }
--   declare(extensions)
--
-- Applications are called by name, in any letter case, with their arguments one by
-- one. channel.NAME is a variable or a function: channel.NAME:get(), :set(value),
-- channel.CALLERID("num"):get(), channel.NAME = value. As in Asterisk an extension
-- has one priority, and an application that jumps or hangs up leaves its function.
--
-- A file of extensions runs anew for each call, as Asterisk loads it anew for
-- each channel, so what it keeps in its variables is the call's own.

local flow = require "asterisk.flow"

local pbx = {}

local left = {} -- what an application raises that leaves the function

local function joined(...)
  local parts = {}
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    parts[i] = value == nil and "" or tostring(value)
  end
  return table.concat(parts, ",")
end

local function applications(self)
  return setmetatable({}, { __index = function(_, name)
    return function(...)
      local ch = self.channel or error("app." .. name .. ": there is no call", 2)
      ch.jumped = false
      local text = joined(...)
      local known, exists = flow.known(ch, tostring(name))
      if exists then
        ch:note { context = ch.context, extension = ch.exten, priority = ch.priority, app = known, args = text, file = "extensions.lua" }
      end
      local result, key = flow.run(ch, tostring(name), text)
      if result or ch.jumped then error({ [left] = true, result = result, key = key }, 0) end
    end
  end })
end

local Item = {}
Item.__index = Item

function Item:get()
  local ch = self.owner.channel or error("channel." .. self.name .. ": there is no call", 2)
  if self.argument then return ch:fn(self.name, self.argument) end
  local value = ch:get(self.name)
  return value ~= "" and value or nil
end

function Item:set(value)
  local ch = self.owner.channel or error("channel." .. self.name .. ": there is no call", 2)
  value = value == nil and "" or tostring(value)
  if self.argument then ch:set_fn(self.name, self.argument, value) else ch:set(self.name, value) end
end

function Item:__call(...) return setmetatable({ owner = self.owner, name = self.name, argument = joined(...) }, Item) end

local function variables(self)
  local function item(name)
    local plain, argument = tostring(name):match "^([^(]*)%((.*)%)$"
    return setmetatable({ owner = self, name = plain or tostring(name), argument = argument }, Item)
  end
  return setmetatable({}, {
    __index = function(_, name) return item(name) end,
    __newindex = function(_, name, value) item(name):set(value) end,
  })
end

-- Runs the function of an extension for a channel; see flow.lua for the results.
local function serve(self, fn, ch)
  local before = self.channel
  self.channel = ch
  local done, result = pcall(fn, ch.context, ch.exten)
  self.channel = before
  if not done then
    if type(result) == "table" and result[left] then return result.result, result.key end
    error(result, 0)
  end
  if type(result) == "number" and result < 0 then return "hangup" end
end

local function declare(self, extensions)
  for name, entries in pairs(extensions or {}) do
    context(name)
    for number, fn in pairs(entries) do
      if type(fn) == "function" then
        flow.extension(name, tostring(number), function() return {
          { 1, "Lua", function(ch)
            ch.lua = function(channel) return serve(self, fn, channel) end
            return tostring(number)
          end },
        } end, { file = "extensions.lua" })
      end
    end
    local includes = entries.include or entries.includes
    for _, other in ipairs(type(includes) == "string" and { includes } or includes or {}) do flow.include(name, other) end
  end
end

-- What a file of extensions is given: app, channel, declare, and the functions
-- about autoservice and hanging up, which have nothing to do here.
function pbx.new()
  local self = {}
  local function nothing() end
  return applications(self), variables(self), function(extensions) declare(self, extensions) end,
    function() return false end, nothing, nothing
end

return pbx
