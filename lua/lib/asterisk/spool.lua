-- Call files, as Asterisk takes them from its folder spool/outgoing:
--
--   -- in config.lua
--   grant { write = "/var/spool/asterisk" }
--   local asterisk = require "asterisk"
--   asterisk.start()
--   asterisk.spool "/var/spool/asterisk/outgoing"
--
-- The folder is looked through every second. A file whose time of change lies in
-- the future waits until then; so who writes one should move it there whole. Each
-- attempt is noted in the file with lines StartRetry and EndRetry. When the call
-- was answered, or no attempt is left, the file goes away: with "Archive: yes" to
-- the folder outgoing_done beside this one, with a line Status. Between two
-- attempts the store knows when the next is due, so that a restart forgets none.

local arguments = require "asterisk.arguments"
local originating = require "asterisk.originating"
local targets = require "asterisk.targets"

local spool = {}

local family = "asterisk spool"

-- Reading -----------------------------------------------------------------------------

local function yes(text) return text:lower():find "^%s*[yt1]" ~= nil or text:lower():find "^%s*on" ~= nil end

local function caller(text)
  local name, number = text:match '^%s*"?(.-)"?%s*<([^>]*)>'
  if not number then name, number = "", text end
  return { number = arguments.trim(number), name = name }
end

local function variable(file, text)
  local name, value = text:match "^([^=]+)=(.*)$"
  if name then file.variables[#file.variables + 1] = { arguments.trim(name), value } end
end

-- What each line of a call file sets.
local fields = {
  channel = function(file, text) file.channel = text end,
  callerid = function(file, text) file.caller = caller(text) end,
  application = function(file, text) file.application = text end,
  data = function(file, text) file.data = text end,
  context = function(file, text) file.context = text end,
  extension = function(file, text) file.extension = text end,
  priority = function(file, text) file.priority = text end,
  maxretries = function(file, text) file.retries = arguments.whole(text) end,
  retrytime = function(file, text) file.pause = math.max(arguments.number(text), 1) end,
  waittime = function(file, text) file.wait = math.max(arguments.number(text), 1) end,
  archive = function(file, text) file.archive = yes(text) end,
  account = function(file, text) file.account = text end,
  setvar = variable, set = variable,
  startretry = function(file) file.begun = file.begun + 1 end,
  alwaysdelete = function() end, -- whatever the file's time: it always goes away here
  endretry = function() end, delayedretry = function() end, codecs = function() end, earlymedia = function() end,
}

-- A comment begins with a # at the beginning or behind a blank, or with a ; that
-- has no backslash before it.
local function without_comment(line)
  line = (" " .. line):gsub("%s#.*$", "")
  return (line:gsub("\\;", "\1"):gsub(";.*$", ""):gsub("\1", ";"))
end

-- Reads a call file. Returns a table, or nil and what is wrong.
function spool.parse(text)
  local file = { variables = {}, retries = 0, pause = 300, wait = 45, archive = false, begun = 0, data = "" }
  local at = 0
  for line in (text .. "\n"):gmatch "([^\n]*)\r?\n" do
    at = at + 1
    line = without_comment(line:gsub("\r$", ""))
    local name, value = line:match "^%s*(%w+)%s*:%s*(.-)%s*$"
    local set = name and fields[name:lower()]
    if set then set(file, value)
    elseif line:find "%S" then log.warn("call file: line %d says nothing that is known: %s", at, line) end
  end
  if not file.channel or file.channel == "" then return nil, "it has no line Channel" end
  if not file.application and not (file.extension or file.context) then return nil, "it has neither Application nor Context and Extension" end
  return file
end

-- Calling ------------------------------------------------------------------------------

local function note(path, text, ...) return fs.append(path, text:format(...)) end

-- Takes a file away when nothing is left to do.
local function finish(path, file, status)
  local folder, name = path:match "^(.*)/([^/]*)$"
  store.delete(family, path)
  if file.archive then
    local content = fs.read(path)
    local target = folder .. "_done/" .. name
    local done, reason = fs.write(target, (content or "") .. ("Status: %s\n"):format(status))
    if not done then log.error("call file: cannot be kept as %s: %s", target, tostring(reason)) end
  end
  fs.remove(path)
end

-- Calls for one file. More is done in ended, when it is known what came of it.
local function attempt(path, file)
  local number = file.begun + 1
  store.put(family, path, tostring(time.now() + file.wait + file.pause))
  local noted, reason = note(path, "\nStartRetry: %d %d (%d)\n", 1, number, math.floor(time.now()))
  if not noted then
    log.error("call file %s cannot be changed, and is left alone: %s", path, tostring(reason))
    return
  end
  local wanted = {
    target = targets.list(file.channel)[1], timeout = file.wait, wait = false, caller = file.caller, variables = file.variables,
    about = { path = path, again = number <= file.retries },
  }
  if file.account then table.insert(wanted.variables, { "CHANNEL(accountcode)", file.account }) end
  if file.application then wanted.application, wanted.arguments = file.application, file.data
  else
    wanted.context, wanted.extension = file.context or "default", file.extension or "s"
    wanted.priority = tonumber(file.priority) or 1
  end
  local result = originating.call(wanted)
  if result.status ~= "begun" then spool.ended(wanted.about, false) end
end

-- What came of an attempt.
function spool.ended(about, answered)
  local path = about.path
  local text = fs.read(path)
  if not text then return end
  local file = spool.parse(text)
  if not file then return end
  if answered then return finish(path, file, "Completed") end
  note(path, "EndRetry: %d %d (%d)\n", 1, file.begun, math.floor(time.now()))
  if about.again then
    store.put(family, path, tostring(time.now() + file.pause))
    return
  end
  log.info("call file %s: nobody answered", path)
  finish(path, file, "Expired")
end

-- Looks at one file, and begins its call if it is time.
local function look(path)
  local facts = fs.stat(path)
  if not facts or facts.folder or facts.modified > time.now() and not store.get(family, path) then return end
  local due = tonumber(store.get(family, path) or 0)
  if due > time.now() then return end
  local text = fs.read(path)
  if not text then return end
  local file, wrong = spool.parse(text)
  if not file then
    log.error("call file %s is thrown away: %s", path, wrong)
    fs.remove(path)
    return
  end
  if file.begun > file.retries then return finish(path, file, "Expired") end
  attempt(path, file)
end

-- Serves the call files of a folder, which must be granted for writing together
-- with its neighbour that has _done behind its name.
function spool.watch(folder)
  folder = folder:gsub("/+$", "")
  timer.every(1, function()
    local names, reason = fs.list(folder)
    if not names then
      log.error("call files: %s", reason)
      return
    end
    for _, name in ipairs(names) do
      if not name:find "^%." and not name:find "/$" then look(folder .. "/" .. name) end
    end
  end)
  on("originated", function(event)
    local about, answered = originating.ended(event)
    if about and about.path then spool.ended(about, answered) end
  end)
end

return spool
