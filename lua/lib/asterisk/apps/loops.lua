-- While and its kind.

local arguments = require "asterisk.arguments"
local flow = require "asterisk.flow"
local registry = require "asterisk.registry"

-- The priority of the EndWhile that belongs to the While at the channel's place,
-- nil where there is none behind it.
local function closing(ch)
  local depth = 0
  local priority = ch.priority + 1
  while true do
    local step = flow.step(ch, ch.context, ch.exten, priority)
    if not step then return nil end
    local name = tostring(step[2]):lower()
    if name == "while" then
      depth = depth + 1
    elseif name == "endwhile" then
      if depth == 0 then return priority end
      depth = depth - 1
    end
    priority = priority + 1
  end
end

local function same(loop, ch) return loop and loop.context == ch.context and loop.exten == ch.exten and loop.priority == ch.priority end

-- Goes behind the end of a loop.
local function leave(ch, loop)
  if loop.last then return ch:jump(loop.last[1], loop.last[2], loop.last[3]) end
  local last = closing(ch)
  if last then return ch:jump(ch.context, ch.exten, last + 1) end
  log.warn("While without EndWhile, at %s", ch:place())
end

registry.application("While", { run = function(ch, text)
  local loop = ch.whiles[#ch.whiles]
  if not same(loop, ch) then
    loop = { context = ch.context, exten = ch.exten, priority = ch.priority }
    ch.whiles[#ch.whiles + 1] = loop
  end
  if arguments.truth(text) then return end
  ch.whiles[#ch.whiles] = nil
  return leave(ch, loop)
end })

registry.application("EndWhile", { run = function(ch)
  local loop = ch.whiles[#ch.whiles]
  if not loop then
    log.warn("EndWhile without While, at %s", ch:place())
    return
  end
  loop.last = { ch.context, ch.exten, ch.priority + 1 }
  ch:jump(loop.context, loop.exten, loop.priority)
end })

registry.application("ContinueWhile", { run = function(ch)
  local loop = ch.whiles[#ch.whiles]
  if not loop then
    log.warn("ContinueWhile without While, at %s", ch:place())
    return
  end
  ch:jump(loop.context, loop.exten, loop.priority)
end })

registry.application("ExitWhile", { run = function(ch)
  local loop = table.remove(ch.whiles)
  if not loop then
    log.warn("ExitWhile without While, at %s", ch:place())
    return
  end
  if loop.last then return ch:jump(loop.last[1], loop.last[2], loop.last[3]) end
  local context, exten, priority = ch.context, ch.exten, ch.priority
  ch.context, ch.exten, ch.priority = loop.context, loop.exten, loop.priority
  local last = closing(ch)
  ch.context, ch.exten, ch.priority = context, exten, priority
  if last then ch:jump(loop.context, loop.exten, last + 1) end
end })
