-- Finds out for which Asterisk a dialplan was written.
--
-- It matters because up to 1.4 arguments were separated by | as well as by
-- commas, lost their quotes when the dialplan was loaded, and a busy line could
-- jump to priority n+101.

local era = {}

-- The versions that can be asked for, with what they change.
local function describe(version)
  local major, minor = version:match "^(%d+)%.?(%d*)$"
  major, minor = tonumber(major), tonumber(minor) or 0
  if not major or major > 99 then return nil end
  local old = major == 1 and minor < 6
  return {
    version = version, number = tonumber(version), old = old,
    jumping = major == 1 and minor < 4,
    autofallthrough = not (major == 1 and minor < 4),
  }
end

-- Lines that only make sense with | as a separator, and signs of a later time.
local function evidence(list)
  local pipes, later = 0, false
  for _, section in ipairs(list) do
    for _, entry in ipairs(section.entries) do
      local word = entry.name:lower()
      if word == "same" or entry.value:find("PJSIP/", 1, true) then later = true end
      if word == "exten" then
        local args = entry.value:match "^[^,]*,[^,]*,%s*[%a_]+%((.*)%)"
        if args and args:gsub("%$%b[]", ""):find "[^|]|[^|]" then pipes = pipes + 1 end
      end
    end
  end
  return pipes, later
end

-- asked is the version from the command line, nil to find out. The second result
-- says why it is taken for an old one.
function era.of(asked, list)
  if asked and asked ~= "auto" then
    local described = describe(asked)
    if not described then error(("there is no era '%s'; write 1.0, 1.2, 1.4, 1.6, 1.8, 10 to 23, or auto"):format(asked), 0) end
    return described
  end
  local pipes, later = evidence(list)
  if pipes >= 3 and not later then
    return describe "1.4", ("%d lines separate arguments by |: taken for a dialplan of Asterisk 1.4"):format(pipes)
  end
  return describe "20"
end

return era
