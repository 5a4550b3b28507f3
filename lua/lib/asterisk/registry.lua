-- What of Asterisk there is here: applications and functions by name, and how
-- far each goes. The files of apps/ and functions/ put in what they know; the
-- interpreter, the translator and its report look it up.
--
-- Levels: "exact" does what Asterisk does; "approximate" does so in the main,
-- and its note says what differs; "unavailable" is known by name, and waits for
-- an engine that this server does not have: using it gives a clear error.

local registry = {}

local applications, functions = {}, {}

local levels = { exact = true, approximate = true, unavailable = true }

local function checked(kind, name, entry)
  entry.name, entry.level = name, entry.level or "exact"
  if not levels[entry.level] then error(kind .. " " .. name .. ": level " .. entry.level .. " unknown", 3) end
  return entry
end

-- Adds an application:
--   run      function(ch, arguments): what it does; see flow.lua for its results
--   options  letters of its options that are supported; nil where it has none
--   ignored  letters of options that ask for nothing that could differ here
--   partly   by letter: what differs of an option that does not do all it should
--   gone     the version of Asterisk that had it no more
--   jump     function(ch): whether it is to go on at priority n+101 after it ran,
--            in dialplans whose settings have priorityjumping
--   level, note
function registry.application(name, entry)
  applications[name:lower()] = checked("application", name, entry)
end

-- Adds a function: read(ch, arguments) gives its text, write(ch, arguments,
-- value) serves Set; either may be missing.
function registry.func(name, entry)
  functions[name] = checked("function", name, entry)
end

-- Adds names that are known and whose engine is not there.
-- status is the variable that they set to FAILED.
function registry.unavailable(kind, engine, names, status)
  for name in names:gmatch "%S+" do
    local entry = { level = "unavailable", note = "needs " .. engine .. ", which this server does not have", status = status }
    if kind == "application" then registry.application(name, entry) else registry.func(name, entry) end
  end
end

-- The entry of an application, in any letter case; nil where it is unknown.
function registry.find(name) return applications[name:lower()] end

-- The entry of a function; their names are written in capitals.
function registry.find_function(name) return functions[name] end

-- What the translator's report says of an application or a function: a table
-- with name, level, note, options, ignored and partly; nil where it is unknown.
local function described(entry)
  if not entry then return nil end
  return {
    name = entry.name, level = entry.level, note = entry.note, options = entry.options, ignored = entry.ignored, partly = entry.partly,
    jump = entry.jump ~= nil, gone = entry.gone, reads = entry.read ~= nil, writes = entry.write ~= nil,
  }
end

function registry.known(name) return described(applications[name:lower()]) end

function registry.known_function(name) return described(functions[name]) end

-- All names, sorted.
function registry.names(kind)
  local list = {}
  for _, entry in pairs(kind == "function" and functions or applications) do list[#list + 1] = entry.name end
  table.sort(list)
  return list
end

return registry
