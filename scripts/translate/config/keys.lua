-- What becomes of the keys of a configuration file, as tables: the readers of
-- files whose settings mostly have no counterpart are little more than such a
-- table.
--
--   keys.reader {
--     reason = "this version of moonwire has no queues", -- for what is not named
--     sections = {
--       general = { plain = "autofill", … },   -- by name, in small letters
--       other = { head = { … }, … },           -- all further ones
--     },
--   }
--
-- The rules of a section:
--   plain      names of keys that moonwire does so anyway, or has no need of
--   head       a rule for the section itself, where its name stands for something
--   otherwise  a rule for keys that are not named; without one the file's reason
--   [key]      a rule for a key
--
-- A rule is true, for what needs nothing; a function(site, entry, section,
-- report); or a table:
--   reason      why it has no counterpart; the file's reason where left out
--   suggestion  what to do instead
--   status      "unknown" (the default), "approximate" or "note"
--   unless      values, as words, that ask for nothing that is missing
--   off         true: values that switch something off are among them

local keys = {}

local function words(s)
  local set = {}
  for word in s:gmatch "%S+" do set[word] = true end
  return set
end
keys.words = words

local off = words "no false off 0 never none n f disabled"

local hidden = { "secret", "password", "passwd", "pincode", "pin", "adminpin", "auth_pass", "agent", "conf", "register" }

-- An entry as the report names it: without what nobody else shall read.
function keys.shown(entry)
  local name = entry.name:lower()
  for _, word in ipairs(hidden) do
    if name == word or name:find("secret", 1, true) or name:find("password", 1, true) then return entry.name end
  end
  return entry.value == "" and entry.name or ("%s=%s"):format(entry.name, entry.value)
end

-- Says of an entry of a section what its rule says; reason is the file's.
function keys.judge(site, entry, section, rule, report, reason)
  if rule == true then return end
  if type(rule) == "function" then return rule(site, entry, section, report) end
  local value = entry.value:lower()
  if value == "" or rule.off and off[value] or rule.unless and words(rule.unless)[value] then return end
  local text = ("%s of [%s]: %s"):format(keys.shown(entry), section.name, rule.reason or reason)
  report[rule.status or "unknown"](report, entry, text, rule.suggestion)
end

-- What a section says of itself.
local function head(section, rule, spec, report)
  local said = ("[%s]: %s"):format(section.name, rule.reason or spec.reason)
  report[rule.status or "unknown"](report, section, said, rule.suggestion)
end

local function read(site, section, rules, plain, spec, report)
  if section.template then return end
  if rules.head then head(section, rules.head, spec, report) end
  for _, entry in ipairs(section.entries) do
    local name = entry.name:lower()
    if not plain[name] then
      keys.judge(site, entry, section, rules[name] or rules.otherwise or {}, report, spec.reason)
    end
  end
end

-- A reader of files: function(site, sections, report).
function keys.reader(spec)
  local sections, plain = spec.sections, {}
  for name, rules in pairs(sections) do plain[name] = words(rules.plain or "") end
  return function(site, list, report)
    for _, section in ipairs(list) do
      local name = section.name:lower()
      if not sections[name] then name = "other" end
      read(site, section, sections[name] or {}, plain[name] or {}, spec, report)
    end
    if spec.finish then spec.finish(site, list, report) end
  end
end

return keys
