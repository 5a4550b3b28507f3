-- extensions.lua: a dialplan in Asterisk's Lua. It is kept as it is; a few lines
-- before and after it say where app, channel and its extensions belong.

local text = require "text"
local catalog = require "catalog"

local pbx_lua = {}

-- Names that a file assigns without declaring them, in order: what would be
-- global in Asterisk is the file's own here.
local function assigned(source)
  local names, seen = {}, { extensions = true, hints = true, app = true, channel = true }
  local function add(name)
    if text.is_name(name) and not seen[name] then
      seen[name] = true
      names[#names + 1] = name
    end
  end
  for line in source:gmatch "[^\n]+" do
    if not line:find "^%s" then
      add(line:match "^function%s+([%a_][%w_]*)%s*%(" or "")
      add(line:match "^([%a_][%w_]*)%s*=[^=]" or "")
    end
  end
  return names
end

-- Counts the lines, and says which applications are not there.
local function inspect(name, source, report, shims)
  local number = 0
  for line in (source .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    local code = line:gsub("%-%-.*$", "")
    local at = { file = name, line = number, app = "" }
    if code:find "%S" then report:count(at) end
    for app in code:gmatch "%f[%w_]app%.([%a_][%w_]*)" do
      report:step(at)
      local known, near = catalog.application(app)
      if not known then
        shims.applications[app] = shims.applications[app] or at
        report:unknown(at, ("application %s is not known"):format(app), near and near .. " was probably meant" or "fill in its shim")
        report:name("applications", app)
      elseif known.status ~= "exact" and known.status ~= "approximate" then
        report:unknown(at, ("%s: %s"):format(known.name, known.reason), known.suggestion)
        report:name("applications", known.name)
      elseif known.status == "approximate" then
        report:approximate(at, ("%s: %s"):format(known.name, known.reason), known.suggestion)
      end
    end
    if code:find "^hints%s*=" then
      report:unknown(at, "hints of extensions.lua are not read", "list them in scripts/asterisk/settings.lua")
    end
  end
end

-- The text of the site's file. Lines keep their numbers but for the three above.
local function wrapped(name, source)
  local names = assigned(source)
  table.insert(names, 1, "hints")
  table.insert(names, 1, "extensions")
  return table.concat {
    "-- ", name, " of Asterisk, as it was; line N of it is line N + 3 here. See asterisk.pbx_lua.\n",
    'local app, channel, declare, check_hangup, autoservice_start, autoservice_stop = require("asterisk.pbx_lua").new()\n',
    "local ", table.concat(names, ", "), "\n",
    (source:gsub("%f[%w_]app%.goto%f[^%w_]", 'app["goto"]')), source:sub(-1) == "\n" and "" or "\n",
    "declare(extensions)\n",
  }
end

-- Translates the file, if there is one. shims takes what nobody knows.
function pbx_lua.translate(job, report, shims, name)
  local source = job.exists_input(name) and job.read(name)
  if not source then return false end
  if not text.is_utf8(source) then
    source = text.from_latin1(source)
    report:note({ file = name, line = 1 }, "the file is in Latin-1; it was read as such")
  end
  source = source:gsub("\r\n", "\n"):gsub("^#[^\n]*", "")
  inspect(name, source, report, shims)
  job.write("scripts/extensions-lua.lua", wrapped(name, source))
  return true
end

return pbx_lua
