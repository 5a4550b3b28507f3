-- Gosub and Macro, and what comes back from them.

local arguments = require "asterisk.arguments"
local flow = require "asterisk.flow"
local registry = require "asterisk.registry"

-- Routines ------------------------------------------------------------------------

-- Enters a routine: "place(arguments)". The place must exist.
local function gosub(ch, text)
  local context, extension, priority, values = flow.routine(ch, text)
  if not context then return "hangup" end
  if not flow.exists(ch, context, extension, priority) then
    log.error("Gosub: there is no %s,%s,%d, at %s", context, extension, priority, ch:place())
    return "hangup"
  end
  ch:push({ ch.context, ch.exten, ch.priority + 1 }, values)
  ch:jump(context, extension, priority)
end

registry.application("Gosub", { run = function(ch, text)
  if text == "" then
    log.error("Gosub wants a place, at %s", ch:place())
    return "hangup"
  end
  return gosub(ch, text)
end })

-- Divides "condition?yes:no" where the branches may have arguments of their own.
local function divided(text)
  local question = text:find("?", 1, true)
  if not question then return text end
  local rest = text:sub(question + 1)
  local depth = 0
  for at = 1, #rest do
    local c = rest:sub(at, at)
    if c == "(" then depth = depth + 1
    elseif c == ")" then depth = depth - 1
    elseif c == ":" and depth <= 0 then return text:sub(1, question - 1), rest:sub(1, at - 1), rest:sub(at + 1) end
  end
  return text:sub(1, question - 1), rest
end

registry.application("GosubIf", { run = function(ch, text)
  local condition, yes, no = divided(text)
  local where = no
  if arguments.truth(arguments.trim(condition)) then where = yes end
  where = where and arguments.trim(where) or ""
  if where == "" then return end
  return gosub(ch, where)
end })

registry.application("Return", { run = function(ch, text)
  local frame = ch:pop()
  if not frame then
    log.error("Return without Gosub, at %s", ch:place())
    return "hangup"
  end
  ch:set("GOSUB_RETVAL", text)
  ch:jump(frame.place[1], frame.place[2], frame.place[3])
end })

registry.application("StackPop", { run = function(ch)
  if not ch:pop() then log.warn("StackPop on an empty stack, at %s", ch:place()) end
end })

-- Macros -----------------------------------------------------------------------------

local deepest = 7

local function restore(ch, kept)
  for name, value in pairs(kept) do
    if value == false then ch:unset(name) else ch.vars[name] = value end
  end
end

local function keep(ch, kept, name, value)
  kept[name] = ch.vars[name] or false
  ch.vars[name] = value
end

-- Sets what a macro sees, and returns what was there before.
local function enter(ch, values)
  local kept = {}
  keep(ch, kept, "MACRO_EXTEN", ch.exten)
  keep(ch, kept, "MACRO_CONTEXT", ch.context)
  keep(ch, kept, "MACRO_PRIORITY", tostring(ch.priority))
  for i, value in ipairs(values) do keep(ch, kept, "ARG" .. i, value) end
  return kept
end

-- Goes on after a macro: behind it, further on by MACRO_OFFSET where that leads
-- somewhere.
local function leave(ch, macro)
  ch.context, ch.exten, ch.priority = macro.from, macro.exten, macro.priority
  local offset = arguments.whole(ch.vars.MACRO_OFFSET)
  if offset ~= 0 and flow.exists(ch, ch.context, ch.exten, ch.priority + offset + 1) then ch.priority = ch.priority + offset end
  ch.jumped = false
end

-- Runs macro-NAME. Digits that are pressed in it belong to its caller.
local function macro(ch, text)
  local values = arguments.split(text)
  local name = table.remove(values, 1) or ""
  local context = "macro-" .. name
  if name == "" or not flow.exists(ch, context, "s", 1) then
    log.warn("there is no context '%s' with an extension s, at %s", context, ch:place())
    return
  end
  if #ch.macros >= deepest then
    log.error("Macro: %s is nested more than %d deep, at %s", name, deepest, ch:place())
    return
  end
  local own = { context = context, from = ch.context, exten = ch.exten, priority = ch.priority, depth = #ch.stack }
  local kept = enter(ch, values)
  ch.macros[#ch.macros + 1] = own
  ch.context, ch.exten, ch.priority = context, "s", 1
  local found, result, key = flow.steps(ch, function()
    return ch.context == context or #ch.stack > own.depth
  end)
  ch.macros[#ch.macros] = nil
  restore(ch, kept)
  local outside = ch.context ~= context
  if not outside then leave(ch, own) else ch.jumped = true end
  ch:unset "MACRO_OFFSET"
  if found and result == "exit" then
    return
  elseif found and result then
    return result, key
  end
end

registry.application("Macro", { run = macro, gone = 21 })

registry.application("MacroExclusive", {
  level = "approximate", note = "does not keep other calls out of the macro", run = macro,
})

registry.application("MacroIf", { run = function(ch, text)
  local condition, yes, no = divided(text)
  local which = no
  if arguments.truth(condition) then which = yes end
  if which and which ~= "" then return macro(ch, which) end
end })

registry.application("MacroExit", { run = function(ch)
  if #ch.macros == 0 then return "hangup" end
  return "exit"
end })
