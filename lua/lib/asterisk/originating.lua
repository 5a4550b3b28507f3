-- Calls that begin here: what the application Originate and call files have in
-- common.

local arguments = require "asterisk.arguments"
local channel = require "asterisk.channel"
local flow = require "asterisk.flow"

local originating = {}

-- Applications that are run without a dialplan have a context of their own.
local own, extension = "asterisk", "application"
local application, given = "asterisk application", "asterisk arguments"

local function serve(call)
  local vars = call.vars
  local ch = channel.of(call)
  ch.serving, ch.context, ch.exten = true, "default", "s"
  call:on_hangup(function() flow.hungup(ch) end)
  flow.begin(ch)
  local name, text = vars[application], vars[given]
  if name then
    local result = flow.run(ch, name, text or "")
    if ch.jumped and not result then flow.loop(ch) end
  end
  flow.finish(ch)
end

-- Declares that context, while a site is loaded.
function originating.start()
  context(own):extension(extension, { name = "an application of Asterisk's" }, serve)
end

-- The priority that a text stands for, which may be a label; 1 where it is none.
function originating.priority(ch, where, number, text)
  text = arguments.trim(text or "")
  return tonumber(text) or text ~= "" and flow.label(ch, where, number, text) or 1
end

-- What REASON says of a call that came to nothing: Asterisk's number for it.
local reasons = { busy = 5, noanswer = 3, congestion = 8 }

-- Runs extension "failed" of a context, for a call that came to nothing.
local function failed(wanted, status)
  local ch = channel.without_line({
    endpoint = "outgoingspoolfailed", context = wanted.context, extension = "failed", language = "en", caller = wanted.caller or { number = "", name = "" },
  }, "OutgoingSpoolFailed")
  ch.channelName = "OutgoingSpoolFailed"
  if not flow.exists(ch, wanted.context, "failed", 1) then return end
  for _, one in ipairs(wanted.variables) do ch:assign(one[1], one[2]) end
  ch:set("REASON", tostring(reasons[status] or 0))
  ch.exten, ch.priority, ch.serving = "failed", 1, true
  flow.loop(ch)
  flow.hungup(ch)
end

-- Calls a target for an extension or an application:
--
--   target, timeout, caller, language, variables (list of { name, value })
--   context, extension, priority, or application, arguments
--   wait   false to go on at once; what comes of it is then told to
--          originating.ended, and to whoever listens for "originated"
--   about  a plain table, for a listener
--
-- Returns the result of originate.
function originating.call(wanted)
  local began
  if wanted.application then
    began = flow.beginning(own, extension, 1, wanted.variables)
    began.variables[application], began.variables[given] = wanted.application, wanted.arguments
  else
    began = flow.beginning(wanted.context, wanted.extension, wanted.priority, wanted.variables)
  end
  began.target, began.timeout, began.caller, began.language, began.wait = wanted.target, wanted.timeout, wanted.caller, wanted.language, wanted.wait
  if wanted.wait == false then
    began.tag = json.encode { asterisk = true, context = wanted.context, variables = wanted.variables, caller = wanted.caller, about = wanted.about }
  end
  if wanted.target:find "^local/" then began.headers = channel.inheritance(channel.descending(wanted.variables)) end
  local result = originate(began)
  if wanted.context and result.status ~= "answered" and result.status ~= "begun" then failed(wanted, result.status) end
  return result
end

-- What became of a call that nobody waited for. Returns what it was about, and
-- whether it was answered; nothing where it was no call of this library's.
function originating.ended(event)
  if not event.tag or event.tag:sub(1, 1) ~= "{" then return end
  local wanted = json.decode(event.tag)
  if type(wanted) ~= "table" or not wanted.asterisk then return end
  local answered = event.status == "answered"
  if not answered and wanted.context and not (wanted.about and wanted.about.again) then failed(wanted, event.status) end
  return wanted.about or {}, answered
end

return originating
