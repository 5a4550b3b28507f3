-- Finds what was probably meant otherwise. Asterisk runs most misprints in some
-- way of its own, and the translation does the same; these are notes for the
-- reader.

local text = require "text"
local arguments = require "arguments"

local misprints = {}

-- Opening and closing characters that do not pair up.
local function unbalanced(s)
  local stack, at = {}, 1
  while true do
    at = s:find("[${}%[%]]", at)
    if not at then break end
    local c = s:sub(at, at)
    if c == "$" then
      local after = s:sub(at + 1, at + 1)
      if after == "{" then stack[#stack + 1] = "}" at = at + 1
      elseif after == "[" then stack[#stack + 1] = "]" at = at + 1 end
    elseif #stack > 0 and c == "[" then
      stack[#stack + 1] = "]"
    elseif #stack > 0 and c == "{" then
      stack[#stack + 1] = "}"
    elseif c == stack[#stack] then
      stack[#stack] = nil
    end
    at = at + 1
  end
  return stack[#stack]
end

-- Notes on the text of arguments.
function misprints.arguments(step, report)
  local s = step.args
  if s:find("$(", 1, true) then
    local name = s:match "%$%(([%w_]+)%)"
    report:note(step, name and ("$(%s) is not a variable but plain text"):format(name) or "$( is plain text",
      name and ("${%s} was probably meant"):format(name) or "${ was probably meant")
  end
  if s:find("$", 1, true) then
    local missing = unbalanced(s)
    if missing then
      local wrong = missing == "}" and s:match "%${[%w_:-]*%)"
      report:note(step, ("no closing %s in '%s'"):format(missing, s),
        wrong and ("%s} was probably meant"):format(wrong:sub(1, -2)) or "Asterisk takes the rest of the text for it")
    end
  end
  if s:find "\226\128[\156\157\158\152\153]" then
    report:note(step, "typographic quotes are characters like any other", 'plain quotes (") were probably meant')
  end
end

-- Notes on the name of an application that does not exist. Gives what was
-- probably meant.
function misprints.application(step)
  local name = step.app
  if name == "" and step.args ~= "" then return step.args end
  local trimmed = text.trim(name)
  if trimmed ~= name then return ("%s(%s), without a space before the parenthesis"):format(trimmed, step.args) end
  local app, args = name:match "^([%w_]+)[,|](.*)$"
  if app then return ("%s(%s)"):format(app, (args:gsub("|", ","))) end
end

-- Notes on a pattern.
function misprints.pattern(extension, report)
  local pattern = extension.pattern
  if pattern:byte() ~= 95 then -- _
    if pattern:find "^[XZNxzn%d%[%]%-]+[%.!]?$" and pattern:find "[XZN]" and #pattern > 2 then
      report:note(extension, ("'%s' is a name, not a pattern"):format(pattern), ("_%s was probably meant"):format(pattern))
    end
    return
  end
  for set in pattern:gmatch "%[(.-)%]" do
    if set:find "%d[_~]%d" then
      report:note(extension, ("[%s] stands for each of these characters"):format(set),
        ("[%s] was probably meant"):format((set:gsub("[_~]", "-"))))
    end
  end
  if pattern:find "%[[^%]]*$" then
    report:note(extension, ("no closing bracket in pattern %s"):format(pattern), pattern .. "] was probably meant")
  end
  if pattern:find "[Ww]" and not pattern:find "%a[Ww]" and not pattern:find "[Ww]%a%a" then
    report:note(extension, ("W in pattern %s is the letter W"):format(pattern), "Z, a digit from 1 to 9, was probably meant")
  end
end

-- Set(X = y): the space belongs to the name and to the value.
function misprints.set(step, report)
  local name, value = step.args:match "^([^=]*)=(.*)$"
  if not name then
    if step.args ~= "" then
      report:note(step, ("Set(%s) sets nothing: there is no equal sign"):format(step.args), "Set(NAME=value) was probably meant")
    end
    return
  end
  if name:find "%s$" or value:find "^%s" and text.trim(value) ~= "" then
    report:note(step, "spaces around = are part of the name and of the value",
      ("Set(%s=%s) was probably meant"):format(text.trim(name), text.trim(value)))
  end
end

return misprints
