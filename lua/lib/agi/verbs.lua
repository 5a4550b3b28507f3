-- The commands of AGI, each by its words:
--
--   usage   how it is written
--   about   what it does, in a line
--   least, most  how many words may follow
--   dead    whether it works after the call has ended
--   hungup  the reply where the end of the call interrupts it; result=-1 where left out
--   run     function(session, words): does it and returns the reply, without its
--           code where that is 200; nil where the words make no sense
--
-- A session has call, side (see side.lua), and takes context, extension and
-- priority.

local verbs = {}

local function verb(name, usage, least, most, about, run, more)
  local entry = { usage = usage == "" and name or name .. " " .. usage, about = about, least = least, most = most, run = run }
  for key, value in pairs(more or {}) do entry[key] = value end
  verbs[name] = entry
end

local alive = { dead = true }

local function whole(text) return tonumber((tostring(text or "")):match "^%s*([+-]?%d+)") end

-- Milliseconds as seconds; less than none is as long as it takes.
local function seconds(text)
  local value = whole(text)
  if not value then return nil end
  return value < 0 and 24 * 3600 or value / 1000
end

local function code(key) return key and key:byte() or 0 end

local rate = 8000 -- of the places in files that replies tell
local frame = 160 -- samples; sound is played by frames

-- Lets the caller hear before the call is answered, as Asterisk does.
local function open(session)
  if session.call.state ~= "answered" then session.call:progress() end
end

-- What a program calls a file: a prompt, or what the call recorded before.
local function recorded(name) return (name:gsub("^/+", "")) end

-- Plays a file until a key of a set; returns the key, the place where it ended,
-- and whether there is such a file.
local function play(session, name, keys, offset)
  open(session)
  local began = time.now()
  local options = { interrupt = keys ~= "" and keys or false, skip = math.max(offset or 0, 0) / rate }
  local result = session.call:play(name, options)
  if result.status == "missing" then result = session.call:play(recorded(name) .. ".wav", options) end
  local place = frame * math.floor(((time.now() - began) * rate + math.max(offset or 0, 0)) / frame + 0.01)
  return result.key, place, result.status == "played" or result.status == "interrupted"
end

-- The line -------------------------------------------------------------------------

verb("ANSWER", "", 0, 0, "Answers the call.", function(session)
  return session.call:answer().status == "done" and "result=0" or "result=-1"
end)

local states = { trying = 4, ringing = 4, early = 4, answered = 6 }

local function own(session, name) return not name or name == session.side:channel() end

verb("CHANNEL STATUS", "[<channel>]", 0, 1, "Tells how far a call has come.", function(session, words)
  if not own(session, words[1]) then return "result=-1" end
  return "result=" .. (states[session.call.state] or 0)
end)

verb("HANGUP", "[<channel>]", 0, 1, "Ends the call.", function(session, words)
  if not own(session, words[1]) then return "result=-1" end
  session.call:hangup()
end, { hungup = "result=1" })

verb("SET AUTOHANGUP", "<seconds>", 1, 1, "Ends the call after a time; 0 does not.", function(session, words)
  local after = tonumber(words[1])
  if not after then return nil end
  if session.cancel then session.cancel() end
  if after > 0 then session.cancel = timer.after(after, function() session.call:hangup() end) end
  return "result=0"
end)

verb("SET CALLERID", "<number>", 1, 1, "Changes who calls.", function(session, words)
  session.side:set("CALLERID(all)", words[1])
  return "result=1"
end)

verb("SET MUSIC", "on|off [<class>]", 1, 2, "Turns music on hold on or off, where the server has any.", function(_, words)
  local switch = words[1]:lower()
  if switch ~= "on" and switch ~= "off" then return nil end
  return "result=0"
end)

verb("TDD MODE", "on|off|mate", 1, 1, "Turns the mode for text telephones on or off, where the line has one.", function() return "result=0" end)

-- Playing and asking ----------------------------------------------------------------

verb("STREAM FILE", "<filename> <escape digits> [<sample offset>]", 2, 3, "Plays a file until one of the keys is pressed.", function(session, words)
  local offset = 0
  if words[3] then offset = whole(words[3]) end
  if not offset then return nil end
  local key, place, there = play(session, words[1], words[2], offset)
  if not there then place = offset end
  return ("result=%d endpos=%d"):format(code(key), place)
end, { hungup = "result=-1 endpos=0" })

verb("CONTROL STREAM FILE", "<filename> <escape digits> [<skipms> [<ffchar> [<rewchr> [<pausechr> [<offsetms>]]]]]", 2, 7,
  "Plays a file until one of the keys is pressed.", function(session, words)
    local key, place, there = play(session, words[1], words[2], (whole(words[7]) or 0) * rate / 1000)
    return ("result=%d endpos=%d"):format(there and code(key) or -1, place)
  end, { hungup = "result=-1 endpos=0" })

