-- Applications that say things. They do not answer: to a caller who was not
-- answered yet they speak before the answer, as Asterisk does.

local arguments = require "asterisk.arguments"
local registry = require "asterisk.registry"

-- Makes an application that says its first argument in one of the ways of
-- call:say; adapt turns the argument into its value.
local function says(name, way, adapt)
  registry.application(name, { run = function(ch, text)
    local value = arguments.split(text)[1] or ""
    if adapt then value = adapt(value) end
    if value == nil or value == "" then return end
    if ch.call.state ~= "answered" then ch.call:progress() end
    ch.call:say { [way] = value }
  end })
end

local function number(text) return tonumber(text:match "^%s*(%-?%d+)") end

says("SayDigits", "digits", function(text) return (text:gsub("[^%d*#%-]", "")) end)
says("SayNumber", "number", number)
says("SayOrdinal", "ordinal", number)
says("SayAlpha", "letters")

registry.application("SayPhonetic", { run = function(ch, text)
  if ch.call.state ~= "answered" then ch.call:progress() end
  local list = {}
  for c in text:lower():gmatch "%w" do
    list[#list + 1] = c:find "%d" and "digits/" .. c or "phonetic/" .. c .. "_p"
  end
  if #list > 0 then ch.call:play(list) end
end })

-- Says a time by its format: a few of the letters that Asterisk knows, each as
-- what call:say has.
local function sayTime(ch, text)
  local parts = arguments.split(text)
  local at = tonumber(parts[1]) or time.now()
  local zone, format = parts[2], parts[3] or ""
  if zone == "" then zone = nil end
  if ch.call.state ~= "answered" then ch.call:progress() end
  local date, clock = format:find "[ABdeYb]", format:find "[HIMRTlkp]"
  if format == "" or date and clock then ch.call:say { datetime = at, zone = zone }
  elseif date then ch.call:say { date = at, zone = zone }
  else ch.call:say { time = at, zone = zone } end
end

registry.application("SayUnixTime", {
  level = "approximate", note = "says the date, the time or both in the order of the language, whatever that of the format", run = sayTime,
})
registry.application("DateTime", { level = "approximate", note = "as SayUnixTime", run = sayTime })
