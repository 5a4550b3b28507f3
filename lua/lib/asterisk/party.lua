-- The party that Dial calls, as a channel of its own: what is run for it before
-- it is called and after it answered, and how it goes on by itself.

local arguments = require "asterisk.arguments"
local channel = require "asterisk.channel"
local flow = require "asterisk.flow"

local party = {}

-- Turns "context^extension^priority" into a place as Goto reads it.
function party.place(text) return (text:gsub("%^", ",")) end

-- Gives a channel the place of another, and the variables that it hands down.
local function descend(ch, other)
  other.context, other.exten, other.priority = ch.context, ch.exten, ch.priority
  for _, one in ipairs(ch:inherited()) do other:set(one[1], one[2]) end
end

-- The channel of a party that was dialled. It is told aside: its steps are
-- noted in the story of the party, not in that of the caller.
function party.channel(ch, peer)
  local other = channel.of(peer)
  if not other.aside then
    other.aside = peer
    descend(ch, other)
  end
  return other
end

-- The channel of a party that is about to be called: it has no line yet.
function party.expected(ch, target)
  local technology, address = target:match "^([^/]*)/(.*)$"
  local caller = ch.call.caller
  local other = channel.without_line {
    endpoint = technology or "", context = ch.context, extension = ch.exten, language = ch.call.language, peer = (address or ""):match "@(.*)$" or address,
    caller = { number = caller.number, name = caller.name, presentation = caller.presentation },
  }
  descend(ch, other)
  return other
end

-- Turns the channel of a party that was about to be called into that of the party.
function party.arrived(ch, expected, peer)
  local other = party.channel(ch, peer)
  other.vars, other.inherits, other.handlers = expected.vars, expected.inherits, expected.handlers
  for _, step in ipairs(expected.pending) do other:note(step) end
end

-- U(name^arguments): a routine of its own context, from s,1.
function party.subroutine(ch, text, peer)
  local other = party.channel(ch, peer)
  local values = arguments.raw(text, "^")
  local name = table.remove(values, 1)
  local place = name:find(",", 1, true) and "%s(%s)" or "%s,s,1(%s)"
  flow.handler(other, place:format(name, table.concat(values, ",")))
  return other
end

-- M(name^arguments): a macro.
function party.macro(ch, text, peer)
  local other = party.channel(ch, peer)
  flow.run(other, "Macro", (text:gsub("%^", ",")))
  return other
end

-- e: extension h of the caller's context, for the party.
function party.ended(ch, peer)
  local other = party.channel(ch, peer)
  if flow.exists(ch, ch.context, "h", 1) then
    other.context = ch.context
    flow.hungup(other)
  end
end

-- Lets a party go on in the dialplan by itself: now, or once its caller has left.
function party.go_on(ch, peer, context, extension, priority, when)
  local wanted = flow.beginning(context, extension, priority, party.channel(ch, peer):all())
  wanted.when = when
  local result = peer:hand_over(wanted)
  if result.status == "unallocated" then
    log.warn("the called party cannot go on at %s,%s,%d, which does not exist", context, extension, priority)
    if when ~= "left" then peer:hangup() end
  end
end

return party