verb("GET OPTION", "<filename> <escape digits> [<timeout>]", 2, 3, "Plays a file and waits for one of the keys.", function(session, words)
  local wait = words[3] and seconds(words[3]) or session.call.vars.asterisk and session.call.vars.asterisk.timeouts.digit or 5
  local key, place, there = play(session, words[1], words[2], 0)
  if there and not key and words[2] ~= "" then
    local ending = time.now() + wait
    repeat
      key = session.call:read { max = 1, timeout = math.max(ending - time.now(), 0), terminators = "", answer = false }
    until not key or words[2]:find(key, 1, true)
  end
  return ("result=%d endpos=%d"):format(code(key), there and place or 0)
end, { hungup = "result=-1 endpos=0" })

verb("GET DATA", "<file> [<timeout> [<max digits>]]", 1, 3, "Plays a file and collects digits.", function(session, words)
  local wait = words[2] and seconds(words[2])
  if not wait or wait == 0 then wait = nil end
  open(session)
  local digits, status, terminator = session.call:read {
    prompt = words[1], max = whole(words[3]) or 1024, min = 0, timeout = wait or 6, digit_timeout = wait or 2, answer = false,
  }
  if status == "hungup" then return "result=-1" end
  digits = digits or ""
  if terminator or #digits >= (whole(words[3]) or 1024) then return "result=" .. digits end
  return "result=" .. digits .. " (timeout)"
end)

verb("WAIT FOR DIGIT", "<timeout>", 1, 1, "Waits for a key, so many milliseconds.", function(session, words)
  local wait = seconds(words[1])
  if not wait then return nil end
  return "result=" .. code((session.call:read { max = 1, timeout = wait, terminators = "", answer = false }))
end)

verb("RECORD FILE", "<filename> <format> <escape digits> <timeout> [<offset samples>] [BEEP] [s=<silence>]", 4, 7,
  "Records the caller until one of the keys, so many milliseconds, or silence.", function(session, words)
    local limit = seconds(words[4])
    if not limit then return nil end
    local beep, silence = false, 0
    for i = 5, #words do
      local word = words[i]
      if word:upper() == "BEEP" then beep = true end
      silence = tonumber(word:match "^[sS]=(%d+)") or silence
    end
    open(session)
    local format = words[2]:lower()
    if format ~= "ulaw" and format ~= "alaw" and format ~= "sln" then format = "wav" end
    local take = session.call:record {
      path = recorded(words[1]) .. "." .. format, max = limit, silence = silence, beep = beep, terminators = words[3],
    }
    if take.status == "failed" then return "result=-1 (writefile)" end
    local place = math.floor((take.duration or 0) * rate + 0.5)
    if take.ended_by == "key" then return ("result=%d (dtmf) endpos=%d"):format(code(take.key), place) end
    return ("result=0 (timeout) endpos=%d"):format(place)
  end, { hungup = "result=-1 (hangup) endpos=0" })

-- Saying ----------------------------------------------------------------------------

local function says(name, usage, most, about, what)
  verb("SAY " .. name, usage .. " <escape digits>" .. (most > 2 and " [<…>]" or ""), 2, most, about, function(session, words)
    local say = what(words)
    if not say then return nil end
    say.interrupt = words[2] ~= "" and words[2] or false
    open(session)
    return "result=" .. code(session.call:say(say).key)
  end)
end

local function moment(kind)
  return function(words)
    local at = tonumber(words[1])
    return at and { [kind] = at, zone = words[4] }
  end
end

says("DIGITS", "<number>", 2, "Says digits.", function(words) return words[1]:find "^[%d*#+-]*$" and { digits = words[1] } end)
says("NUMBER", "<number>", 3, "Says a number.", function(words) return whole(words[1]) and { number = whole(words[1]) } end)
says("ALPHA", "<text>", 2, "Spells a text.", function(words) return { letters = words[1] } end)
says("DATE", "<seconds since 1970>", 2, "Says a date.", moment "date")
says("TIME", "<seconds since 1970>", 2, "Says a time of day.", moment "time")
says("DATETIME", "<seconds since 1970>", 4, "Says a date and a time.", moment "datetime")

