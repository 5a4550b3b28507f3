-- Second pass: lines to sections.
--
-- All of Asterisk's files that end in .conf have this form: [name] opens a
-- section, name = value is an entry in it. A section can be a template (!), build
-- on others (a,b), or continue one of the same name (+).

local text = require "text"

local sections = {}

local function open(line, report)
  local name, rest = line.text:match "^%[([^%]]*)%](.*)$"
  if not name then
    report:unknown(line, "the section's name has no closing bracket", "write " .. line.text:match "^[^%s(]*" .. "]")
    name, rest = line.text:sub(2), ""
  end
  local section = {
    name = name, file = line.file, line = line.line, above = line.above, comment = line.comment,
    parents = {}, entries = {},
  }
  if text.trim(name) ~= name then
    report:note(line, ("the name of section [%s] has spaces around it, and they count"):format(name),
      ("[%s] was probably meant"):format(text.trim(name)))
  end
  local options, after = rest:match "^%(([^)]*)%)?(.*)$"
  after = text.trim(options and after or rest)
  for _, option in ipairs(options and text.split(options, ",") or {}) do
    option = text.trim(option)
    if option == "!" then
      section.template = true
    elseif option == "+" then
      section.continues = true
    elseif option ~= "" then
      section.parents[#section.parents + 1] = option
    end
  end
  if after ~= "" then
    report:approximate(line, ("'%s' after the section's name is ignored"):format(after),
      after:find "^%(" and "no space may stand before the parenthesis" or "it was probably meant for a line of its own")
  end
  return section
end

-- Copies what a section builds on in front of its own entries.
local function inherit(section, known, report)
  if #section.parents == 0 then return end
  local all = {}
  for _, name in ipairs(section.parents) do
    local parent = known[name]
    if not parent then
      report:unknown(section, ("section [%s] builds on [%s], which is not defined before it"):format(section.name, name),
        "Asterisk refuses the whole file then; define the template first")
    else
      for _, entry in ipairs(parent.entries) do all[#all + 1] = entry end
    end
  end
  section.inherited = #all
  section.entries = all
end

local function entry(line)
  local equals = line.text:find("=", 1, true)
  if not equals then return nil end
  local name = text.trim(line.text:sub(1, equals - 1))
  local append = name:byte(-1) == 43 -- +
  local from = line.text:byte(equals + 1) == 62 and equals + 2 or equals + 1 -- >
  return {
    name = append and text.trim(name:sub(1, -2)) or name, append = append, value = text.trim(line.text:sub(from)),
    file = line.file, line = line.line, above = line.above, comment = line.comment,
  }
end

-- What was probably meant by a line without an equal sign.
local function suggest(line)
  local word = line.text:match "^%a+"
  if word and (word:lower() == "exten" or word:lower() == "same" or word:lower() == "include") then
    return ("%s => %s was probably meant"):format(word, text.trim(line.text:sub(#word + 1):gsub("^%s*[->]+", "")))
  end
  return "a comment begins with a semicolon"
end

-- The sections of a file, in order, templates among them.
function sections.parse(lines, report)
  local list, known, current = {}, {}, nil
  for _, line in ipairs(lines) do
    if line.text:byte() == 91 then -- [
      report:count(line)
      local section = open(line, report)
      local earlier = known[section.name]
      if section.continues and earlier then
        current = earlier
      else
        inherit(section, known, report)
        known[section.name] = section
        list[#list + 1] = section
        current = section
      end
    else
      report:count(line)
      local e = entry(line)
      if not e then
        report:unknown(line, ("'%s' is neither a section nor a setting: it has no equal sign"):format(line.text), suggest(line))
      elseif not current then
        report:unknown(line, "this line stands before the first section", "put [name] over it")
      else
        current.entries[#current.entries + 1] = e
      end
    end
  end
  return list
end

return sections
