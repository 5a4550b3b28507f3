-- Applications that play prompts.

local arguments = require "asterisk.arguments"
local flow = require "asterisk.flow"
local registry = require "asterisk.registry"

-- The prompts of "a&b&c", without the endings that Asterisk lets people write,
-- and those of recordings with the ending that they have.
local function prompts(text)
  local list = {}
  for name in (text .. "&"):gmatch "([^&]*)&" do
    if name ~= "" then list[#list + 1] = (name:gsub("%.wav$", ""):gsub("%.gsm$", "")) end
  end
  return list
end

-- Plays prompts one by one, as Asterisk does: one that is missing is skipped.
-- Returns whether all were there, and the key that interrupted.
local function play(ch, list, options)
  local all, flush = true, true
  for _, name in ipairs(list) do
    local result = ch.call:play(name, { interrupt = options.interrupt or false, language = options.language, flush = flush })
    flush = false
    if result.status == "interrupted" then return all, result.key end
    if result.status ~= "played" then all = false end
  end
  return all
end

registry.application("Playback", {
  options = "skip noanswer sn", ignored = "j", jump = function(ch) return ch:get "PLAYBACKSTATUS" == "FAILED" end,
  run = function(ch, text)
    local parts = arguments.split(text)
    local options = parts[2] or ""
    local skip = options == "skip" or options:find "^s"
    local silent = options == "noanswer" or options:find "n" ~= nil and options ~= "noanswer" and not skip
    if not parts[1] or parts[1] == "" then
      log.warn("Playback wants the name of a prompt, at %s", ch:place())
      return "hangup"
    end
    if ch.call.state ~= "answered" then
      if skip then
        ch:set("PLAYBACKSTATUS", "SUCCESS")
        return
      elseif silent or options == "noanswer" then
        ch.call:progress()
      else
        ch.call:answer()
      end
    end
    local all = play(ch, prompts(parts[1]), {})
    ch:set("PLAYBACKSTATUS", all and "SUCCESS" or "FAILED")
  end,
})

-- Goes to a key that is an extension of its own, or tells of it.
local function dialled(ch, context, key)
  local before = ch.context
  ch.context = context
  local found, more = flow.probe(ch, key)
  ch.context = before
  if found and not more then return ch:jump(context, key, 1) end
  return "digit", key
end

registry.application("BackGround", {
  options = "snmp",
  run = function(ch, text)
    local parts = arguments.split(text)
    local options = parts[2] or ""
    local language = parts[3] ~= "" and parts[3] or nil
    local context = parts[4]
    if not context or context == "" then context = #ch.macros > 0 and ch:get "MACRO_CONTEXT" or ch.context end
    if not parts[1] or parts[1] == "" then
      log.warn("Background wants the name of a prompt, at %s", ch:place())
      return "hangup"
    end
    if ch.call.state ~= "answered" then
      if options:find("s", 1, true) then
        ch:set("BACKGROUNDSTATUS", "SUCCESS")
        return
      end
      if options:find("n", 1, true) then ch.call:progress() else ch.call:answer() end
    end
    local interrupt = true
    if options:find("m", 1, true) then
      interrupt = ""
      for key in ("0123456789*#"):gmatch "." do
        if flow.exists(ch, context, key, 1) then interrupt = interrupt .. key end
      end
    end
    local all, key = play(ch, prompts(parts[1]), { interrupt = interrupt, language = language })
    ch:set("BACKGROUNDSTATUS", all and "SUCCESS" or "FAILED")
    if key then return dialled(ch, context, key) end
  end,
})

registry.application("ControlPlayback", {
  level = "approximate", note = "keys for skipping and pausing do nothing, the one for stopping works",
  options = "", ignored = "j", jump = function(ch) return ch:get "CPLAYBACKSTATUS" == "ERROR" end,
  run = function(ch, text)
    local parts = arguments.split(text)
    local stop = parts[5]
    local result = ch.call:play(prompts(parts[1] or ""), { interrupt = stop and stop ~= "" and stop or false, flush = true })
    local words = { played = "SUCCESS", interrupted = "USERSTOPPED", hungup = "REMOTESTOPPED" }
    ch:set("CPLAYBACKSTATUS", words[result.status] or "ERROR")
    ch:set("CPLAYBACKOFFSET", words[result.status] and "0" or "-1")
    if result.status == "interrupted" then ch:set("CPLAYBACKSTOPKEY", result.key) end
  end,
})

registry.application("MP3Player", {
  level = "approximate", note = "plays recordings of this server, not streams",
  run = function(ch, text) ch.call:play(text, { interrupt = true }) end,
})

registry.application("Zapateller", {
  options = "answer nocallerid",
  run = function(ch, text)
    if text:find("nocallerid", 1, true) and ch.call.caller.number ~= "" then
      ch:set("ZAPATELLERSTATUS", "NOTHING")
      return
    end
    if text:find("answer", 1, true) then ch.call:answer() end
    ch.call:tone("950/330,1400/330,1800/330,0/1000", { seconds = 2 })
    ch:set("ZAPATELLERSTATUS", "ZAPPED")
  end,
})

-- Music on hold: without an engine for it, silence of the same length.
local function music(ch, seconds)
  if ch.call.state ~= "answered" then ch.call:answer() end
  ch.call:wait(seconds)
end

registry.application("MusicOnHold", {
  level = "approximate", note = "is silent until there is an engine for music on hold",
  run = function(ch, text)
    local seconds = arguments.number(arguments.split(text)[2])
    music(ch, seconds > 0 and seconds or 365 * 24 * 3600)
  end,
})
registry.application("WaitMusicOnHold", {
  level = "approximate", note = "is silent until there is an engine for music on hold",
  run = function(ch, text) music(ch, arguments.number(text)) end, gone = 14,
})
for _, name in ipairs { "StartMusicOnHold", "StopMusicOnHold" } do
  registry.application(name, { level = "approximate", note = "is silent until there is an engine for music on hold", run = function() end })
end
registry.application("SetMusicOnHold", { run = function(ch, text) ch.facts.musicclass = text end, gone = 14 })