verb("SAY PHONETIC", "<text> <escape digits>", 2, 2, "Spells a text with a word for each letter.", function(session, words)
  local list = {}
  for c in words[1]:lower():gmatch "%w" do list[#list + 1] = c:find "%d" and "digits/" .. c or "phonetic/" .. c .. "_p" end
  if #list == 0 then return "result=0" end
  open(session)
  return "result=" .. code(session.call:play(list, { interrupt = words[2] ~= "" and words[2] or false }).key)
end)

-- Variables, and the dialplan ----------------------------------------------------------

verb("GET VARIABLE", "<name>", 1, 1, "Tells a variable of the call.", function(session, words)
  local value = session.side:get(words[1])
  return value and ("result=1 (%s)"):format(value) or "result=0"
end, alive)

verb("GET FULL VARIABLE", "<expression> [<channel>]", 1, 2, "Tells what a text with ${…} comes to.", function(session, words)
  if not own(session, words[2]) then return "result=0" end
  return ("result=1 (%s)"):format(session.side:expand(words[1]))
end, alive)

verb("SET VARIABLE", "<name> <value>", 2, 2, "Sets a variable of the call.", function(session, words)
  session.side:set(words[1], words[2])
  return "result=1"
end, alive)

local function goes(name)
  verb("SET " .. name:upper(), "<" .. name .. ">", 1, 1, "Says in which " .. name .. " the call goes on after the program.", function(session, words)
    session[name] = words[1]
    session.side:go(name, words[1])
    return "result=0"
  end)
end
goes "context"
goes "extension"
goes "priority"

verb("EXEC", "<application> [<arguments>]", 1, 127, "Runs an application of the dialplan.", function(session, words)
  local there, ends = session.side:exec(words[1], words[2] or "")
  if not there then return "result=-2" end
  return ends and "result=-1" or "result=0"
end, alive)

verb("GOSUB", "<context> <extension> <priority> [<arguments>]", 3, 4, "Runs a routine of the dialplan.", function(session, words)
  if not session.side:gosub(words[1], words[2], words[3], words[4] or "") then return "result=-1 Gosub failed" end
  return "100 result=0 Trying...\n200 result=0 Gosub complete"
end)

-- The database --------------------------------------------------------------------------

verb("DATABASE GET", "<family> <key>", 2, 2, "Tells a value of the database.", function(_, words)
  local value = store.get(words[1], words[2])
  return value and ("result=1 (%s)"):format(tostring(value)) or "result=0"
end, alive)

verb("DATABASE PUT", "<family> <key> <value>", 3, 3, "Keeps a value in the database.", function(_, words)
  store.put(words[1], words[2], words[3])
  return "result=1"
end, alive)

verb("DATABASE DEL", "<family> <key>", 2, 2, "Removes a value from the database.", function(_, words)
  if store.get(words[1], words[2]) == nil then return "result=0" end
  store.delete(words[1], words[2])
  return "result=1"
end, alive)

verb("DATABASE DELTREE", "<family> [<keytree>]", 1, 2, "Removes a family, or a part of it, from the database.", function(_, words)
  return (store.delete_tree(words[1], words[2] or "") or 0) > 0 and "result=1" or "result=0"
end, alive)

-- Texts ----------------------------------------------------------------------------------

verb("NOOP", "[<text>]", 0, 127, "Does nothing.", function() return "result=0" end, alive)

local levels = { "info", "info", "debug", "debug" }

verb("VERBOSE", "<message> [<level>]", 1, 2, "Writes a line to the log.", function(session, words)
  log[levels[whole(words[2]) or 1] or "info"]("%s: %s", tostring(session.target), words[1])
  return "result=1"
end, alive)

-- No line of this server carries texts beside its sound: what AGI says then.
verb("RECEIVE CHAR", "<timeout>", 1, 1, "Waits for a character of a text.", function() return "result=0 (timeout)" end)
verb("RECEIVE TEXT", "<timeout>", 1, 1, "Waits for a text.", function() return "result=-1" end)
verb("SEND TEXT", "<text>", 1, 1, "Sends a text, where the line carries texts.", function() return "result=0" end)
verb("SEND IMAGE", "<image>", 1, 1, "Sends an image, where the line carries images.", function() return "result=0" end)

verb("ASYNCAGI BREAK", "", 0, 0, "Ends an AGI that is led from elsewhere.", function() return "result=0" end, alive)

-- Speech: there is no engine for it, which these say as AGI does.
verb("SPEECH CREATE", "<engine>", 1, 1, "Begins to recognise speech.", function() return "result=0" end)
verb("SPEECH DESTROY", "", 0, 0, "Ends the recognition of speech.", function() return "result=0" end)
verb("SPEECH SET", "<name> <value>", 2, 2, "Sets something of the recognition of speech.", function() return "result=0" end)
verb("SPEECH LOAD GRAMMAR", "<name> <path>", 2, 2, "Loads a grammar.", function() return "result=0" end)
verb("SPEECH UNLOAD GRAMMAR", "<name>", 1, 1, "Unloads a grammar.", function() return "result=0" end)
verb("SPEECH ACTIVATE GRAMMAR", "<name>", 1, 1, "Activates a grammar.", function() return "result=0" end)
verb("SPEECH DEACTIVATE GRAMMAR", "<name>", 1, 1, "Deactivates a grammar.", function() return "result=0" end)
verb("SPEECH RECOGNIZE", "<prompt> <timeout> [<offset>]", 2, 3, "Plays a prompt and recognises what is said.", function() return "result=0" end)

return verbs
