-- If, ElseIf, Else, EndIf and ExitIf of Asterisk 20.1 and later. Of the branches
-- the first whose condition holds runs, and no other. (The application of
-- Asterisk itself may run another one behind it, which nobody can have meant.)

local arguments = require "asterisk.arguments"
local flow = require "asterisk.flow"
local registry = require "asterisk.registry"

-- The next priority behind the channel's that belongs to the same If and has one
-- of the names; nil where there is none.
local function following(ch, names)
  local depth, priority = 0, ch.priority + 1
  while true do
    local step = flow.step(ch, ch.context, ch.exten, priority)
    if not step then return nil end
    local name = tostring(step[2]):lower()
    if depth == 0 and names[name] then return priority, name end
    if name == "if" then depth = depth + 1
    elseif name == "endif" then depth = depth - 1 end
    priority = priority + 1
  end
end

local branches = { ["elseif"] = true, ["else"] = true, ["endif"] = true }
local ends = { ["endif"] = true }

local function place(ch, priority) return ("%s,%s,%d"):format(ch.context, ch.exten, priority) end

-- Goes on at the next ElseIf, or behind Else or EndIf.
local function next_branch(ch, name)
  local priority, found = following(ch, branches)
  if not priority then
    log.warn("%s without EndIf, at %s", name, ch:place())
    return
  end
  if found == "elseif" then
    ch.branch = place(ch, priority)
    ch:jump(ch.context, ch.exten, priority)
    return
  end
  if found == "endif" then ch.ifs = ch.ifs - 1 end
  ch:jump(ch.context, ch.exten, priority + 1)
end

local function leave(ch, name)
  local priority = following(ch, ends)
  if not priority then
    log.warn("%s without EndIf, at %s", name, ch:place())
    return
  end
  ch.ifs = ch.ifs - 1
  ch:jump(ch.context, ch.exten, priority + 1)
end

registry.application("If", { run = function(ch, text)
  ch.ifs = (ch.ifs or 0) + 1
  if not arguments.truth(text) then return next_branch(ch, "If") end
end })

registry.application("ElseIf", { run = function(ch, text)
  local wanted = ch.branch == ch:place()
  ch.branch = nil
  if (ch.ifs or 0) == 0 then
    log.warn("ElseIf without If, at %s", ch:place())
    return
  end
  if not wanted then return leave(ch, "ElseIf") end
  if not arguments.truth(text) then return next_branch(ch, "ElseIf") end
end })

registry.application("Else", { run = function(ch)
  if (ch.ifs or 0) == 0 then
    log.warn("Else without If, at %s", ch:place())
    return
  end
  return leave(ch, "Else") -- reached from the branch before it
end })

registry.application("EndIf", { run = function(ch)
  if (ch.ifs or 0) == 0 then
    log.warn("EndIf without If, at %s", ch:place())
    return
  end
  ch.ifs = ch.ifs - 1
end })

registry.application("ExitIf", { run = function(ch)
  if (ch.ifs or 0) == 0 then
    log.warn("ExitIf without If, at %s", ch:place())
    return
  end
  return leave(ch, "ExitIf")
end })
