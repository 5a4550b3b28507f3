-- voicemail.conf: mailboxes, by context.

local text = require "text"

local voicemail = {}

-- Options that mailboxes have under the same name, and what they are.
local flags = { attach = true, saycid = true, review = true, operator = true, envelope = true, delete = true, nextaftercmd = true }
local numbers = { maxmsg = "maxmsg", maxsecs = "maxsecs", maxmessage = "maxsecs", minsecs = "minsecs", minmessage = "minsecs",
  maxsilence = "maxsilence", maxlogins = "maxlogins" }

-- Takes an option over into fields. Returns whether it has a counterpart.
local function option(fields, name, setting, zones)
  name = name:lower()
  if numbers[name] and tonumber(setting) then
    fields[numbers[name]] = math.max(math.floor(tonumber(setting)), 0)
  elseif flags[name] then
    fields[name] = setting:lower():find "^[yt1]" ~= nil or setting:lower() == "on"
  elseif name == "language" and setting:find "^%a[%w_-]*$" then
    fields.language = setting
  elseif name == "tz" and zones[setting] then
    fields.zone = zones[setting]
  elseif name == "callback" then
    fields.callback = setting ~= ""
  else
    return false
  end
  return true
end

-- The zones of [zonemessages]: "eastern=America/New_York|'vm-received' Q".
local function zonesOf(list, report)
  local zones = {}
  for _, section in ipairs(list) do
    if section.name:lower() == "zonemessages" then
      for _, entry in ipairs(section.entries) do
        local zone = text.trim(entry.value:match "^[^|]*")
        if zone:find "^%a[%w_+/-]*$" then zones[entry.name] = zone end
        report:approximate(entry, ("the way in which %s says the time has no counterpart"):format(entry.name), "its time zone is kept")
      end
    end
  end
  return zones
end

-- The options of a mailbox: "tz=eastern|attach=yes". Returns those without
-- counterpart.
local function options(fields, written, zones)
  local left = {}
  for one in (written or ""):gmatch "[^|]+" do
    local name, setting = one:match "^%s*([^=]-)%s*=%s*(.-)%s*$"
    if not name or not option(fields, name, setting, zones) then left[#left + 1] = text.trim(one) end
  end
  return left
end

local function mailbox(entry, section, general, zones, report)
  local parts = text.split(entry.value, ",")
  for i, part in ipairs(parts) do parts[i] = text.trim(part) end
  local box = { name = entry.name .. "@" .. section.name, file = entry.file, line = entry.line, above = entry.above, fields = {} }
  local fields = box.fields
  for name, setting in pairs(general) do fields[name] = setting end
  local pin = (parts[1] or ""):gsub("^%-", "")
  fields.pin, fields.name, fields.email, fields.pager = pin, parts[2], parts[3], parts[4]
  local left = options(fields, parts[5], zones)
  if pin:find "%D" then
    report:approximate(entry, ("no keypad can enter the PIN of mailbox %s"):format(box.name), "choose digits")
  elseif not entry.name:find "^%d+$" then
    report:approximate(entry, ("no keypad can enter the number of mailbox %s"):format(box.name))
  elseif #left > 0 then
    report:approximate(entry, ("%s of a mailbox has no counterpart"):format(table.concat(left, "|")))
  end
  return box
end

function voicemail.read(site, list, report, _, job)
  local has, general, zones, seen = job.has "mailbox", {}, zonesOf(list, report), {}
  for _, section in ipairs(list) do
    if section.name:lower() == "general" and not section.template then
      for _, entry in ipairs(section.entries) do
        if not option(general, entry.name, entry.value, zones) then
          report:approximate(entry, ("%s=%s of voicemail has no counterpart"):format(entry.name, entry.value),
            "mailboxes work in moonwire's own way")
        end
      end
    end
  end
  for _, section in ipairs(list) do
    local name = section.name:lower()
    if not section.template and name ~= "general" and name ~= "zonemessages" then
      for _, entry in ipairs(section.entries) do
        local box = mailbox(entry, section, general, zones, report)
        if seen[box.name] then
          report:unknown(entry, ("mailbox %s is there twice"):format(box.name), "the first one counts")
        else
          seen[box.name] = true
          site.mailboxes[#site.mailboxes + 1] = box
        end
        if not has then
          report:unknown(entry, ("mailbox %s: this version of moonwire has no mailboxes"):format(box.name),
            "it stands in config.lua as a comment")
        end
      end
    end
  end
end

return voicemail
